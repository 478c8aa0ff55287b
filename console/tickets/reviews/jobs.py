"""What the worker puts into the queue: a weekly draw, missed SLA targets, overrides of verification.

Any number of workers may gather at once. The draw follows from the week alone, and each review has a key of
its own, so that it comes once.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, or_, select

from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.logging import get_logger
from console.core.transaction import transaction
from console.customers.models import Verification, VerificationKind
from console.staff.models import Staff
from console.staff.roles import PERMISSIONS, Permission
from console.tickets.models import Ticket, TicketMessage
from console.tickets.reviews import queries, service
from console.tickets.reviews.models import Review, ReviewReason
from console.tickets.sla.models import SlaTarget

log = get_logger(__name__)

LOOKS_BACK = timedelta(days=14)  # for missed SLA targets
SETTLED = timedelta(hours=1)  # after an override: what was done under it is written
BATCH = 200
# Supervisors' own work is reviewed by hand, after ratings, missed targets and overrides; it is not drawn.
_DRAWN = [
    role for role, held in PERMISSIONS.items() if Permission.WORK_TICKETS in held and Permission.REVIEW not in held
]


def gather() -> None:
    """Bring the queue up to date."""
    for work in (draw, missed_targets, overrides):
        count = work()
        if count:
            log.info("reviews gathered", kind=work.__name__, count=count)


# --- The draw ---------------------------------------------------------------------------------------------------------


def last_week(now: datetime, zone: ZoneInfo) -> tuple[str, datetime, datetime]:
    """Return the name of the last whole week (``2026-W47``), its begin and its end."""
    today = clock.local_date(now, zone)
    monday = today - timedelta(days=today.weekday() + 7)
    year, week, _day = monday.isocalendar()
    begin, end = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (monday, monday + timedelta(days=7)))
    return f"{year}-W{week:02d}", begin, end


def draw() -> int:
    """Draw some of last week's solved tickets of every agent, once a week."""
    week, begin, end = last_week(clock.now(), settings().zone)
    if queries.settings_row().drawn_week >= week:
        return 0
    with transaction():
        row = queries.settings_row(lock=True)
        if row.drawn_week >= week:
            return 0
        rows = _drawn(week, _solved_by(begin, end), row.sample)
        service.enqueue(rows)
        row.drawn_week = week
    return len(rows)


def _solved_by(begin: datetime, end: datetime) -> dict[int, list[Ticket]]:
    """Return the tickets solved in a week by whose work they are, without those that were reviewed already."""
    wrote = (
        select(TicketMessage.ticket_id, TicketMessage.staff_id)
        .join(Ticket, Ticket.id == TicketMessage.ticket_id)
        .where(
            Ticket.solved_at >= begin, Ticket.solved_at < end, Ticket.merged_into_id.is_(None), *queries.real_reply()
        )
        .group_by(TicketMessage.ticket_id, TicketMessage.staff_id)
        .order_by(func.count(), func.max(TicketMessage.id))
    )
    whose = {row.ticket_id: row.staff_id for row in db.session.execute(wrote)}  # the last one stays
    agents = set(db.session.scalars(select(Staff.id).where(Staff.role.in_(_DRAWN), Staff.active.is_(True))))
    solved = select(Ticket).where(Ticket.solved_at >= begin, Ticket.solved_at < end)
    seen = select(Review.ticket_id, Review.agent_id).join(Ticket, Ticket.id == Review.ticket_id)
    seen = seen.where(Ticket.solved_at >= begin, Ticket.solved_at < end)
    had = {(row.ticket_id, row.agent_id) for row in db.session.execute(seen)}
    found: dict[int, list[Ticket]] = defaultdict(list)
    for ticket in db.session.scalars(solved):
        agent = whose.get(ticket.id)
        if agent in agents and (ticket.id, agent) not in had:
            found[agent].append(ticket)
    return found


