"""The page of SLA targets: who may change what, bad input, what it answers to programs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from markupsafe import escape
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.hours.calendar import PieceKind
from console.staff.models import Department, Staff
from console.staff.roles import Role
from console.tickets.models import Priority, TicketStatus
from console.tickets.sla.models import SlaPolicy, SlaRevision, SlaTarget
from console.tickets.sla.queries import explain
from console.tickets.sla.rules import TargetKind
from console.views.shared.labels.sla import duration_label, lines, read_minutes
from tests.conftest import Clock
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")
PAGE = "/console/sla/"
JSON = {"Accept": "application/json"}
StaffOf = Callable[[Role | str], Staff]
WORKING = PieceKind.WORKING
GOALS = {"first_answer": "30 min", "next_answer": "1:00", "solution": "4 h"}


def fields(**more: str) -> dict[str, str]:
    """Return what the form sends for every department, unchanged but for ``more``."""
    stored = {
        "urgent": ("30", "60", "240"),
        "high": ("2 h", "4h", "16 h"),
        "normal": ("4 h", "8 h", "24 h"),
        "low": ("8 h", "16 h", "40 h"),
    }
    names = ("first_answer", "next_answer", "solution")
    sent = {
        f"{priority}-{name}": goal
        for priority, goals in stored.items()
        for name, goal in zip(names, goals, strict=True)
    }
    return sent | {name.replace("__", "-"): value for name, value in more.items()}


@pytest.fixture
def boss(client: ConsoleClient, staff_of: StaffOf) -> ConsoleClient:
    sign_in(client, staff=staff_of("supervisor"))
    return client


def rules(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(SlaPolicy)) or 0


def test_the_desk_reads_and_does_not_change(client: ConsoleClient, staff_of: StaffOf, session: Session) -> None:
    sign_in(client, staff=staff_of("agent"))
    page = client.get(PAGE)
    assert page.status_code == 200
    assert "Save targets" not in page.text and 'name="urgent-first_answer"' not in page.text
    before = session.scalars(select(SlaRevision.revision)).one()
    assert client.submit(PAGE, **fields(urgent__solution="5 h")).status_code == 404
    assert session.scalars(select(SlaRevision.revision)).one() == before


def test_a_department_gets_goals_of_its_own_and_gives_them_back(boss: ConsoleClient, session: Session) -> None:
    own = {"department": "sales", "high-own": "y", "high-first_answer": "1,5 h", "high-solution": "3 h 15"}
    answer = boss.submit(PAGE, **own)
    assert answer.status_code == 303
    assert answer.location.endswith("?department=sales")
    (rule,) = session.scalars(select(SlaPolicy).where(SlaPolicy.department_id.is_not(None)))
    assert (rule.priority, rule.first_answer, rule.next_answer, rule.solution) == (Priority.HIGH, 90, None, 195)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "sla.changed")).one()
    assert entry.subject == "sales"
    assert entry.data["changes"]["high"]["from"] is None

    page = boss.get(PAGE + "?department=sales").text
    assert 'value="1 h 30 min"' in page and 'value="3 h 15 min"' in page
    boss.submit(PAGE, department="sales")
    assert rules(session) == 4


def test_a_program_reads_and_changes(boss: ConsoleClient, session: Session) -> None:
    items = boss.get(PAGE, headers=JSON).json["items"]
    assert {
        "department": None,
        "priority": "urgent",
        "own": True,
        "first_answer": 30,
        "next_answer": 60,
        "solution": 240,
    } in items
    assert any(item["department"] == "sales" and item["own"] is False for item in items)
    answer = boss.submit(PAGE, json=True, **fields(urgent__first_answer=""))
    assert answer.status_code == 200
    assert answer.json["changed"] is True
    assert answer.json["items"][0]["first_answer"] is None
    assert boss.submit(PAGE, json=True, **fields(urgent__first_answer="")).json["changed"] is False


BAD = ("soon", "-5", "0", "999999", "1e3", "99999 h", "12:75", "½ h", "１２３４５６７", "5 h;", "9" * 4_000, "<b>")


def test_bad_goals_change_nothing_and_stay_in_the_form(boss: ConsoleClient, session: Session) -> None:
    before = session.scalars(select(SlaRevision.revision)).one()
    for bad in BAD:
        answer = boss.submit(PAGE, **fields(normal__next_answer=bad))
        assert answer.status_code == 422, bad
        assert escape(bad) in answer.text
        assert 'value="<b>' not in answer.text
        assert answer.text.count('aria-invalid="true"') == 1, bad
    response = boss.submit(PAGE, json=True, **fields(normal__next_answer="soon"))
    assert response.status_code == 422
    assert set(response.json["error"]["fields"]) == {"normal-next_answer"}
    session.rollback()
    assert session.scalars(select(SlaRevision.revision)).one() == before


def test_no_such_department(boss: ConsoleClient, session: Session) -> None:
    for key in ("nowhere", "sales'--", "9" * 3_000):
        assert boss.get(PAGE, query_string={"department": key}).status_code == 404
        assert boss.submit(PAGE, **fields(), department=key).status_code == 404


def test_without_a_token_nothing(boss: ConsoleClient, app: Flask, session: Session) -> None:
    before = session.scalars(select(SlaRevision.revision)).one()
    assert boss.post(PAGE, data=fields(urgent__solution="9 h")).status_code == 400
    session.rollback()
    assert session.scalars(select(SlaRevision.revision)).one() == before


def test_as_many_queries_for_more_departments(boss: ConsoleClient, app: Flask, session: Session) -> None:
    from tests.factories.tickets import make_department

    boss.get(PAGE)
    with count_queries(app) as few:
        boss.get(PAGE)
    for _ in range(5):
        make_department()
    with count_queries(app) as many:
        boss.get(PAGE)
    assert few.count == many.count
    assert session.scalar(select(func.count()).select_from(Department)) == 9


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("90", 90),
        ("90 min", 90),
        ("90m", 90),
        ("1:30", 90),
        ("1 h 30 min", 90),
        ("1h30", 90),
        ("1,5 h", 90),
        ("2H", 120),
        (" ", None),
    ],
)
def test_durations_are_read(text: str, minutes: int | None) -> None:
    assert read_minutes(text) == minutes


def test_durations_are_read_as_written() -> None:
    for minutes in (1, 59, 60, 61, 90, 480, 48_000):
        assert read_minutes(duration_label(minutes)) == minutes


def test_the_sla_card(boss: ConsoleClient, session: Session) -> None:
    from console.tickets.sla.rules import TargetKind

    assert len(TargetKind) * len(Priority) == boss.get(PAGE).text.count('maxlength="20"')
    assert "16:30" in boss.get(PAGE).text  # the example's Friday afternoon


@pytest.mark.parametrize(
    "pauses",
    [
        [],
        [
            ("2026-05-06T10:00:00+02:00", "2026-05-06T15:30:00+02:00"),
            ("2026-06-01T16:00:00+02:00", "2026-07-20T09:10:00+02:00"),
        ],
        [("2026-04-10T08:00:00+02:00", "2026-04-30T08:00:00+02:00"), ("2026-11-01T09:00:00+01:00", None)],
    ],
    ids=["never stood", "stood in the middle", "stood at both ends"],
)
@pytest.mark.parametrize(
    "begun", ["2024-12-20T11:07:00+01:00", "2025-10-24T16:59:00+02:00", "2026-04-09T03:00:00+02:00"]
)
def test_a_target_of_years_is_explained_like_one_of_days(
    session: Session, monkeypatch: pytest.MonkeyPatch, clock: Clock, begun: str, pauses: list[tuple[str, str | None]]
) -> None:
    """Only the ends of a long one are looked at closely; it says what looking at every night would say."""
    now = datetime.fromisoformat("2026-11-25T12:40:00+01:00")
    clock.set(now)
    sla_target = SlaTarget(
        kind=TargetKind.SOLUTION,
        goal=1_440,
        started_at=datetime.fromisoformat(begun).astimezone(UTC),
        due_at=now,
        pauses=[(start, end, TicketStatus.WAITING.value) for start, end in pauses],
    )
    view = explain(sla_target, now.astimezone(UTC))
    quick = lines(view)
    monkeypatch.setattr("console.views.shared.labels.sla._LONG", timedelta.max)
    assert quick == lines(view)
    assert len(quick) == 11
    assert view.elapsed == sum((part.piece.length for part in view.parts() if part.piece.kind is WORKING), timedelta())
