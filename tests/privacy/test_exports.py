"""A copy of someone's data: everything of theirs and nothing of others, once, to them alone, for a while."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core import clock as core_clock
from console.core.context import files as store
from console.core.db import db
from console.core.errors import Conflict, NotFound, TooMany
from console.core.transaction import transaction
from console.customers.models import Customer, Membership
from console.mail import links
from console.mail.models import Mail
from console.privacy.models import DataExport, ExportState
from console.privacy.service import exports
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.privacy.people import Someone, someone
from tests.support.client import ConsoleClient, sign_in, sign_in_person

pytestmark = pytest.mark.only("sqlite")
ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def staff(session: Session) -> Staff:
    return factories.make_staff(Role.AGENT)


def archive_of(person: Someone, customer: Customer | None = None) -> zipfile.ZipFile:
    file = io.BytesIO()
    exports.write_archive(file, person.member.person, customer)
    return zipfile.ZipFile(file)


def link_of(mail: Mail) -> str:
    text, _html = links.put_in(mail.text, mail.html, mail.sealed_links)
    found = re.search(r"/moj/export/\S+", text)
    assert found is not None
    return found[0]


def mails(template: str) -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.template == template).order_by(Mail.id)))


def test_everything_of_one_and_nothing_of_the_other(staff: Staff) -> None:
    one, other = (someone(word, staff, everywhere=True) for word in ("vetrenjaca", "kukuruz"))
    archive = archive_of(one)
    whole = "\n".join(archive.read(name).decode() for name in archive.namelist()) + "\n".join(archive.namelist())
    for trace in one.traces:
        assert trace in whole
    for trace in other.traces:
        assert trace not in whole, trace
    for text in (
        "Pitanje vetrenjaca", "Piše vetrenjaca", "Poštovani", "Beleška o vetrenjaca", "Hvala vetrenjaca",
        "Poruka vetrenjaca", "Ocena vetrenjaca", "Kontakt vetrenjaca", "poziv-vetrenjaca@", "203.0.113.7",
        "datoteka vetrenjaca", "slika vetrenjaca", one.document, "Ulica vetrenjaca 5", "Ključ vetrenjaca",
        "vetrenjaca prvi", "vetrenjaca drugi", "Otkazuje vetrenjaca", "Ponuda vetrenjaca", "Za vetrenjaca",
        "Skupo vetrenjaca", "Grad vetrenjaca", "Ispravka vetrenjaca", "Greška vetrenjaca", "Naslednik vetrenjaca",
        "naslednik-vetrenjaca@", "Ulica vetrenjaca 9", "nova-vetrenjaca@", "staro-vetrenjaca@", "Ranije vetrenjaca",
        "Uplata vetrenjaca",
        "oznaka-vetrenjaca", "Provaljen vetrenjaca", "Razlog vetrenjaca", "Sumnja na nalog vetrenjaca",
    ):  # fmt: skip
        assert text in whole, text
    assert staff.name not in _notes(archive) and staff.email not in whole
    for secret in (
        "credential_id", "public_key", "passkey-", "\"secret\"", "gAAAA",
        "pin_secret", "token_digest", "digest-vetrenjaca", "argon2", "password_hash",
    ):  # fmt: skip
        assert secret not in whole, secret
    listed = json.loads(archive.read("index.json"))
    assert set(listed["files"]) == set(archive.namelist()) - {"index.json"}


def _notes(archive: zipfile.ZipFile) -> str:
    """Return the names of those who wrote notes."""
    tickets = [json.loads(archive.read(name)) for name in archive.namelist() if re.search(r"/T-\d+\.json$", name)]
    notes = [entry for ticket in tickets for entry in ticket["messages"] if entry["kind"] == "note"]
    assert notes
    return " ".join(entry["name"] for entry in notes)


def test_one_account_alone(staff: Staff) -> None:
    one = someone("vetrenjaca", staff)
    with transaction() as session:
        second = factories.make_customer(name="Drugi nalog", owner=one.member.person)
        session.flush()
    archive = archive_of(one, db.session.get_one(Customer, second.id))
    names = archive.namelist()
    assert all(name.startswith(f"accounts/{second.number}/") for name in names if name != "index.json")
    assert "Piše vetrenjaca" not in "".join(archive.read(name).decode() for name in names)


def test_who_handed_the_account_over_gets_no_copy_of_it(staff: Staff) -> None:
    one = someone("vetrenjaca", staff)
    with transaction():
        exports.request_export(one.actor, one.member.customer)
    with transaction():
        one.member.removed_at = core_clock.now()
    assert exports.prepare_due() == 0
    db.session.expire_all()
    assert db.session.scalars(select(DataExport)).one().state is ExportState.FAILED and mails("export_ready") == []


def test_it_is_prepared_mailed_downloaded_once_and_deleted(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], staff: Staff, clock: Clock
) -> None:
    one = someone("vetrenjaca", staff)
    sign_in_person(client, one.email)
    assert client.submit("/moj/privacy/export").status_code == 303
    assert "being prepared" in client.get("/moj/privacy", headers=ENGLISH).text
    again = client.submit("/moj/privacy/export", headers=ENGLISH)
    assert again.status_code == 409 and "A copy is being prepared" in again.text
    assert exports.prepare_due() == 1 and exports.prepare_due() == 0
    row = db.session.scalars(select(DataExport)).one()
    (mail,) = mails("export_ready")
    assert (row.state, mail.to_address) == (ExportState.READY, one.email)
    digest, link = row.digest, link_of(mail)
    assert link.rpartition("/")[2] not in mail.text

    guest, stranger = new_client(), new_client()
    assert guest.get(link).headers["Location"].startswith("/moj/login")
    sign_in_person(stranger, someone("kukuruz", staff).email)
    assert stranger.get(link).status_code == 404 and stranger.submit(link).status_code == 404

    page = client.get(link, headers=ENGLISH)
    assert page.status_code == 200 and page.headers["Cache-Control"] == "no-store"
    answer = client.submit(link)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "person.json" in zipfile.ZipFile(io.BytesIO(answer.data)).namelist()
    assert client.submit(link).status_code == 404 and client.get_json(link).status_code == 404

    clock.advance(timedelta(days=7, minutes=1))
    exports.clear()
    db.session.expire_all()
    assert db.session.scalars(select(DataExport)).one().state is ExportState.DELETED
    assert digest is not None and not store().exists(digest)


def test_a_link_dies_with_its_time(client: ConsoleClient, staff: Staff, clock: Clock) -> None:
    one = someone("vetrenjaca", staff)
    with transaction():
        exports.request_export(one.actor)
    exports.prepare_due()
    link = link_of(mails("export_ready")[0])
    clock.advance(timedelta(days=7, minutes=1))
    sign_in_person(client, one.email)
    assert client.submit(link).status_code == 404


def test_it_asks_for_the_password_and_has_a_limit(client: ConsoleClient, staff: Staff, clock: Clock) -> None:
    one = someone("vetrenjaca", staff)
    sign_in_person(client, one.email)
    clock.advance(timedelta(minutes=11))
    refused = client.submit("/moj/privacy/export", json=True)
    assert refused.status_code == 403 and refused.json["error"]["code"] == "reauth"
    assert client.submit("/moj/privacy/export", json=True, own_password=factories.PASSWORD).status_code == 200
    for _ in range(2):
        exports.prepare_due()
        with transaction():
            exports.request_export(one.actor)
    exports.prepare_due()
    with pytest.raises(TooMany), transaction():
        exports.request_export(one.actor)


def test_staff_ask_for_the_owner_they_verified_alone(client: ConsoleClient, session: Session) -> None:
    agent = sign_in(client, Role.AGENT)
    customer = factories.make_customer()
    owner, user = factories.owner_of(customer), factories.make_member(customer)
    address = f"/console/customers/{customer.number}/export"
    assert client.submit(address, json=True).status_code == 404
    factories.make_verification(agent, user)
    assert client.submit(address, json=True).status_code == 404
    with transaction() as writing:
        writing.get_one(Membership, user.id).removed_at = core_clock.now()
    factories.make_verification(agent, owner)
    assert client.submit(address, json=True).status_code == 200
    exports.prepare_due()
    (mail,) = mails("export_ready")
    assert mail.to_address == owner.person.email


def test_a_worker_that_was_killed_loses_its_claim(staff: Staff, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    one = someone("vetrenjaca", staff)
    with transaction():
        exports.request_export(one.actor)
    claimed = exports._claim()
    assert claimed is not None and exports.prepare_due() == 0
    clock.advance(exports.LEASE + timedelta(seconds=1))
    assert exports.prepare_due() == 1
    with transaction() as session:
        session.scalars(select(DataExport)).one().state = ExportState.QUEUED

    def fail(*_args: Any) -> None:
        raise OSError("disk")

    monkeypatch.setattr(exports, "write_archive", fail)
    for _ in range(4):
        exports.prepare_due()
        clock.advance(exports.LEASE + timedelta(seconds=1))
    db.session.expire_all()
    assert db.session.scalars(select(DataExport)).one().state is ExportState.FAILED
    with pytest.raises(NotFound), transaction():
        exports.download(one.actor, "nema-takvog-tokena")
    with transaction():
        exports.request_export(one.actor)
    with pytest.raises(Conflict), transaction():
        exports.request_export(one.actor)
