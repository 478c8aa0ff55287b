"""What the worker does for SLA targets: measure again after a change, warn before a breach, escalate one.

Any number of workers may do it at once. Each locks tickets that are not locked, and sets what claims a target in
the transaction that queues its mail.
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

BATCH = 50  # tickets a transaction: SQLite has one writer at a time
MAX_BATCHES = 200  # a run
LISTED = 20  # tickets in a mail; of the others their number

Claimed = list[tuple[Ticket, SlaTarget]]


def update_targets() -> None:
    """Bring every target up to date and send the mails about those at risk and overdue."""
    apply_new_hours()
    _in_batches(recalculate_stale)
    _in_batches(warn_assignees)
    _in_batches(mark_overdue)
    escalate()


def _in_batches(work: Callable[[], int]) -> None:
    for _ in range(MAX_BATCHES):
        if work() == 0:
            return


# --- Measuring again --------------------------------------------------------------------------------------------------


def apply_new_hours() -> bool:
    """Raise the revision if the opening hours have changed: every running target is then measured again."""
    hours = sla_calendar.revision()
    differs = (SlaRevision.id == HEAD) & (SlaRevision.hours_revision != hours)
    if not _any(select(SlaRevision.id).where(differs)):
        return False
    with transaction() as session:
        # A second worker finds no difference.
        raised = session.scalar(
            update(SlaRevision)
            .where(differs)
            .values(revision=SlaRevision.revision + 1, hours_revision=hours)
            .returning(SlaRevision.revision)
        )
    return raised is not None


def recalculate_stale() -> int:
    """Measure the targets of a batch of tickets again whose policies or hours have changed."""
    head = select(SlaRevision.revision).where(SlaRevision.id == HEAD).scalar_subquery()
    stale = SlaTarget.met_at.is_(None) & (SlaTarget.revision < head)
    if not _any(select(SlaTarget.id).where(stale)):
        return 0
    with transaction():
        tickets = _take(stale, SlaTarget.ticket_id)
        now = clock.now()
        for ticket in tickets:
            service.recalculate(ticket, now)
    if tickets:
        log.info("SLA targets recalculated", tickets=len(tickets))
    return len(tickets)


# --- Warning ----------------------------------------------------------------------------------------------------------


def warn_assignees() -> int:
    """Note in a batch of tickets that a target is at risk, and mail their assignees."""
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
        claimed = _claim(nearly, {"warned_at": now})
        for ticket, sla_target in claimed:
            _note(ticket, "sla_target_at_risk", sla_target, due_at=_due(sla_target).isoformat(timespec="seconds"))
        _mail_assignees(claimed)
    return len(claimed)


def mark_overdue() -> int:
    """Note in a batch of tickets that a target was missed."""
    now = clock.now()
    late = SlaTarget.met_at.is_(None) & SlaTarget.broken_at.is_(None) & (SlaTarget.due_at < now)
    if not _any(select(SlaTarget.id).where(late)):
        return 0
    with transaction():
        claimed = _claim(late, {"broken_at": SlaTarget.due_at})
        for ticket, sla_target in claimed:
            _note(ticket, "sla_target_missed", sla_target)
            record(
                SYSTEM,
                "sla.missed",
                ticket.number,
                customer_id=ticket.customer_id,
                kind=sla_target.kind.value,
                due_at=_due(sla_target).isoformat(timespec="seconds"),
            )
    return len(claimed)


def escalate() -> int:
    """Mail each supervisor all missed targets that no mail has named yet."""
    new = SlaTarget.met_at.is_(None) & SlaTarget.broken_at.is_not(None) & SlaTarget.escalated_at.is_(None)
    if not _any(select(SlaTarget.id).where(new)):
        return 0
    now = clock.now()
    with transaction() as session:
        # In the order of their keys, without locked ones: another transaction is changing those tickets.
        keys = list(
            session.scalars(select(SlaTarget.id).where(new).order_by(SlaTarget.id).with_for_update(skip_locked=True))
        )
        for start in range(0, len(keys), 500):
            some = SlaTarget.id.in_(keys[start : start + 500])
            session.execute(update(SlaTarget).where(some).values(escalated_at=now))
        if keys:
            _mail_supervisors(keys)
            record(SYSTEM, "sla.escalated", "sla", targets=len(keys))
    return len(keys)


# --- Pieces -----------------------------------------------------------------------------------------------------------


def _any(query: Any) -> bool:
    """Check without a lock whether there is anything to do: mostly there is not."""
    return db.session.execute(query.limit(1)).first() is not None


def _take(condition: ColumnElement[bool], order: Any) -> Sequence[Ticket]:
    """Lock a batch of the tickets with such a target, in the order of their keys, without locked ones."""
    keys = select(SlaTarget.ticket_id).where(condition).group_by(SlaTarget.ticket_id)
    query = (
        select(Ticket)
        .where(Ticket.id.in_(keys.order_by(func.min(order)).limit(BATCH)))
        .order_by(Ticket.id)
        .with_for_update(of=Ticket, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(query).all()


def _claim(condition: ColumnElement[bool], values: dict[str, Any]) -> Claimed:
    """Set ``values`` on a batch of targets, and return those that no other worker had claimed."""
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
        raise RuntimeError("this target is not due")
    return sla_target.due_at


def _note(ticket: Ticket, event: str, sla_target: SlaTarget, **data: str) -> None:
    changed = ticket.updated_at
    timeline.note_event(SYSTEM, ticket, event, kind=sla_target.kind.value, **data)
    ticket.updated_at = changed  # no one worked on it: the ticket keeps its place in the list


def _line(ticket: Ticket, sla_target: SlaTarget) -> dict[str, Any]:
    """Return a ticket for a mail; the subject is text from outside, for the HTML part to escape."""
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "kind": sla_target.kind.value,
        "due_at": _due(sla_target),
        "assignee": ticket.assignee.name if ticket.assignee else "",
    }


def _mail_assignees(claimed: Claimed) -> None:
    """Mail each assignee their own tickets, all in one mail."""
    by_assignee: dict[int, Claimed] = defaultdict(list)
    for ticket, sla_target in claimed:
        if ticket.assignee is not None and ticket.assignee.active:
            by_assignee[ticket.assignee.id].append((ticket, sla_target))
    for own in by_assignee.values():
        assignee = own[0][0].assignee
        if assignee is not None:
            _mail(assignee, "sla_targets_at_risk", [_line(*one) for one in own], len(own))


def _mail_supervisors(keys: Sequence[int]) -> None:
    rows = db.session.execute(
        select(Ticket, SlaTarget)
        .join(SlaTarget, SlaTarget.ticket_id == Ticket.id)
        .where(SlaTarget.id.in_(keys[:LISTED]))
        .order_by(SlaTarget.due_at, SlaTarget.id)
    ).all()
    lines = [_line(ticket, sla_target) for ticket, sla_target in rows]
    roles = [role for role, may in PERMISSIONS.items() if Permission.REVIEW in may]
    query = select(Staff).where(Staff.role.in_(roles), Staff.active.is_(True)).order_by(Staff.id)
    for supervisor in db.session.scalars(query):
        _mail(supervisor, "sla_targets_missed", lines, len(keys))


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
