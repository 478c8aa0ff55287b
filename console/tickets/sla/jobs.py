"""What the worker does for promises: count again after a change, warn before a breach, tell supervisors of one.

Any number of workers may do it at once. Each takes the tickets that nobody else holds, claims by writing down
that it told, and tells in the same transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.logging import get_logger
from console.core.transaction import transaction
from console.mail.service import queue
from console.staff.models import Staff
from console.staff.roles import PERMISSIONS, Permission
from console.tickets.models import Ticket
from console.tickets.service import timeline
from console.tickets.sla import calendar as sla_calendar
from console.tickets.sla import service
from console.tickets.sla.models import HEAD, SlaRevision, SlaTarget

log = get_logger(__name__)

BATCH = 50  # tickets a transaction: on SQLite nobody else writes meanwhile
MOST_BATCHES = 200  # a run
LISTED = 20  # tickets that a mail names; of the others it says how many

Told = list[tuple[Ticket, SlaTarget]]


def watch() -> None:
    """Bring every promise up to date and tell of those that need somebody."""
    notice_hours()
    _in_batches(recount_stale)
    _in_batches(warn)
    _in_batches(note_broken)
    escalate()


def _in_batches(work: Callable[[], int]) -> None:
    for _ in range(MOST_BATCHES):
        if work() == 0:
            return


# --- Counting again ---------------------------------------------------------------------------------------------------


def notice_hours() -> bool:
    """Take in that the opening hours have changed: every promise that runs is then counted again."""
    hours = sla_calendar.revision()
    differs = (SlaRevision.id == HEAD) & (SlaRevision.hours_revision != hours)
    if not _any(select(SlaRevision.id).where(differs)):
        return False
    with transaction() as session:
        # Whoever comes second finds nothing that differs.
        taken = session.scalar(
            update(SlaRevision)
            .where(differs)
            .values(revision=SlaRevision.revision + 1, hours_revision=hours)
            .returning(SlaRevision.revision)
        )
    return taken is not None


def recount_stale() -> int:
    """Count the promises of a batch of tickets again that were counted by earlier rules or hours."""
    head = select(SlaRevision.revision).where(SlaRevision.id == HEAD).scalar_subquery()
    stale = SlaTarget.met_at.is_(None) & (SlaTarget.revision < head)
    if not _any(select(SlaTarget.id).where(stale)):
        return 0
    with transaction():
        tickets = _take(stale, SlaTarget.ticket_id)
        now = clock.now()
        for ticket in tickets:
            service.recount(ticket, now)
    if tickets:
        log.info("promises recounted", tickets=len(tickets))
    return len(tickets)


# --- Telling ----------------------------------------------------------------------------------------------------------


def warn() -> int:
    """Note in a batch of tickets that a promise is at risk, and tell those they are given to."""
    now = clock.now()
    nearly = (
        SlaTarget.met_at.is_(None)
        & SlaTarget.warned_at.is_(None)
        & (SlaTarget.risk_at <= now)
        & (SlaTarget.due_at >= now)
    )
    if not _any(select(SlaTarget.id).where(nearly)):
        return 0
    with transaction():
        told = _claim(nearly, {"warned_at": now})
        for ticket, sla_target in told:
            _note(ticket, "promise_at_risk", sla_target, due_at=_due(sla_target).isoformat(timespec="seconds"))
        _mail_assignees(told)
    return len(told)


def note_broken() -> int:
    """Note in a batch of tickets that a promise was broken."""
    now = clock.now()
    late = SlaTarget.met_at.is_(None) & SlaTarget.broken_at.is_(None) & (SlaTarget.due_at < now)
    if not _any(select(SlaTarget.id).where(late)):
        return 0
    with transaction():
        told = _claim(late, {"broken_at": SlaTarget.due_at})
        for ticket, sla_target in told:
            _note(ticket, "promise_broken", sla_target)
            record(
                SYSTEM,
                "promise.broken",
                ticket.number,
                customer_id=ticket.customer_id,
                kind=sla_target.kind.value,
                due_at=_due(sla_target).isoformat(timespec="seconds"),
            )
    return len(told)


def escalate() -> int:
    """Tell the supervisors of every broken promise they have not heard of: one mail to each, however many broke."""
    new = SlaTarget.met_at.is_(None) & SlaTarget.broken_at.is_not(None) & SlaTarget.escalated_at.is_(None)
    if not _any(select(SlaTarget.id).where(new)):
        return 0
    now = clock.now()
    with transaction() as session:
        # In the order of their keys, and none that somebody holds: whoever holds it is just changing the ticket.
        keys = list(
            session.scalars(select(SlaTarget.id).where(new).order_by(SlaTarget.id).with_for_update(skip_locked=True))
        )
        for start in range(0, len(keys), 500):
            some = SlaTarget.id.in_(keys[start : start + 500])
            session.execute(update(SlaTarget).where(some).values(escalated_at=now))
        if keys:
            _mail_supervisors(keys)
            record(SYSTEM, "promise.escalated", "promises", promises=len(keys))
    return len(keys)


# --- Pieces -----------------------------------------------------------------------------------------------------------


def _any(query: Any) -> bool:
    """Look without a lock whether there is anything to do: mostly there is not."""
    return db.session.execute(query.limit(1)).first() is not None


def _take(condition: ColumnElement[bool], order: Any) -> Sequence[Ticket]:
    """Lock a batch of the tickets that have such a promise, in the order of their keys, none that somebody holds."""
    wanted = select(SlaTarget.ticket_id).where(condition).group_by(SlaTarget.ticket_id)
    query = (
        select(Ticket)
        .where(Ticket.id.in_(wanted.order_by(func.min(order)).limit(BATCH)))
        .order_by(Ticket.id)
        .with_for_update(of=Ticket, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(query).all()


def _claim(condition: ColumnElement[bool], values: dict[str, Any]) -> Told:
    """Write down that a batch of promises is told of, and return those nobody else had claimed."""
    tickets = {ticket.id: ticket for ticket in _take(condition, SlaTarget.risk_at)}
    claimed = db.session.scalars(
        update(SlaTarget)
        .where(SlaTarget.ticket_id.in_(tickets), condition)
        .values(values)
        .returning(SlaTarget)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).all()
    return [(tickets[one.ticket_id], one) for one in sorted(claimed, key=lambda one: (one.due_at or one.id, one.id))]


def _due(sla_target: SlaTarget) -> datetime:
    if sla_target.due_at is None:
        raise RuntimeError("told of a promise that is not due")
    return sla_target.due_at


def _note(ticket: Ticket, event: str, sla_target: SlaTarget, **data: str) -> None:
    changed = ticket.updated_at
    timeline.note_event(SYSTEM, ticket, event, kind=sla_target.kind.value, **data)
    ticket.updated_at = changed  # nobody did anything: the ticket keeps its place in the list


def _line(ticket: Ticket, sla_target: SlaTarget) -> dict[str, Any]:
    """Return what a mail says of a ticket; the subject is somebody's text, for the HTML part to escape."""
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "kind": sla_target.kind.value,
        "due_at": _due(sla_target),
        "assignee": ticket.assignee.name if ticket.assignee else "",
    }


