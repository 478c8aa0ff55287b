"""Copies of database and attachments: whole or not at all, verified, as secret as what they hold."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.chat.tokens import chat_of, chat_token
from console.cli import backup, database_copy, doctor
from console.cli.backup import BackupError, back_up, check, restore
from console.cli.main import main
from console.core.context import files
from console.core.db import db
from console.core.files import FileStore
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers.models import Verification
from console.customers.verification import cards
from console.mail.models import Mail
from console.mail.reading import whole
from console.staff import password_reset
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import TICKET_BASE, Ticket
from console.tickets.service import verification as ticket_verification
from console.tickets.service.attachments import attach
from tests import factories
from tests.factories.chat import ask
from tests.factories.tickets import make_ticket
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.support.postgres import Postgres

CONTENT = b"Vazan zapis"


@pytest.fixture(autouse=True)
def tools(database: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the database is PostgreSQL, its own tools of the same version in front."""
    if database.startswith("postgresql"):
        server: Postgres = request.getfixturevalue("postgres_server")
        monkeypatch.setenv("PATH", f"{server.binaries}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def copy(session: Session, settings: Settings, tmp_path: Path) -> Path:
    """A copy of an installation with one member of staff ("Before") and one attachment."""
    _attach(CONTENT)
    target = tmp_path / "copies" / "first"
    back_up(settings, target)
    return target


def names() -> list[str]:
    db.session.rollback()  # a restored database gets a new session, so this context's is asked for each time
    return list(db.session.scalars(select(Staff.name).order_by(Staff.id)))


def _attach(content: bytes, name: str = "Before") -> str:
    agent = factories.make_staff(name=name).actor()
    ticket = make_ticket(agent)
    with transaction():
        return attach(agent, ticket, "zapis.txt", content).digest


def _run(app: Flask, *arguments: str) -> tuple[int, str]:
    db.session.rollback()
    result = CliRunner().invoke(main, list(arguments), obj=ScriptInfo(create_app=lambda: app))
    return result.exit_code, result.output


@pytest.mark.both
def test_database_and_attachments_come_back_together(
    app: Flask, session: Session, settings: Settings, copy: Path
) -> None:
    assert copy.stat().st_mode & 0o777 == 0o600  # as secret as what it holds
    assert list(copy.parent.iterdir()) == [copy]
    _attach(b"later", "After")
    digest = hashlib.sha256(CONTENT).hexdigest()
    shutil.rmtree(settings.files_folder)
    assert [
        f
        for f in doctor.examine()
        if f.words.startswith("Missing from")
        and "attachments: 2: ticket_attachments 1 (" in f.words
        and "ticket_attachments 2 (" in f.words
    ]

    with pytest.raises(BackupError, match="not empty"):
        restore(settings, copy)
    assert names() == ["Before", "After"]
    assert not files().exists(digest)

    session.rollback()
    assert restore(settings, copy, force=True).files == 1
    assert names() == ["Before"]
    assert files().get(digest) == CONTENT
    assert [f for f in doctor.examine() if f.words.startswith("All attachments are there and whole: 1 in")]
    assert _run(app, "restore", "--check", str(copy)) == (0, f"{copy} is whole: the database and 1 attachment.\n")


@pytest.mark.both
def test_a_bare_copy_of_the_database_is_still_restored(app: Flask, session: Session, settings: Settings) -> None:
    """As ``console backup`` wrote them before it knew of attachments."""
    factories.make_staff(name="Before")
    bare = settings.files_folder.with_name("bare")
    database_copy.dump(settings, bare)
    factories.make_staff(name="After")
    assert check(settings, bare).whole is False
    code, output = _run(app, "restore", "--force", str(bare))
    assert code == 0
    assert "the database alone, no attachments" in output
    assert names() == ["Before"]


# --- what a copy must not open again --------------------------------------------------------------------------------


@pytest.mark.only("sqlite")
def test_a_restore_elsewhere_lets_in_who_signs_in_anew_and_no_other(
    client: ConsoleClient,
    new_client: Callable[[], ConsoleClient],
    session: Session,
    settings: Settings,
    make_app: Callable[[Settings], Flask],
    tmp_path: Path,
) -> None:
    """Old cookies, links, keys and PINs are over, those that were ended after the copy among them."""
    persona, customer_browser = factories.ana(), new_client()
    agent = sign_in(client, Role.AGENT)
    sign_in_person(customer_browser, persona.owner.person.email)
    pin = factories.pin_of(persona.owner)
    ticket = make_ticket(agent.actor(), requester_email=persona.owner.person.email)
    opened = client.submit("/console/verify/", json=True, email=persona.owner.person.email, pin=pin, channel="phone")
    verification = opened.get_json()["verification"]["id"]
    with transaction():
        cards.ask(agent.actor(), ticket_verification.channel(ticket))
        password_reset.ask(agent.email, None)
    key = chat_token(ask())
    links = [
        re.search(r"/(?:v|reset)/[\w-]+", whole(mail).text)[0]
        for template in ("verification_asked", "staff_password_reset")
        for mail in session.scalars(select(Mail).where(Mail.template == template))
    ]
    account = f"/console/customers/{persona.customer.number}"
    assert "services" in client.get_json(account).get_json() and len(links) == 2
    copy = tmp_path / "copy"
    back_up(settings, copy)
    stolen = [browser.get_cookie("console") for browser in (client, customer_browser)]
    next_ticket = TICKET_BASE + 1 + (session.scalar(select(func.max(Ticket.id))) or 0)
    client.submit(f"/console/verify/{verification}/end")
    client.submit("/logout")

    folder = tmp_path / "elsewhere"
    there = replace(settings, database_url=f"sqlite:///{folder / 'c.sqlite3'}", files=str(folder / "files"))
    email, staff_email = persona.owner.person.email, agent.email
    app = make_app(there)
    with app.app_context():
        code, output = _run(app, "restore", str(copy))
    assert code == 0, output
    assert "Ended: 1 sign-ins of staff, 1 of customers, 1 verifications, 1 cards, 1 links that serve once" in output
    assert "keys to 1 chats" in output and "support PINs" in output
    assert "PR-" in output and f"T-{next_ticket}" in output and "--skip-numbers" in output
    for cookie, page in zip(stolen, ("/console/", "/moj/"), strict=True):
        assert cookie is not None
        browser = app.test_client()
        browser.set_cookie("console", cookie.value)  # as it was before the sign-out; its row is live in the copy
        assert browser.get(page).status_code == 302
    assert [app.test_client().get(link).status_code for link in links] == [404, 404]
    with app.app_context():
        assert chat_of(key) is None
        assert db.session.get_one(Verification, verification).end_reason == "restore"
        noted = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "data.restored")).one()
        assert noted.data["staff_sessions"] == 1 and noted.actor_kind == "system"
    fresh = app.test_client()
    assert isinstance(fresh, ConsoleClient)
    assert fresh.submit("/login", email=staff_email, password=factories.PASSWORD).status_code in (302, 303)
    again = {"email": email, "pin": pin, "channel": "phone"}
    assert fresh.submit("/console/verify/", json=True, **again).get_json()["verified"] is False
    assert "services" not in fresh.get_json(account).get_json()
    sign_in_person(fresh, email)
    new = fresh.get_json("/moj/pin").get_json()["pin"]
    assert new != pin
    assert fresh.submit("/console/verify/", json=True, **(again | {"pin": new})).get_json()["verified"] is True


