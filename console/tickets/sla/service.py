"""Keeping the promises of a ticket true to its history.

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
_TABLE = cast("Table", SlaTarget.__table__)  # written without the session: a ticket is opened fast


def draft(ticket: Ticket, now: datetime) -> list[dict[str, Any]]:
    """Say when a ticket that is about to be opened is due, and return the promises to :func:`begin` with."""
    rule, calendar = rule_for(ticket), sla_calendar.calendar()
    first = StepKind.REPLY if ticket.last_by == "staff" else StepKind.QUESTION
    begun = spans(ticket.created_at, [Step(ticket.created_at, first)])
    rows = [values_of(measure(span, rule.goals[span.kind], calendar, now), rule) for span in begun]
    ticket.due_at = _first_due(row["due_at"] for row in rows)
    return rows


def begin(ticket: Ticket, sla_targets: list[dict[str, Any]]) -> None:
    """Promise what was drafted for a ticket that was just opened."""
    db.session.execute(insert(_TABLE), [{"ticket_id": ticket.id, **row} for row in sla_targets])


def recount(ticket: Ticket, now: datetime) -> None:
    """Derive the promises of a locked ticket anew from its history. Done twice, nothing changes.

    A promise that was over stays as it was told, whatever rules and hours say since.
    One of a merged ticket that still ran is gone: it goes on where the ticket went.
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
    return row.met_at is not None and row.met_at == span.met_at and row.pauses == _written(span)


def _store(ticket: Ticket, row: SlaTarget | None, values: dict[str, Any], now: datetime) -> None:
    if values["met_at"] is None and (row is None or row.broken_at != values["broken_at"]):
        values = {**values, "broken_at": None}  # the worker notes it, and tells of it once
    if row is None:
        db.session.add(SlaTarget(ticket_id=ticket.id, **values))
        return
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
    # What is in good time again may be told of again.
    if row.risk_at is None or row.risk_at > now:
        row.warned_at = None
    if row.broken_at is None:
        row.escalated_at = None


def values_of(sla_target: Target, rule: Rule) -> dict[str, Any]:
    """Return the columns of a promise."""
    span = sla_target.span
    stands = span.met_at is not None or span.paused_since is not None
    return {
        "kind": span.kind,
        "goal": sla_target.goal,
        "started_at": span.started_at,
        "due_at": sla_target.due_at,
        "risk_at": sla_target.risk_at,
        "met_at": span.met_at,
        "broken_at": sla_target.broken_at,
        "paused_since": span.paused_since,
        "spent": sla_target.counted // _MINUTE if stands else None,
        "pauses": _written(span),
        # Older hours than the worker has taken in were changed while this transaction ran: it counts again.
        "revision": rule.revision if sla_calendar.revision() >= rule.hours_revision else rule.revision - 1,
    }


def _written(span: Span) -> list[list[str | None]]:
    return [
        [pause.start.isoformat(), pause.end.isoformat() if pause.end else None, pause.reason.value]
        for pause in span.pauses
    ]


def _first_due(due: Iterable[datetime | None]) -> datetime:
    return min((instant for instant in due if instant is not None), default=NO_DUE)
