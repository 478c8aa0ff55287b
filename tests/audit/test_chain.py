"""The trail cannot be changed or cut unnoticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from console.audit import anchor, queries
from console.audit.models import AuditEntry
from console.audit.queries import Flaw
from console.audit.service import record
from console.core.actor import SYSTEM
from console.core.context import sealer
from console.core.db import db
from console.core.settings import Settings
from console.core.transaction import transaction

pytestmark = pytest.mark.both

ENTRIES = 6
COLUMNS = "at, actor_kind, actor_id, actor_name, address, action, subject, customer_id, data, key_id, previous, digest"


@pytest.fixture
def trail(session: Session) -> Session:
    """Six entries, the last two of one transaction."""
    for number in range(ENTRIES - 2):
        with transaction():
            record(SYSTEM, "thing.done", f"T-{number}", customer_id=number, amount=number * 100, name="Đorđe")
    with transaction():
        record(SYSTEM, "thing.done", "T-4")
        record(SYSTEM, "thing.undone", "T-5")
    return session


def tamper(*statements: str) -> None:
    """Do what somebody with a database shell would do."""
    with db.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def flaws(session: Session, noted: queries.Anchor | None = None) -> list[Flaw]:
    session.rollback()
    session.expunge_all()
    return list(queries.verify(session, sealer(), noted))


def entries(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(AuditEntry)) or 0


def test_untouched_is_whole(trail: Session) -> None:
    assert flaws(trail) == []
    assert flaws(trail, queries.current_anchor(trail)) == []
    assert entries(trail) == ENTRIES


def test_an_empty_trail_is_whole(session: Session) -> None:
    assert flaws(session) == []


def test_batches_join(trail: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "BATCH", 2)
    assert flaws(trail) == []
    tamper("UPDATE audit_entries SET subject = 'T-9' WHERE id = 5")
    assert [flaw.place for flaw in flaws(trail)] == [5]


@pytest.mark.parametrize(
    "change",
    [
        "action = 'thing.forged'",
        "subject = 'somebody else'",
        "actor_name = 'somebody else'",
        "actor_kind = 'staff'",
        "actor_id = 7",
        "address = '10.0.0.1'",
        "customer_id = 99",
        "customer_id = NULL",
        "data = '{\"amount\": 1}'",
        "at = '2020-01-01 00:00:00'",
    ],
)
def test_any_changed_column_is_found(trail: Session, change: str) -> None:
    tamper(f"UPDATE audit_entries SET {change} WHERE id = 3")
    assert Flaw(3, "changed") in flaws(trail)


@pytest.mark.parametrize(
    ("statements", "place"),
    [
        (["DELETE FROM audit_entries WHERE id = 1"], 1),
        (["DELETE FROM audit_entries WHERE id = 3"], 3),
        (["DELETE FROM audit_entries WHERE id IN (3, 4)"], 3),
        # Closed up afterwards, so that no number is missing.
        (["DELETE FROM audit_entries WHERE id = 6", "UPDATE audit_entries SET id = 6 WHERE id = 5"], 5),
    ],
)
def test_a_removed_row_is_found(trail: Session, statements: Sequence[str], place: int) -> None:
    tamper(*statements)
    assert place in {flaw.place for flaw in flaws(trail)}


def test_an_inserted_row_is_found(trail: Session) -> None:
    tamper(
        f"INSERT INTO audit_entries (id, {COLUMNS}) SELECT 7, {COLUMNS} FROM audit_entries WHERE id = 2",
    )
    assert {flaw.place for flaw in flaws(trail)} >= {7, 0}


def test_a_row_put_in_between_is_found(trail: Session) -> None:
    tamper(
        "UPDATE audit_entries SET id = 100 WHERE id = 6",
        "UPDATE audit_entries SET id = 6 WHERE id = 5",
        f"INSERT INTO audit_entries (id, {COLUMNS}) SELECT 5, {COLUMNS} FROM audit_entries WHERE id = 2",
        "UPDATE audit_entries SET id = 7 WHERE id = 100",
    )
    assert 5 in {flaw.place for flaw in flaws(trail)}


def test_two_rows_swapped_are_found(trail: Session) -> None:
    tamper(
        "UPDATE audit_entries SET id = 100 WHERE id = 2",
        "UPDATE audit_entries SET id = 2 WHERE id = 3",
        "UPDATE audit_entries SET id = 3 WHERE id = 100",
    )
    assert {flaw.place for flaw in flaws(trail)} >= {2, 3}


def test_an_end_cut_off_is_found(trail: Session) -> None:
    tamper("DELETE FROM audit_entries WHERE id > 4")
    assert flaws(trail) == [Flaw(0, "the chain ends at 4, but 6 were written")]


def test_everything_cut_off_is_found(trail: Session) -> None:
    tamper("DELETE FROM audit_entries")
    assert flaws(trail)


def test_a_forged_end_is_found(trail: Session) -> None:
    """Cut off, and the head moved back to match: it cannot be signed without the key."""
    tamper(
        "DELETE FROM audit_entries WHERE id > 4",
        "UPDATE audit_head SET last = 4, digest = (SELECT digest FROM audit_entries WHERE id = 4)",
    )
    assert flaws(trail) == [Flaw(0, "the end was changed")]


def test_a_removed_end_is_found(trail: Session) -> None:
    tamper("DELETE FROM audit_head")
    assert flaws(trail) == [Flaw(0, "the end is gone")]


@pytest.fixture
def replayed(trail: Session) -> queries.Anchor:
    """Cut off together with a matching old head that was kept from then. Gives the true end."""
    head = "SELECT last, digest, key_id, mac FROM audit_head"
    with db.engine.begin() as connection:
        old = connection.execute(text(head)).one()
    with transaction():
        record(SYSTEM, "thing.shameful", "T-6")
    noted = queries.current_anchor(trail)
    assert noted is not None
    trail.rollback()
    with db.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_entries WHERE id > :last"), {"last": old.last})
        connection.execute(
            text("UPDATE audit_head SET last = :last, digest = :digest, key_id = :key_id, mac = :mac"),
            dict(old._mapping),
        )
    return noted


def test_a_replayed_old_end_is_found_through_the_anchor(trail: Session, replayed: queries.Anchor) -> None:
    assert flaws(trail) == []  # inside the database nothing is wrong: this is why the anchor exists
    assert flaws(trail, replayed) == [Flaw(7, "not as noted outside the database")]


def test_a_replayed_old_end_that_grew_again_is_found(trail: Session, replayed: queries.Anchor) -> None:
    with transaction():
        record(SYSTEM, "thing.harmless", "T-6")
    assert flaws(trail) == []
    assert flaws(trail, replayed) == [Flaw(7, "not as noted outside the database")]


def test_the_anchor_advances(trail: Session, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "anchor.json"
    assert anchor.advance(trail, path) == ENTRIES
    with transaction():
        record(SYSTEM, "thing.done", "T-6")
    assert anchor.advance(trail, path) == ENTRIES + 1
    assert queries.read_anchor(path) == queries.current_anchor(trail)


def test_the_anchor_never_hides_what_it_shows(trail: Session, replayed: queries.Anchor, tmp_path: Path) -> None:
    """The periodic job must not overwrite the one trace of a cut with the forged end."""
    path = tmp_path / "anchor.json"
    queries.write_anchor(path, replayed)
    with pytest.raises(anchor.AnchorMismatch):
        anchor.advance(trail, path)
    assert queries.read_anchor(path) == replayed
    anchor.advance(trail, path, force=True)
    assert queries.read_anchor(path) == queries.current_anchor(trail)


def test_a_new_key_goes_on_with_the_old_chain(
    settings: Settings, trail: Session, make_app: Callable[[Settings], Flask]
) -> None:
    rotated = make_app(replace(settings, seal_keys=(Fernet.generate_key().decode(), *settings.seal_keys)))
    with rotated.app_context():
        with transaction():
            record(SYSTEM, "thing.done", "with the new key")
        assert list(queries.verify(db.session(), sealer())) == []
    # Who lacks the new key cannot vouch for its entry.
    assert Flaw(7, "written with a key that is not listed") in flaws(trail)


def test_parallel_writers_make_one_chain(app: Flask, session: Session, in_threads: Callable[..., None]) -> None:
    def write() -> None:
        with app.app_context():
            for number in range(10):
                with transaction():
                    record(SYSTEM, "thing.done", f"T-{number}")
            db.session.remove()

    in_threads(write, 6)
    assert flaws(session) == []
    assert queries.current_anchor(session) is not None
    assert entries(session) == 60