def _drawn(week: str, solved: dict[int, list[Ticket]], sample: int) -> list[dict[str, Any]]:
    """Draw tickets at random, the same in every worker: the week is the seed, and no agent can predict it."""
    rows = []
    for agent, tickets in sorted(solved.items()):
        tickets.sort(key=lambda ticket, agent=agent: _lot(week, agent, ticket.id))  # type: ignore[misc]
        rows += [
            service.about(ticket, agent, ReviewReason.SAMPLE, f"sample:{week}:{agent}:{place}")
            for place, ticket in enumerate(tickets[:sample], 1)
        ]
    return rows


def _lot(week: str, agent: int, ticket: int) -> bytes:
    return hmac.digest(settings().secret_key.encode(), f"review:{week}:{agent}:{ticket}".encode(), "sha256")


# --- Missed SLA targets -----------------------------------------------------------------------------------------------


def missed_targets() -> int:
    """Put tickets with a recently missed SLA target into the queue, each only once."""
    had = select(Review.id).where(Review.ticket_id == Ticket.id)
    answered = select(TicketMessage.id).where(TicketMessage.ticket_id == Ticket.id, *queries.real_reply())
    query = (
        select(Ticket)
        .where(
            Ticket.id.in_(select(SlaTarget.ticket_id).where(SlaTarget.broken_at >= clock.now() - LOOKS_BACK)),
            or_(Ticket.assignee_id.is_not(None), answered.exists()),  # it is an agent's work
            ~had.exists(),
        )
        .order_by(Ticket.id)
        .limit(BATCH)
    )
    if not _any(query):
        return 0
    with transaction():
        tickets = list(db.session.scalars(query))
        whose = queries.handlers(ticket.id for ticket in tickets)
        rows = [
            service.about(ticket, whose[ticket.id], ReviewReason.SLA_TARGET, f"sla_target:{ticket.id}")
            for ticket in tickets
            if ticket.id in whose
        ]
        service.enqueue(rows)
    return len(rows)


# --- Overrides --------------------------------------------------------------------------------------------------------


def overrides() -> int:
    """Put every override of verification that is over into the queue, with the ticket that was worked on under it."""
    if not _any(select(Verification.id).where(Verification.id > queries.settings_row().overrides_seen)):
        return 0
    settled = clock.now() - SETTLED
    with transaction():
        row = queries.settings_row(lock=True)
        found = db.session.scalars(
            select(Verification).where(Verification.id > row.overrides_seen).order_by(Verification.id).limit(BATCH)
        ).all()
        over = [one for one in found if one.expires_at < settled]
        first_open = next((one.id for one in found if one.expires_at >= settled), None)
        rows = [_override(one) for one in over if one.kind is VerificationKind.OVERRIDE]
        service.enqueue(rows)
        if found:
            row.overrides_seen = found[-1].id if first_open is None else first_open - 1
    return len(rows)


def _override(one: Verification) -> dict[str, Any]:
    ticket = _worked_on(one)
    row = {
        "key": f"override:{one.id}",
        "reason": ReviewReason.OVERRIDE,
        "verification_id": one.id,
        "agent_id": one.staff_id,
    }
    return row if ticket is None else row | {"ticket_id": ticket.id, "department_id": ticket.department_id}


def _worked_on(one: Verification) -> Ticket | None:
    """Return the account's ticket in which that supervisor last wrote or did something while it was open."""
    return db.session.scalar(
        select(Ticket)
        .join(TicketMessage, TicketMessage.ticket_id == Ticket.id)
        .where(
            Ticket.customer_id == one.customer_id,
            TicketMessage.staff_id == one.staff_id,
            TicketMessage.created_at >= one.started_at,
            TicketMessage.created_at <= (one.ended_at or one.expires_at),
        )
        .order_by(TicketMessage.id.desc())
        .limit(1)
    )


def _any(query: Select[Any]) -> bool:
    """Look without the write lock whether there is anything to do."""
    found: Sequence[Any] = db.session.execute(query.limit(1)).all()
    db.session.rollback()
    return bool(found)
