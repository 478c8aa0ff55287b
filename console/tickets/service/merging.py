"""Merging tickets, and undoing it.

A merge moves nothing: the merged ticket points to where it went, and its entries are read there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import func, or_, select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid
from console.core.texts import lazy_gettext
from console.mail.service import cancel
from console.staff.roles import Permission
from console.tickets.models import (
    NO_DUE,
    PUBLIC_KINDS,
    MessageKind,
    Ticket,
    TicketMessage,
    TicketStatus,
)
from console.tickets.queries import lock_tickets, tree
from console.tickets.service import timeline
from console.tickets.service import verification as ticket_verification
from console.tickets.service.drafts import read_up_to
from console.tickets.service.messages import COPIES
from console.tickets.service.properties import move_status
from console.tickets.service.threads import require_unmerged
from console.tickets.sla import service as sla_targets

HOLDS = (TicketStatus.WAITING, TicketStatus.SOLVED)  # a question that comes in by a merge opens these again


def merge(actor: Actor, ids: Iterable[int], into: int, *, different_requesters: bool = False) -> Ticket:
    """Merge tickets into one; from then on the conversation continues there.

    Where one of them is open, the target is reopened: a merge closes no question.
    Replies go to the requester of each, by a mail and a link of their own.

    Args:
        different_requesters: confirmed: they are of several people, all of whom may read the replies from now on.

    Raises:
        Invalid: a ticket into itself.
        Conflict: one is merged already (``merged``), the target is closed (``closed``), they are of two different
            accounts (``other_account``), or of several people and that was not confirmed
            (``different_requesters``).
    """
    actor.require(Permission.WORK_TICKETS)
    keys = set(ids)
    if into in keys or not keys:
        raise Invalid(lazy_gettext("Choose another ticket to merge into."))
    tickets = {ticket.id: ticket for ticket in lock_tickets(actor, keys | {into})}
    target = tickets.pop(into)
    for ticket in tickets.values():
        check_mergeable(ticket, target)
    if not different_requesters:
        _check_same_requester(tickets.values(), target)
    before = target.status
    if before in HOLDS and any(ticket.status is TicketStatus.OPEN for ticket in tickets.values()):
        move_status(actor, target, TicketStatus.OPEN)
    for ticket in tickets.values():
        _merge_one(actor, ticket, target, before)
    refresh(actor, target, *tickets.values())
    return target


def _merge_one(actor: Actor, ticket: Ticket, target: Ticket, target_before: TicketStatus) -> None:
    before = ticket.status
    timeline.note_event(actor, ticket, "merged_into", number=target.number)
    ticket.status_before_merge = before
    ticket.merged_into_id, ticket.status, ticket.due_at = target.id, TicketStatus.CLOSED, NO_DUE
    ticket.closed_at = clock.now()
    ticket_verification.end_channel(actor, ticket)  # the verification was for this ticket only
    opened = {} if target.status is target_before else {"opened": target_before.value}
    timeline.note_event(actor, target, "merged_in", number=ticket.number, title=ticket.subject, **opened)
    record(
        actor, "ticket.merged", ticket.number, customer_id=ticket.customer_id, into=target.number, before=before.value
    )


def check_mergeable(ticket: Ticket, target: Ticket) -> None:
    """Refuse a merge that is not possible.

    Raises:
        Conflict: ``merged``, ``closed``, ``other_account``.
    """
    require_unmerged(target)
    require_unmerged(ticket)
    if target.status is TicketStatus.CLOSED:
        raise Conflict(
            lazy_gettext(
                "%(number)s is closed. Reopen it first, or merge it into the other one.", number=target.number
            ),
            code="closed",
        )
    if None not in (ticket.customer_id, target.customer_id) and ticket.customer_id != target.customer_id:
        raise Conflict(
            lazy_gettext("%(number)s belongs to another account. Link the tickets instead.", number=ticket.number),
            code="other_account",
        )


def _check_same_requester(tickets: Iterable[Ticket], target: Ticket) -> None:
    others = sorted({one.requester_email for one in tickets} - {target.requester_email})
    if others:
        raise Conflict(
            lazy_gettext(
                "These tickets are from different people: %(addresses)s. Merge them only if all of "
                "them may read the replies from now on.",
                addresses=", ".join([target.requester_email, *others]),
            ),
            code="different_requesters",
        )


def undo_merge(actor: Actor, ticket_id: int) -> Ticket:
    """Undo the merge of a ticket; it is again what it was.

    Its requester gets no further replies from there, nor one that is still held.

    Raises:
        Conflict: it is not merged.
    """
    actor.require(Permission.WORK_TICKETS)
    above = _above(ticket_id)
    if not above:
        raise Conflict(lazy_gettext("This ticket is not merged."), code="not_merged")
    locked = {ticket.id: ticket for ticket in lock_tickets(actor, [ticket_id, *above])}
    ticket, target = locked[ticket_id], locked[above[0]]
    if _above(ticket_id) != above:  # another request was faster
        raise Conflict
    _withdraw_copies(ticket, above)
    ticket.merged_into_id = None
    ticket.status = ticket.status_before_merge or TicketStatus.OPEN
    ticket.status_before_merge = None
    if ticket.status is not TicketStatus.CLOSED:
        ticket.closed_at = None
    timeline.note_event(actor, ticket, "merge_undone", number=target.number)
    _restore_status(actor, ticket, target)
    timeline.note_event(actor, target, "merge_undone", number=ticket.number)
    refresh(actor, *(locked[key] for key in above), ticket)
    record(actor, "ticket.merge_undone", ticket.number, customer_id=ticket.customer_id, from_=target.number)
    return ticket


def _withdraw_copies(ticket: Ticket, above: Sequence[int]) -> None:
    """Cancel the copies of held replies for the requesters of a ticket whose merge is undone."""
    held = select(TicketMessage).where(
        TicketMessage.ticket_id.in_(above),
        TicketMessage.kind == MessageKind.REPLY,
        TicketMessage.held_until > clock.now(),
        TicketMessage.taken_back_at.is_(None),
    )
    separated = set(db.session.scalars(tree(ticket.id)))
    for message in db.session.scalars(held):
        for key, mail in message.data.get(COPIES, ()):
            if key in separated:
                cancel(mail)


def _above(ticket_id: int) -> list[int]:
    """Return where a ticket was merged, and where that was: the nearest first."""
    found: list[int] = []
    key = db.session.scalar(select(Ticket.merged_into_id).where(Ticket.id == ticket_id))
    while key is not None and key not in found:
        found.append(key)
        key = db.session.scalar(select(Ticket.merged_into_id).where(Ticket.id == key))
    return found


def _restore_status(actor: Actor, ticket: Ticket, target: Ticket) -> None:
    """Restore the status of the target, if only this merge had reopened it and no one has written since."""
    entries = select(TicketMessage).where(TicketMessage.ticket_id == target.id)
    merges = db.session.scalars(entries.where(TicketMessage.event == "merged_in").order_by(TicketMessage.id.desc()))
    mine = next((entry for entry in merges if entry.data.get("number") == ticket.number), None)
    before = mine.data.get("opened") if mine is not None else None
    if mine is None or before is None or target.status is not TicketStatus.OPEN:
        return
    since = or_(TicketMessage.kind.in_(PUBLIC_KINDS), TicketMessage.event == "status")
    if db.session.scalar(entries.where(TicketMessage.id > mine.id, since).limit(1)) is None:
        move_status(actor, target, TicketStatus(before))


def refresh(actor: Actor, *tickets: Ticket) -> None:
    """Update the columns, index and SLA targets that depend on the entries of tickets."""
    db.session.flush()
    now = clock.now()
    for ticket in tickets:
        ticket.first_answered_at = db.session.scalar(
            select(func.min(TicketMessage.created_at)).where(
                TicketMessage.ticket_id.in_(tree(ticket.id)),
                TicketMessage.kind == MessageKind.REPLY,
                TicketMessage.taken_back_at.is_(None),
            )
        )
        timeline.index(ticket)
        sla_targets.recalculate(ticket, now)
        read_up_to(actor, ticket)
