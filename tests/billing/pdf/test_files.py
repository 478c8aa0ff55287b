"""A document's file is made once and is that file from then on; mails carry it; a worker makes it."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console import stored_files
from console.billing.migration.queries import find_migration
from console.billing.models import Migration, MigrationState
from console.billing.pdf import files as papers
from console.billing.pdf import jobs as pdf_jobs
from console.billing.pdf.files import LANGUAGES, FileKey, find_file, key_of, pdf_of, record_key, record_of
from console.billing.pdf.jobs import make_recent
from console.billing.pdf.models import DocumentFile, DocumentKind, Side
from console.chat.retention import remove_unused_files
from console.core import clock
from console.core.actor import SYSTEM
from console.core.context import files
from console.core.errors import FileGone
from console.core.files import content_digest
from console.core.transaction import transaction
from console.mail.models import Mail
from console.settings import service as set_on_page
from console.staff.roles import Role
from tests import factories
from tests.billing.pdf.papers import make_buyer
from tests.factories.migrations import make_move
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")


@pytest.mark.both
def test_it_is_made_once_and_is_that_file_from_then_on(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    proforma = factories.make_proforma(make_buyer())
    first = pdf_of(proforma)
    row = find_file(key_of(proforma))
    assert row is not None and row.sha256 == content_digest(first) and row.size == len(first)
    monkeypatch.setattr(papers, "make", lambda _key: b"%PDF another layout")
    assert pdf_of(proforma) == first
    assert pdf_of(proforma, "en") == b"%PDF another layout"
    assert len(session.scalars(select(DocumentFile)).all()) == 2


def test_a_lost_file_is_made_again_only_if_it_is_the_same(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    proforma = factories.make_proforma(make_buyer())
    first = pdf_of(proforma)
    digest = content_digest(first)
    files().remove(digest)
    assert stored_files.examine(files()).missing == [f"document_files {find_file(key_of(proforma)).id}"]
    assert pdf_of(proforma) == first and files().get(digest) == first
    files().path(digest).write_bytes(b"damaged")
    monkeypatch.setattr(papers, "make", lambda _key: b"%PDF another layout")
    with pytest.raises(FileGone):
        pdf_of(proforma)


@pytest.mark.both
def test_a_lost_record_of_a_migration_is_made_again_whatever_has_changed(session: Session) -> None:
    """It prints what was so at the execution, in the language of that day."""
    persona = factories.ana()
    stays = factories.make_service(persona.customer, hosted_with=persona.services[0])
    move = make_move(persona.customer, services=persona.services[:1])
    factories.make_proforma(move.old, move.services)
    move.request(leave=(stays.id,))
    move.approve()
    move.execute()
    migration = move.migration()
    first = {(side, language): record_of(migration, side, language) for side in Side for language in LANGUAGES}
    keys = {side: record_key(migration, side) for side in Side}
    with transaction():
        for customer in (move.old, move.new):
            customer.name, customer.city, customer.language = "Novo ime d.o.o.", "Niš", "en"
        for service in (*move.services, stays):
            service.label, service.product.name = "drugo-ime.example", "Drugi paket"
        set_on_page.change(SYSTEM, "issuer", {"issuer_name": "Drugo ime d.o.o."})
    session.expire_all()
    migration = move.migration()
    assert {side: record_key(migration, side) for side in Side} == keys
    for (side, language), content in first.items():
        files().remove(content_digest(content))
        assert record_of(migration, side, language) == content, (side, language)
    with transaction():
        migration.snapshot = None  # as of one that was executed before there was one: what is known now
    assert {record_key(migration, side).language for side in Side} == {"en"}


def test_what_a_record_prints_is_read_for_the_record_alone(app: Flask, client: ConsoleClient, session: Session) -> None:
    """It is as large as the migration; lists and pages show nothing of it."""
    move = make_move()
    move.to_approved()
    here = f"/console/migrations/{move.ref}"
    sign_in(client, Role.BILLING)
    with count_queries(app) as seen:
        move.execute()
        pages = [client.get(address) for address in ("/console/migrations/", here, "/console/", "/console/billing/")]
        session.expire_all()
        assert find_migration(move.ref).state is MigrationState.EXECUTED
    assert {page.status_code for page in pages} == {200}
    assert not [one for one in seen if one.startswith("SELECT") and "migrations.snapshot" in one]
    session.expire_all()
    with count_queries(app) as seen:
        papers.make(FileKey(DocumentKind.MIGRATION_OLD, move.migration().id, "en"))
    assert len([one for one in seen if "migrations.snapshot" in one]) == 1


def test_a_worker_reads_what_many_records_print_at_once(app: Flask, session: Session) -> None:
    def count(many: int) -> int:
        for _ in range(many):
            make_move().to_approved().execute()
        session.expire_all()
        with count_queries(app) as seen:
            assert len(list(pdf_jobs._migrations())) == 2 * many
        return seen.count

    assert count(1) == 2
    with transaction():
        session.execute(update(Migration).values(ended_at=clock.now() - 2 * pdf_jobs.RECENT))
    assert count(4) == 2


def test_retention_of_others_leaves_it(session: Session) -> None:
    digest = content_digest(pdf_of(factories.make_proforma(make_buyer())))
    remove_unused_files([digest])
    assert files().is_whole(digest)


def test_a_worker_makes_what_was_just_issued_and_nothing_old(session: Session) -> None:
    customer = make_buyer()
    old = factories.make_proforma(customer, issued_days_ago=40)
    new = factories.make_proforma(customer, cancelled=True)
    assert make_recent() == 2  # pro-forma and storno
    assert find_file(key_of(new)) is not None and find_file(key_of(old)) is None
    assert make_recent() == 0


def test_the_mail_about_a_migration_carries_record_and_documents(session: Session) -> None:
    move = make_move()
    factories.make_proforma(move.old, move.services)
    move.to_approved().execute()
    mails = session.scalars(select(Mail).where(Mail.template == "migration_executed")).all()
    names = {mail.to_address: [one["name"] for one in mail.attachments] for mail in mails}
    new = names[factories.owner_of(move.new).person.email]
    old = names[factories.owner_of(move.old).person.email]
    assert new[0] == old[0] == f"{move.ref}.pdf"
    assert [name[:2] for name in new[1:]] == ["PR"] * len(new[1:]) and new[1:]
    assert "ST" in {name[:2] for name in old[1:]}
    assert not set(new[1:]) & set(old[1:])
    assert make_recent() >= 4
