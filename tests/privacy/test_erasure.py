"""Erasing a person: what a search finds afterwards, the week before, and the audit log that stays whole."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import JSON, Enum, String, inspect, select, text
from sqlalchemy.orm import Session

from console.audit import queries as audit
from console.audit import sealing
from console.audit.models import AuditEntry, PersonKey
from console.chat import retention as chat_retention
from console.chat.models import Chat
from console.chat.search import CHAT_SEARCH
from console.core.context import files as store
from console.core.context import sealer
from console.core.db import Base, db
from console.core.errors import Conflict, NotFound
from console.core.text import fold
from console.core.transaction import transaction
from console.customers import holds
from console.customers.models import CUSTOMER_SEARCH, Customer, CustomerStatus, Person
from console.mail.models import Mail
from console.mail.receiving.models import IncomingMail
from console.privacy.models import Erasure, ErasureState
from console.privacy.service import erasure, exports
from console.privacy.statements import EVERYWHERE, STATEMENTS, Fate
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import TICKET_SEARCH, Ticket
from console.worker import JOBS, run_job
from tests import factories
from tests.conftest import Clock
from tests.privacy.people import Someone, someone
from tests.support.client import ConsoleClient, sign_in, sign_in_person

ENGLISH = {"Accept-Language": "en"}
# What stays by law, and how it is found: by the buyer it names.
DOCUMENTS = {"bank_lines", "payments", "proformas", "search_proformas", "search_proformas_content"}


@pytest.fixture
def staff(session: Session, monkeypatch: pytest.MonkeyPatch) -> Staff:
    monkeypatch.setattr(chat_retention, "UNTOUCHED", 0)
    return factories.make_staff(Role.AGENT)


def erase(person: Someone, clock: Clock) -> None:
    with transaction():
        erasure.request_erasure(person.actor)
    assert erasure.perform_due() == 0
    clock.advance(erasure.WAITS)
    assert erasure.perform_due() == 1
    db.session.expire_all()


def tables_with(word: str) -> set[str]:
    """Search every table there is, the search indexes' own too."""
    found = set()
    for name in inspect(db.engine).get_table_names():
        rows = db.session.execute(text(f'SELECT * FROM "{name}"')).all()
        if any(fold(word) in fold(str(value)) for row in rows for value in row if isinstance(value, str | dict | list)):
            found.add(name)
    return found


def raw_files(address: str) -> list[str]:
    """Return the files of received messages of someone."""
    query = select(IncomingMail.raw_file).where(IncomingMail.from_address == address)
    return [file for file in db.session.scalars(query) if file is not None]


def keys_of(index: object, column: object, word: str) -> list[int]:
    return list(db.session.scalars(select(column).where(index.matches(db.session(), column, word))))  # type: ignore


@pytest.mark.both
def test_after_an_erasure_only_what_must_stay_is_found(staff: Staff, clock: Clock) -> None:
    one, other = (someone(word, staff, everywhere=True) for word in ("vetrenjaca", "kukuruz"))
    for trace in one.traces:  # the search below can fail
        assert tables_with(trace) - DOCUMENTS
    assert store().exists(one.digest)
    files_of = {word: raw_files(f"{word}@ljudi.example.rs") for word in ("vetrenjaca", "kukuruz")}
    assert len(files_of["vetrenjaca"]) == 2
    erase(one, clock)
    for trace in one.traces:
        assert tables_with(trace) <= DOCUMENTS, trace
    assert {"bank_lines", "payments", "proformas"} <= tables_with(one.name)  # with the payer and the buyer they name
    assert not store().exists(one.digest) and store().exists(other.digest)
    assert not any(store().exists(file) for file in files_of["vetrenjaca"])  # their messages as they came
    assert all(store().exists(file) for file in files_of["kukuruz"])
    for word in ("vetrenjaca", one.name):
        assert keys_of(TICKET_SEARCH, Ticket.id, word) == keys_of(CHAT_SEARCH, Chat.id, word) == []
        assert keys_of(CUSTOMER_SEARCH, Customer.id, word) == []
    for trace in other.traces:
        assert len(tables_with(trace)) > 1, trace
    assert len(keys_of(TICKET_SEARCH, Ticket.id, "kukuruz")) == 7
    person = db.session.get_one(Person, one.member.person_id)
    assert (person.password_hash, person.name) == (None, "—")
    assert one.member.customer.status is CustomerStatus.CLOSED
    row = db.session.scalars(select(Erasure)).one()
    assert row.state is ErasureState.DONE and row.counts["chats"] == row.counts["passkeys"] == row.counts["zones"] == 1
    assert (row.counts["tickets"], row.counts["requests"], row.counts["quotes"]) == (5, 1, 2)


