"""What belongs to a database lies beside it or under its name: two from one folder share nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from console import stored_files
from console.audit.queries import read_anchor
from console.audit.service import record
from console.cli import doctor
from console.core.actor import SYSTEM
from console.core.context import files
from console.core.db import db
from console.core.places import ANCHOR, FILES, channel_of, place_of, sqlite_path
from console.core.settings import Settings
from console.core.transaction import transaction
from console.setup import prepare_database
from console.tickets.service.attachments import attach
from console.worker import note_audit_end
from tests import factories
from tests.factories.tickets import make_ticket

SERVER = "postgresql+psycopg://app:secret@db.example.test"
MakeApp = Callable[[Settings], Flask]


@pytest.fixture
def own(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that name neither a folder nor an anchor, in a working directory of their own."""
    monkeypatch.chdir(tmp_path)
    return replace(settings, audit_anchor="", files="")


def test_a_sqlite_file_has_its_own_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environ({"CONSOLE_DATABASE_URL": "sqlite:///data/one.sqlite3"})
    assert settings.anchor_file == tmp_path / "data" / "one.sqlite3.audit-anchor.json"
    assert settings.files_folder == tmp_path / "data" / "one.sqlite3.files"


def test_what_is_set_wins(tmp_path: Path) -> None:
    settings = Settings.from_environ({"CONSOLE_FILES": "/srv/files", "CONSOLE_AUDIT_ANCHOR": "/safe/anchor.json"})
    assert (settings.files_folder, settings.anchor_file) == (Path("/srv/files"), Path("/safe/anchor.json"))


def test_databases_of_servers_are_apart_and_one_database_is_one() -> None:
    one = place_of(f"{SERVER}/console", FILES)
    assert one.parent.name == "var"
    assert "secret" not in str(one)
    assert one == place_of("postgresql://other@db.example.test:5432/console", FILES)
    assert place_of("postgresql://localhost/a", FILES) == place_of("postgresql://127.0.0.1:5432/a", FILES)
    others = [f"{SERVER}/other", f"{SERVER}:5433/console", "postgresql://localhost/console", "postgresql:///con%2Fsole"]
    assert len({one, *(place_of(url, FILES) for url in others)}) == 5
    assert one != place_of(f"{SERVER}/console", ANCHOR)


def test_one_database_has_one_channel_however_it_is_reached(tmp_path: Path) -> None:
    assert channel_of(f"{SERVER}/console") == channel_of("postgresql://pooler:6432/console")
    assert len({channel_of(f"{SERVER}/{name}") for name in ("a", "b", "a-b", "a.b")}) == 4
    assert channel_of(f"sqlite:///{tmp_path}/a") != channel_of(f"sqlite:///{tmp_path}/b")


@pytest.mark.only("sqlite")
def test_two_databases_in_one_folder_go_on(own: Settings, make_app: MakeApp, tmp_path: Path) -> None:
    first_file = sqlite_path(own.database_url)
    assert first_file is not None
    shutil.copy(first_file, tmp_path / "second.sqlite3")
    both = [own, replace(own, database_url=f"sqlite:///{tmp_path / 'second.sqlite3'}")]
    for turn in range(2):
        for place, settings in enumerate(both):
            with make_app(settings).app_context():
                _write_entries(1 + place)
                note_audit_end()  # raised AnchorMismatch for the second, for ever
                files().put(b"%d" % place)
                noted = read_anchor(settings.anchor_file)
                assert noted is not None
                assert noted.last == (turn + 1) * (1 + place)
    assert [_count(settings) for settings in both] == [1, 1]


def test_an_old_checkout_goes_on(own: Settings, make_app: MakeApp, tmp_path: Path) -> None:
    """What lay in ``var`` for every database of a checkout is brought over by ``console init-db``, its own share."""
    old = replace(own, files="var/files", audit_anchor="var/audit-anchor.json")
    with make_app(old).app_context():
        digest = _attach(b"content")
        files().put(b"of another database")
        note_audit_end()
        noted = read_anchor(old.anchor_file)
    with make_app(own).app_context():
        assert [
            f.words for f in doctor.examine() if f.level is doctor.Level.FAULT and f.words.startswith("Missing from")
        ]
        assert prepare_database() == 1
        assert files().get(digest) == b"content"
        assert _count(own) == 1
        assert read_anchor(own.anchor_file) == noted
        note_audit_end()
        words = [f.words for f in doctor.examine()]
        assert [w for w in words if "var/files is not used any more" in w]
        assert prepare_database() == 0
    assert _count(old) == 2  # another database may name them


def test_the_anchor_of_another_database_is_left_and_named(own: Settings, make_app: MakeApp, tmp_path: Path) -> None:
    foreign = tmp_path / "var" / "audit-anchor.json"
    foreign.parent.mkdir()
    foreign.write_text(json.dumps({"last": 7, "digest": hashlib.sha256(b"foreign").hexdigest()}))
    with make_app(own).app_context():
        prepare_database()
        assert not own.anchor_file.exists()
        note_audit_end()
        notes = [result.words for result in doctor.examine() if result.level is doctor.Level.NOTE]
        assert any("another database's audit log" in words for words in notes)
        db.session.rollback()
    assert foreign.exists()


@pytest.mark.only("sqlite")
def test_a_damaged_old_file_is_not_brought_over(own: Settings, make_app: MakeApp) -> None:
    with make_app(replace(own, files="var/files")).app_context():
        files().path(_attach(b"whole")).write_bytes(b"broken")
    with make_app(own).app_context():
        assert stored_files.adopt() == 0
        assert len(stored_files.examine(files()).missing) == 1


def _write_entries(count: int) -> None:
    with transaction():
        for _ in range(count):
            record(SYSTEM, "test.done", "something")


def _attach(content: bytes) -> str:
    actor = factories.make_staff().actor()
    ticket = make_ticket(actor)
    with transaction():
        return attach(actor, ticket, "zapis.txt", content).digest


def _count(settings: Settings) -> int:
    return sum(path.is_file() for path in settings.files_folder.rglob("*"))
