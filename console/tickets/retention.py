"""Closed tickets that have been stored long enough: deleted with everything of theirs, the review of the answers too.

What came of one stays elsewhere: the audit log, the mail that was sent, for as long as each of these is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, or_, select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import SYSTEM
from console.core.context import settings
from console.core.db import db
from console.core.periods import add_months
from console.core.transaction import transaction
from console.tickets.models import (
    TICKET_SEARCH,
    Ticket,
    TicketAttachment,
    TicketDraft,
    TicketLink,
    TicketMessage,
    TicketPersonRead,
    TicketRead,
    TicketTag,
    TicketWatcher,
)
from console.tickets.queries import tree
from console.tickets.reviews.models import Review, ReviewAnswer, ReviewQuote, ReviewScore, TicketRating
from console.tickets.sla.models import SlaTarget

Detach = Callable[[Sequence[int]], None]

BATCH = 100
OF_TICKET = (
    TicketMessage, TicketDraft, TicketRead, TicketPersonRead, TicketTag, TicketWatcher, TicketRating, SlaTarget,
)  # fmt: skip
_detaching: list[Detach] = []


def is_due(before: datetime) -> ColumnElement[bool]:
    """Return the condition of a ticket that is over since before an instant, and was merged into no other.

    The newest of all stays: SQLite would give its number to the next one.
    """
    newest = select(func.max(Ticket.id)).scalar_subquery()
    return (
        Ticket.is_open.is_(False)
        & Ticket.merged_into_id.is_(None)
        & (Ticket.updated_at < before)
        & (Ticket.id < newest)
    )


def delete_due() -> tuple[int, set[str]]:
    """Delete what is due; return how many tickets went, and the digests of files that may be needed no longer."""
    before = add_months(clock.now(), -settings().ticket_keep_months, settings().zone)
    gone, digests = 0, set[str]()
    while True:
        with transaction() as session:
            query = select(Ticket.id).where(is_due(before)).order_by(Ticket.updated_at).limit(BATCH)
            roots = list(session.scalars(query.with_for_update(skip_locked=True)))
            keys = sorted({key for root in roots for key in session.scalars(tree(root))})
            if keys:
                digests |= delete_tickets(keys)
                record(SYSTEM, "ticket.forgotten", "desk", count=len(keys), closed_before=before.isoformat())
        gone += len(keys)
        if len(roots) < BATCH:
            return gone, digests


def delete_tickets(keys: Sequence[int]) -> set[str]:
    """Delete tickets that are linked to no other, and return the digests of their files.

    Rows of higher domains that name one must allow to be cut off: :func:`on_deletion`.
    """
    session = db.session()
    for detach in _detaching:
        detach(keys)
    reviews = list(session.scalars(select(Review.id).where(Review.ticket_id.in_(keys))))
    messages = select(TicketMessage.id).where(TicketMessage.ticket_id.in_(keys))
    quoted = or_(ReviewQuote.review_id.in_(reviews), ReviewQuote.message_id.in_(messages))
    session.execute(delete(ReviewQuote).where(quoted).execution_options(synchronize_session=False))
    for part in (ReviewScore, ReviewAnswer):
        session.execute(delete(part).where(part.review_id.in_(reviews)))
    session.execute(delete(Review).where(Review.id.in_(reviews)))
    removed = delete(TicketAttachment).where(TicketAttachment.ticket_id.in_(keys)).returning(TicketAttachment.digest)
    digests = set(session.scalars(removed))
    session.execute(delete(TicketLink).where(or_(TicketLink.ticket_id.in_(keys), TicketLink.other_id.in_(keys))))
    for model in OF_TICKET:
        session.execute(delete(model).where(model.ticket_id.in_(keys)))
    session.execute(update(Ticket).where(Ticket.id.in_(keys)).values(merged_into_id=None))
    session.execute(delete(Ticket).where(Ticket.id.in_(keys)))
    TICKET_SEARCH.remove_many(session, list(keys))
    return digests


def on_deletion(detach: Detach) -> None:
    """Let a higher domain cut its rows off tickets that are about to be deleted."""
    _detaching.append(detach)