@pytest.mark.both
def test_the_audit_log_stays_whole_and_names_no_one(staff: Staff, clock: Clock) -> None:
    one = someone("vetrenjaca", staff, everywhere=True)
    entry = db.session.scalars(
        select(AuditEntry).where(AuditEntry.actor_kind == "person").order_by(AuditEntry.id)
    ).first()
    assert entry is not None
    assert (entry.actor_name, entry.address) == ("", None) and one.name not in str(entry.sealed)
    assert (sealing.name_of(entry), sealing.address_of(entry)) == (one.name, "203.0.113.7")
    assert list(audit.verify(db.session(), sealer())) == []
    sealed = [entry for entry in db.session.scalars(select(AuditEntry)).all() if sealing.about(entry) is not None]
    assert {entry.action for entry in sealed} == {
        "customer.profile_changed", "customer.correction_asked", "customer.status_changed", "verification.overridden",
        "dns.record_added", "dns.record_changed", "ticket.tagged", "ticket.links_voided",
    }  # fmt: skip
    changed = next(entry.id for entry in sealed if entry.action == "customer.profile_changed")
    assert sealing.data_of(db.session.get_one(AuditEntry, changed))["after"] == {"city": "Grad vetrenjaca"}
    copy = io.BytesIO()
    exports.write_archive(copy, one.member.person, None)
    assert "Grad vetrenjaca" in zipfile.ZipFile(copy).read("activity.json").decode()
    erase(one, clock)
    entry = db.session.get_one(AuditEntry, entry.id)
    assert sealing.name_of(entry) == f"#{one.member.person_id}" and sealing.address_of(entry) is None
    assert list(audit.verify(db.session(), sealer())) == []
    entry = db.session.get_one(AuditEntry, changed)
    assert sealing.data_of(entry) == {"fields": ["city"]} and sealing.about(entry) == one.member.person_id
    key = db.session.get_one(PersonKey, one.member.person_id)
    assert key.sealed_key is None and key.destroyed_at is not None
    last = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last is not None and (last.action, last.subject) == ("person.erased", f"person:{one.member.person_id}")


@pytest.mark.only("sqlite")
def test_what_was_sealed_cannot_be_changed_unnoticed(staff: Staff) -> None:
    someone("vetrenjaca", staff)
    with transaction() as session:
        session.execute(text("UPDATE audit_entries SET sealed = 'x' WHERE sealed IS NOT NULL"))
    assert {flaw.what for flaw in audit.verify(db.session(), sealer())} >= {"changed"}


@pytest.mark.only("sqlite")
def test_it_waits_a_week_and_can_be_taken_back(client: ConsoleClient, staff: Staff, clock: Clock) -> None:
    one = someone("vetrenjaca", staff)
    with transaction():
        exports.request_export(one.actor)
    exports.prepare_due()
    sign_in_person(client, one.email)
    clock.advance(timedelta(minutes=11))
    assert client.submit("/moj/privacy/erase", json=True).status_code == 403
    page = client.submit("/moj/privacy/erase", headers=ENGLISH, own_password=factories.PASSWORD)
    assert page.status_code == 303
    assert "Your data will be erased on" in client.get("/moj/privacy", headers=ENGLISH).text
    again = client.submit("/moj/privacy/erase", json=True)
    assert again.status_code == 409 and again.json["error"]["code"] == "waiting"
    assert client.submit("/moj/privacy/keep").status_code == 303
    assert client.submit("/moj/privacy/keep", json=True).status_code == 404
    clock.advance(timedelta(days=8))
    assert erasure.perform_due() == 0
    written = db.session.scalars(select(Mail.template).where(Mail.to_address == one.email)).all()
    assert "erasure_requested" in written and "erasure_cancelled" in written
    sign_in_person(client, one.email)


@pytest.mark.only("sqlite")
def test_a_session_and_a_copy_end_with_the_person(client: ConsoleClient, staff: Staff, clock: Clock) -> None:
    one = someone("vetrenjaca", staff)
    with transaction():
        exports.request_export(one.actor)
    exports.prepare_due()
    (row,) = exports.exports_of(one.member.person)
    digest = row.digest or ""
    with transaction():
        erasure.request_erasure(one.actor)
    clock.advance(erasure.WAITS)
    sign_in_person(client, one.email)
    assert client.get("/moj/privacy").status_code == 200
    assert erasure.perform_due() == 1
    assert client.get_json("/moj/privacy").status_code == 401
    assert not store().exists(digest)
    assert client.submit("/moj/login", json=True, email=one.email, password=factories.PASSWORD).status_code != 303