def _mail_assignees(told: Told) -> None:
    """Tell each of their own tickets, all of them in one mail."""
    by_assignee: dict[int, Told] = defaultdict(list)
    for ticket, sla_target in told:
        if ticket.assignee is not None and ticket.assignee.active:
            by_assignee[ticket.assignee.id].append((ticket, sla_target))
    for own in by_assignee.values():
        assignee = own[0][0].assignee
        if assignee is not None:
            _mail(assignee, "promises_at_risk", [_line(*one) for one in own], len(own))


def _mail_supervisors(keys: Sequence[int]) -> None:
    some = db.session.execute(
        select(Ticket, SlaTarget)
        .join(SlaTarget, SlaTarget.ticket_id == Ticket.id)
        .where(SlaTarget.id.in_(keys[:LISTED]))
        .order_by(SlaTarget.due_at, SlaTarget.id)
    ).all()
    lines = [_line(ticket, sla_target) for ticket, sla_target in some]
    roles = [role for role, may in PERMISSIONS.items() if Permission.REVIEW in may]
    query = select(Staff).where(Staff.role.in_(roles), Staff.active.is_(True)).order_by(Staff.id)
    for supervisor in db.session.scalars(query):
        _mail(supervisor, "promises_broken", lines, len(keys))


def _mail(staff: Staff, template: str, lines: list[dict[str, Any]], count: int) -> None:
    queue(
        template,
        to_address=staff.email,
        to_name=staff.name,
        language=staff.language,
        name=staff.name,
        lines=lines[:LISTED],
        count=count,
        more=max(0, count - LISTED),
    )