def test_numbers_are_passed_over_where_an_administrator_says_so(app: Flask, session: Session) -> None:
    customer = factories.make_customer()
    before = factories.make_proforma(customer, [factories.make_service(customer)]).number
    ticket = make_ticket(factories.make_staff().actor()).id
    code, output = _run(app, "after-restore", "--skip-numbers", "7")
    assert code == 0 and "7 numbers were passed over in each series" in output
    again = factories.make_proforma(customer, [factories.make_service(customer)]).number
    assert int(again.rpartition("-")[2]) == int(before.rpartition("-")[2]) + 8
    assert again in output
    moved = db.engine.dialect.name == "postgresql"
    assert make_ticket(factories.make_staff().actor()).id == ticket + (8 if moved else 1)
    assert ("were not passed over" in output) is not moved
    assert _run(app, "after-restore", "--skip-numbers", "-1")[0] == 2


@pytest.mark.only("sqlite")
def test_a_backup_never_overwrites(session: Session, settings: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "precious"
    copy.write_text("something else")
    with pytest.raises(BackupError, match="exists already"):
        back_up(settings, copy)
    assert copy.read_text() == "something else"


@pytest.mark.only("sqlite")
def test_a_cut_copy_is_never_taken_for_a_whole_one(session: Session, settings: Settings, copy: Path) -> None:
    whole = copy.read_bytes()
    for end in (0, 1, 511, 512, 5_000, len(whole) // 2, len(whole) - 12_000):
        cut = copy.with_name("cut")
        cut.write_bytes(whole[:end])
        with pytest.raises(BackupError):
            restore(settings, cut, force=True)
    assert names() == ["Before"]


@pytest.mark.only("sqlite")
def test_a_backup_that_is_cut_off_leaves_nothing(
    session: Session, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _attach(CONTENT)

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(database_copy, "dump", full)
    with pytest.raises(BackupError, match="No space left"):
        back_up(settings, tmp_path / "copies" / "first")
    assert list((tmp_path / "copies").iterdir()) == []


@pytest.mark.only("sqlite")
def test_a_changed_copy_changes_nothing(session: Session, settings: Settings, copy: Path) -> None:
    whole = copy.read_bytes()
    place = whole.index(CONTENT)
    copy.write_bytes(whole[:place] + b"X" + whole[place + 1 :])
    for use in (check, restore):
        with pytest.raises(BackupError, match="damaged: files/"):
            use(settings, copy, **({"force": True} if use is restore else {}))
    assert names() == ["Before"]


@pytest.mark.only("sqlite")
def test_a_copy_names_no_place_outside(session: Session, settings: Settings, copy: Path, tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    manifest = json.dumps({"format": 1, "database": "SQLite", "members": {"database": [0, ""]}}).encode()
    with tarfile.open(evil, "w") as archive:
        for name, content in (("../../escaped", b"x"), ("manifest.json", manifest)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    with pytest.raises(BackupError, match="escaped"):
        restore(settings, evil, force=True)


@pytest.mark.only("sqlite")
def test_what_is_no_copy_is_not_restored(session: Session, settings: Settings, tmp_path: Path) -> None:
    factories.make_staff(name="Before")
    foreign = tmp_path / "foreign"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE other (id)")
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"rubbish" * 1_000)
    of_postgres = tmp_path / "postgres"
    of_postgres.write_bytes(b"PGDMP" + b"\0" * 100)
    session.rollback()
    for source in (foreign, rubbish, of_postgres, tmp_path / "absent"):
        with pytest.raises(BackupError):
            restore(settings, source, force=True)
    assert names() == ["Before"]


@pytest.mark.only("sqlite")
def test_missing_and_damaged_attachments_are_counted(app: Flask, session: Session, tmp_path: Path) -> None:
    gone, broken = _attach(b"gone"), _attach(b"broken")
    files().path(gone).unlink()
    files().path(broken).write_bytes(b"Broken")
    faults = [finding.words for finding in doctor.examine() if finding.level is doctor.Level.FAULT]
    for key in (1, 2):  # each by what people know it by
        named = [words for words in faults if f"attachments: 1: ticket_attachments {key} (T-" in words]
        assert len(named) == 1
        assert named[0].endswith(": zapis.txt).")
    code, output = _run(app, "backup", str(tmp_path / "copy"))
    assert code == 3
    assert "Missing or damaged: 2 attachments: ticket_attachments 1, ticket_attachments 2." in output


@pytest.mark.only("sqlite")
def test_what_comes_and_goes_meanwhile(
    session: Session, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database's copy never names a file that the copy lacks."""
    removed = _attach(b"removed meanwhile")
    dump: Callable[[Settings, Path], None] = database_copy.dump

    def busy(settings: Settings, target: Path) -> None:
        _attach(b"came just before")
        dump(settings, target)
        files().remove(removed)

    monkeypatch.setattr(database_copy, "dump", busy)
    copy = tmp_path / "copy"
    assert back_up(settings, copy).files == 2
    elsewhere = replace(settings, files=str(tmp_path / "elsewhere"))
    assert restore(elsewhere, copy, force=True).files == 2
    with tarfile.open(copy) as archive:
        stored = {name.removeprefix("files/") for name in archive.getnames() if name.startswith("files/")}
    assert all(FileStore(elsewhere.files_folder).is_whole(digest) for digest in stored)
    assert backup.check(settings, copy).missing == []
