"""Deriving the SLA targets of a ticket from its history.

Called by the verbs that change a ticket, which hold its lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, insert, select

from console.core.db import db
from console.tickets.models import NO_DUE, Ticket
from console.tickets.sla import calendar as sla_calendar
from console.tickets.sla.history import steps_of
from console.tickets.sla.models import SlaTarget
from console.tickets.sla.queries import Rule, rule_for
from console.tickets.sla.rules import Span, Step, StepKind, Target, measure, spans

_MINUTE = timedelta(minutes=1)
_TABLE = cast("Table", SlaTarget.__table__)  # without the session: faster


def plan_targets(ticket: Ticket, now: datetime) -> list[dict[str, Any]]:
    """Set when a new ticket is due, and return the rows for :func:`insert_targets`."""
    rule, calendar = rule_for(ticket), sla_calendar.calendar()
    first = StepKind.REPLY if ticket.last_by == "staff" else StepKind.QUESTION
    begun = spans(ticket.created_at, [Step(ticket.created_at, first)])
    rows = [values_of(measure(span, rule.goals[span.kind], calendar, now), rule) for span in begun]
    ticket.due_at = _first_due(row["due_at"] for row in rows)
    return rows


def insert_targets(ticket: Ticket, sla_targets: list[dict[str, Any]]) -> None:
    """Insert the targets of a ticket that was just opened."""
    db.session.execute(insert(_TABLE), [{"ticket_id": ticket.id, **row} for row in sla_targets])


def recalculate(ticket: Ticket, now: datetime) -> None:
    """Derive the targets of a locked ticket from its history. Done twice, nothing changes.

    A target that was met stays as it is, even if policies or hours have changed since.
    A running one of a merged ticket is deleted: it continues where the ticket went.
    """
    db.session.flush()
    stored = {(row.kind, row.started_at): row for row in _stored(ticket)}
    rule, calendar, due = rule_for(ticket), sla_calendar.calendar(), []
    for span in spans(ticket.created_at, steps_of(ticket)):
        if ticket.merged_into_id is not None and span.met_at is None:
            continue
        row = stored.pop((span.kind, span.started_at), None)
        if row is not None and _is_over(row, span):
            continue
        values = values_of(measure(span, rule.goals[span.kind], calendar, now), rule)
        _store(ticket, row, values, now)
        if span.met_at is None:
            due.append(values["due_at"])
    for gone in stored.values():
        db.session.delete(gone)
    ticket.due_at = _first_due(due)
    db.session.flush()


def _stored(ticket: Ticket) -> list[SlaTarget]:
    query = select(SlaTarget).where(SlaTarget.ticket_id == ticket.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def _is_over(row: SlaTarget, span: Span) -> bool:
    return row.met_at is not None and row.met_at == span.met_at and row.pauses == _pauses_json(span)


def _store(ticket: Ticket, row: SlaTarget | None, values: dict[str, Any], now: datetime) -> None:
    if values["met_at"] is None and (row is None or row.broken_at != values["broken_at"]):
        values = {**values, "broken_at": None}  # the worker sets it, and sends the mail once
    if row is None:
        db.session.add(SlaTarget(ticket_id=ticket.id, **values))
        return
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
    # A target that is in time again may be warned of again.
    if row.risk_at is None or row.risk_at > now:
        row.warned_at = None
    if row.broken_at is None:
        row.escalated_at = None


def values_of(sla_target: Target, rule: Rule) -> dict[str, Any]:
    """Return the columns of a target."""
    span = sla_target.span
    stopped = span.met_at is not None or span.paused_since is not None
    return {
        "kind": span.kind,
        "goal": sla_target.goal,
        "started_at": span.started_at,
        "due_at": sla_target.due_at,
        "risk_at": sla_target.risk_at,
        "met_at": span.met_at,
        "broken_at": sla_target.broken_at,
        "paused_since": span.paused_since,
        "spent": sla_target.elapsed // _MINUTE if stopped else None,
        "pauses": _pauses_json(span),
        # The hours have changed while this transaction ran: the worker measures again.
        "revision": rule.revision if sla_calendar.revision() >= rule.hours_revision else rule.revision - 1,
    }


def _pauses_json(span: Span) -> list[list[str | None]]:
    return [
        [pause.start.isoformat(), pause.end.isoformat() if pause.end else None, pause.reason.value]
        for pause in span.pauses
    ]


def _first_due(due: Iterable[datetime | None]) -> datetime:
    return min((instant for instant in due if instant is not None), default=NO_DUE)