@pytest.mark.only("sqlite")
def test_services_and_migrations_come_first(staff: Staff, clock: Clock) -> None:
    customer = factories.make_customer()
    owner = factories.owner_of(customer)
    actor = factories.signed_in_actor(owner.person)
    factories.make_service(customer)
    with pytest.raises(Conflict) as refused, transaction():
        erasure.request_erasure(actor)
    assert refused.value.code == "services"
    one = someone("vetrenjaca", staff)
    with transaction():
        erasure.request_erasure(one.actor)
    factories.make_service(one.member.customer)
    clock.advance(erasure.WAITS)
    assert erasure.perform_due() == 0
    db.session.expire_all()
    assert db.session.scalars(select(Erasure)).one().state is ErasureState.CANCELLED
    assert db.session.get_one(Person, one.member.person_id).email == one.email


@pytest.mark.only("sqlite")
def test_one_that_fails_keeps_no_other_waiting(
    staff: Staff, clock: Clock, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, whole = someone("vetrenjaca", staff), someone("kukuruz", staff)
    for one in (broken, whole):
        with transaction():
            erasure.request_erasure(one.actor)
    clock.advance(erasure.WAITS)
    erase_one = erasure._erase

    def fail_for_one(row: Erasure) -> set[str]:
        if row.person_id == broken.member.person_id:
            raise RuntimeError("a part that fails")
        return erase_one(row)

    with monkeypatch.context() as patched:
        patched.setattr(erasure, "_erase", fail_for_one)
        assert not run_job(app, next(job for job in JOBS if job.name == "data.erase"))  # and the job shows as failed
    db.session.rollback()  # what the job's own session committed is seen from now on
    query = select(Erasure.state).order_by(Erasure.id)
    assert list(db.session.scalars(query)) == [ErasureState.WAITING, ErasureState.DONE]
    assert erasure.perform_due() == 1


@pytest.mark.only("sqlite")
def test_a_reset_password_takes_nothing_along(staff: Staff, clock: Clock) -> None:
    one = someone("vetrenjaca", staff)
    with transaction():
        holds.begin(one.actor, one.member.person, "password_reset")
    for verb in (erasure.request_erasure, exports.request_export):
        with pytest.raises(Conflict) as refused, transaction():
            verb(one.actor)
        assert refused.value.code == "held"
    clock.advance(holds.LASTS)
    with transaction():
        erasure.request_erasure(one.actor)


@pytest.mark.only("sqlite")
def test_a_contact_leaves_the_account_of_others_as_it_is(staff: Staff, clock: Clock) -> None:
    one = someone("vetrenjaca", staff)
    user = factories.make_member(one.member.customer)
    actor = factories.signed_in_actor(user.person)
    with transaction():
        erasure.request_erasure(actor)
    clock.advance(erasure.WAITS)
    assert erasure.perform_due() == 1
    db.session.expire_all()
    assert user.removed_at is not None and one.member.customer.status is CustomerStatus.ACTIVE
    assert db.session.get_one(Person, one.member.person_id).name == one.name
    assert len(keys_of(TICKET_SEARCH, Ticket.id, "vetrenjaca")) == 1


@pytest.mark.only("sqlite")
def test_staff_begin_it_for_the_owner_they_verified(client: ConsoleClient, session: Session) -> None:
    agent = sign_in(client, Role.AGENT)
    customer = factories.make_customer()
    address = f"/console/customers/{customer.number}/erase"
    assert client.submit(address, json=True).status_code == 404
    factories.make_verification(agent, factories.owner_of(customer))
    page = client.get(f"/console/customers/{customer.number}", headers=ENGLISH).text
    assert address in page
    assert client.submit(address, json=True).json["due_at"]
    row = db.session.scalars(select(Erasure)).one()
    assert row.staff_id == agent.id
    with pytest.raises(NotFound), transaction():
        erasure.cancel_erasure(agent.actor())


def test_every_text_that_is_stored_has_a_statement() -> None:
    """Who adds a table or a column with words says what becomes of it at an erasure (console.privacy.statements)."""
    stored = {
        table.name: {
            column.name
            for column in table.columns
            if isinstance(column.type, String | JSON) and not isinstance(column.type, Enum)
        }
        - EVERYWHERE
        for table in Base.metadata.sorted_tables
    }
    stored = {name: columns for name, columns in stored.items() if columns}
    stated = {name: set(columns) - EVERYWHERE for name, columns in STATEMENTS.items()}
    pairs = [{f"{name}.{column}" for name in one for column in one[name]} for one in (stored, stated)]
    assert pairs[0] - pairs[1] == set(), "without a statement"
    assert pairs[1] - pairs[0] == set(), "a statement about nothing"
    assert {fate for columns in STATEMENTS.values() for fate in columns.values()} == set(Fate)
