"""Changing the hours: who may, what is refused, what the audit log tells, and two at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from time import monotonic

import pytest
from flask import Flask
from sqlalchemy import create_engine, delete, select, update
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.audit.queries import verify
from console.core import clock as core_clock
from console.core.actor import Actor
from console.core.context import sealer
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.hours import queries
from console.hours.calendar import Interval, SpecialKind
from console.hours.models import HoursInterval, HoursRevision, HoursSpecial
from console.hours.service import MOST_A_DAY, SpecialData, add_special, remove_special, set_week
from console.staff.roles import Role
from tests.support.queries import count_queries

ActorOf = Callable[[Role | str], Actor]
NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)  # a Monday
TODAY = date(2026, 11, 23)
CLOSED, OPEN = SpecialKind.CLOSED, SpecialKind.OPEN


@pytest.fixture(autouse=True)
def _monday() -> None:
    core_clock.start_at(NOON)


def week_of(*rows: tuple[int, int, int]) -> list[Interval]:
    return [Interval(*row) for row in rows]


def fields(refused: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return set(refused.value.fields)


def trail(session: Session) -> list[AuditEntry]:
    db.session.rollback()
    found = session.scalars(select(AuditEntry).where(AuditEntry.action.like("hours.%")).order_by(AuditEntry.id))
    return list(found)


# --- the week


@pytest.mark.both
def test_a_week_is_replaced_and_told_of(session: Session, actor: ActorOf) -> None:
    before = queries.current()
    with transaction():
        assert set_week(actor("supervisor"), week_of((0, 780, 1020), (0, 540, 720), (5, 600, 1440)), seen=before.number)
    now = queries.current()
    assert now.number == before.number + 1
    assert list(now.calendar.weekly) == week_of((0, 540, 720), (0, 780, 1020), (5, 600, 1440))
    (entry,) = trail(session)
    assert (entry.action, entry.subject, entry.actor_name) == ("hours.week_changed", "week", actor("supervisor").name)
    assert entry.data["before"][0] == "mon 09:00-17:00" and len(entry.data["before"]) == 5
    assert entry.data["after"] == ["mon 09:00-12:00", "mon 13:00-17:00", "sat 10:00-24:00"]
    with transaction():  # the same again is nothing
        assert not set_week(actor("admin"), week_of((5, 600, 1440), (0, 540, 720), (0, 780, 1020)))
    assert queries.current().number == now.number
    assert len(trail(session)) == 1


@pytest.mark.parametrize("role", ["agent", "billing"])
def test_who_does_not_edit_finds_nothing_to_edit(session: Session, actor: ActorOf, role: str) -> None:
    before = queries.current()
    for verb in (
        lambda: set_week(actor(role), []),
        lambda: add_special(actor(role), SpecialData(TODAY, CLOSED, "Popis")),
        lambda: remove_special(actor(role), 1),
    ):
        with pytest.raises(NotFound), transaction():
            verb()
    assert queries.current().number == before.number
    assert trail(session) == []
    assert session.scalars(select(HoursSpecial)).all() == []


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(7, 540, 600)], {"weekday-0"}),
        ([(-1, 540, 600)], {"weekday-0"}),
        ([(0, 540, 540)], {"closes-0"}),
        ([(0, 540, 500)], {"closes-0"}),
        ([(0, 540, 1441)], {"closes-0"}),
        ([(0, -1, 60)], {"closes-0"}),
        ([(0, 540, 720), (1, 540, 720), (0, 719, 800)], {"opens-2"}),
        ([(0, 540, 720), (0, 540, 720)], {"opens-1"}),
        ([(3, hour * 60, hour * 60 + 30) for hour in range(MOST_A_DAY + 1)], {"week"}),
    ],
)
@pytest.mark.only("sqlite")
def test_a_week_that_makes_no_sense(
    session: Session, actor: ActorOf, rows: list[tuple[int, int, int]], expected: set[str]
) -> None:
    with pytest.raises(Invalid) as refused, transaction():
        set_week(actor("admin"), week_of(*rows))
    assert fields(refused) == expected
    session.rollback()
    assert len(session.scalars(select(HoursInterval)).all()) == 5


def test_hours_that_touch_are_no_overlap(session: Session, actor: ActorOf) -> None:
    with transaction():
        set_week(actor("admin"), week_of((0, 540, 720), (0, 720, 800), *((4, n * 60, n * 60 + 30) for n in range(6))))
    assert len(queries.current().calendar.weekly) == 8


def test_who_looked_before_the_other_saved_is_told(session: Session, actor: ActorOf) -> None:
    seen = queries.revision()
    with transaction():
        add_special(actor("admin"), SpecialData(TODAY, CLOSED, "Popis"))
    with pytest.raises(Conflict) as refused, transaction():
        set_week(actor("supervisor"), [], seen=seen)
    assert refused.value.code == "hours_changed"
    assert len(queries.current().calendar.weekly) == 5
    with transaction():
        set_week(actor("supervisor"), [], seen=seen + 1)
    assert queries.current().calendar.weekly == ()


# --- single days


@pytest.mark.both
def test_a_day_is_closed_and_opened_again(session: Session, actor: ActorOf) -> None:
    calendar = queries.current().calendar
    assert calendar.is_open(NOON)
    with transaction():
        row = add_special(actor("supervisor"), SpecialData(TODAY, CLOSED, "  Selidba \n kancelarije "))
        key = row.id
        assert not queries.current().calendar.is_open(NOON)  # seen inside, nobody else's yet
    assert not queries.current().calendar.is_open(NOON)
    with transaction():
        add_special(actor("admin"), SpecialData(date(2026, 11, 28), OPEN, "Crni petak", 600, 840))
        remove_special(actor("admin"), key)
    now = queries.current().calendar
    assert now.is_open(NOON)
    assert now.day(date(2026, 11, 28)).hours == ((600, 840),)
    assert [(one.action, one.subject, one.data) for one in trail(session)] == [
        ("hours.special_added", "2026-11-23", {"kind": "closed", "times": "", "reason": "Selidba kancelarije"}),
        ("hours.special_added", "2026-11-28", {"kind": "open", "times": "10:00-14:00", "reason": "Crni petak"}),
        ("hours.special_removed", "2026-11-23", {"kind": "closed", "times": "", "reason": "Selidba kancelarije"}),
    ]
    with pytest.raises(NotFound), transaction():
        remove_special(actor("admin"), key)
    assert list(verify(session, sealer())) == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (SpecialData(TODAY - timedelta(days=1), CLOSED, "Juče"), {"day"}),
        (SpecialData(date(2032, 1, 1), CLOSED, "Daleko"), {"day"}),
        (SpecialData(TODAY, CLOSED, "  \n "), {"reason"}),
        (SpecialData(TODAY, CLOSED, "x" * 201), {"reason"}),
        (SpecialData(TODAY, OPEN, "Bez vremena"), {"opens"}),
        (SpecialData(TODAY, CLOSED, "Pola", 540), {"closes"}),
        (SpecialData(TODAY, CLOSED, "Pola", None, 540), {"opens"}),
        (SpecialData(TODAY, OPEN, "Naopako", 600, 540), {"closes"}),
        (SpecialData(TODAY, OPEN, "Predugo", 600, 1441), {"closes"}),
        (SpecialData(TODAY, OPEN, "Preko zatvaranja", 700, 800), {"day"}),
    ],
)
@pytest.mark.only("sqlite")
def test_a_day_that_makes_no_sense(session: Session, actor: ActorOf, data: SpecialData, expected: set[str]) -> None:
    with transaction():
        add_special(actor("admin"), SpecialData(TODAY, CLOSED, "Popis", 660, 720))
    with pytest.raises(Invalid) as refused, transaction():
        add_special(actor("admin"), data)
    assert fields(refused) == expected
    session.rollback()
    assert len(session.scalars(select(HoursSpecial)).all()) == 1


@pytest.mark.only("sqlite")
def test_today_is_the_day_of_the_zone(session: Session, actor: ActorOf) -> None:
    """At half past midnight in Belgrade it is still yesterday in UTC."""
    admin = actor("admin")
    core_clock.start_at(datetime(2026, 11, 23, 23, 30, tzinfo=UTC))
    with pytest.raises(Invalid), transaction():
        add_special(admin, SpecialData(TODAY, CLOSED, "Juče"))
    with transaction():
        add_special(admin, SpecialData(date(2026, 11, 24), CLOSED, "Danas"))


# --- two at once, and what is remembered


@pytest.mark.both
def test_two_at_once_are_one_change_and_one_conflict(app: Flask, session: Session, actor: ActorOf) -> None:
    people = [actor("supervisor"), actor("admin")]
    seen = queries.revision()
    session.rollback()
    together = threading.Barrier(2)

    def save(number: int) -> str:
        with app.app_context():
            together.wait()
            try:
                with transaction():
                    set_week(people[number], week_of((number, 600, 660)), seen=seen)
            except Conflict:
                return "conflict"
            finally:
                db.session.remove()
            return "saved"

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(save, range(2)))
    assert sorted(answers) == ["conflict", "saved"]
    assert list(queries.current().calendar.weekly) == week_of((answers.index("saved"), 600, 660))
    assert queries.revision() == seen + 1
    assert len(trail(session)) == 1


@pytest.mark.both
def test_two_closures_of_one_day_at_once_are_one(app: Flask, session: Session, actor: ActorOf) -> None:
    people = [actor("supervisor"), actor("admin")]
    session.rollback()
    together = threading.Barrier(2)

    def close(number: int) -> str:
        with app.app_context():
            together.wait()
            try:
                with transaction():
                    add_special(people[number], SpecialData(TODAY, CLOSED, "Popis"))
            except Invalid as refusal:
                return ",".join(refusal.fields)
            finally:
                db.session.remove()
            return "added"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(close, range(2))) == ["added", "day"]
    assert len(queries.specials()) == 1


def test_what_rolls_back_is_not_remembered(app: Flask, session: Session, actor: ActorOf) -> None:
    admin, before = actor("admin"), queries.current()
    with pytest.raises(ZeroDivisionError), transaction():
        set_week(admin, [])
        assert queries.current().calendar.weekly == ()
        raise ZeroDivisionError
    assert queries.current() == before
    assert queries.cached_calendar() is before.calendar
    with count_queries(app) as statements:
        queries.cached_calendar()
    assert statements == []


@pytest.mark.both
def test_a_glance_follows_this_process_at_once_and_others_soon(
    app: Flask, session: Session, actor: ActorOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(queries.cached_calendar().weekly) == 5
    with transaction():
        set_week(actor("admin"), week_of((0, 60, 120)))
    assert len(queries.cached_calendar().weekly) == 1
    other = create_engine(app.config["SQLALCHEMY_DATABASE_URI"])  # as another process: nobody tells this one
    with other.begin() as connection:
        connection.execute(delete(HoursInterval))
        connection.execute(update(HoursRevision).values(number=HoursRevision.number + 1))
    other.dispose()
    assert len(queries.cached_calendar().weekly) == 1
    session.rollback()  # as the next request does
    later = monotonic() + queries.MAX_AGE
    monkeypatch.setattr(queries, "monotonic", lambda: later)
    assert queries.cached_calendar().weekly == ()
