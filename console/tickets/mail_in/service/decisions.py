"""What an agent decides about a message: into the ticket, a ticket of its own, spam, nothing."""

from __future__ import annotations

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.texts import lazy_gettext
from console.customers.masking import mask_pins
from console.mail.receiving import incoming, stops
from console.mail.receiving import raw as raw_store
from console.mail.receiving.authentication import authenticate
from console.mail.receiving.message import Unreadable, read_message
from console.mail.receiving.models import IncomingMail, IncomingState
from console.staff.roles import Permission
from console.tickets.mail_in.entries import Arrival, enter, note_answer, open_from
from console.tickets.mail_in.matching import Relation, forward_behind, sender_in
from console.tickets.mail_in.models import TicketParticipant
from console.tickets.mail_in.queries import visible_mail
from console.tickets.mail_in.service import participants
from console.tickets.models import MessageKind, Ticket, TicketMessage, TicketSource, TicketStatus
from console.tickets.queries import lock_ticket
from console.tickets.service import timeline
from console.tickets.service.properties import move_status
from console.tickets.service.threads import root_of
from console.tickets.sla import service as sla_targets

OPENS_FROM = (IncomingState.WAITING, IncomingState.IGNORED, IncomingState.SPAM)


def add_to_ticket(actor: Actor, key: int) -> Ticket:
    """Put a waiting message into the conversation of its ticket, in its sender's name.

    Raises:
        NotFound: no such message for ``actor``.
        Conflict: ``decided``, ``no_ticket``, or ``gone``: the message was deleted.
    """
    row = _lock(actor, key, (IncomingState.WAITING,))
    if row.ticket_id is None:
        raise Conflict(lazy_gettext("This e-mail belongs to no ticket yet. Open a new one."), code="no_ticket")
    ticket = db.session.get_one(Ticket, row.ticket_id)
    lock_ticket(actor, ticket.id)
    arrival = _arrival(row)
    sender = sender_in(ticket, row.from_address)
    forward = forward_behind(arrival.mail)
    if forward is not None:  # the answer of an outside address is for colleagues only
        note = note_answer(arrival, forward)
        _decided(actor, row, "added")
        record(actor, "ticket.mail_added", ticket.number, customer_id=ticket.customer_id, incoming=row.id)
        return note.ticket
    _close_note(row, "added")
    row.ticket_message_id = None
    message = enter(arrival, sender)
    message.data = {**message.data, "added_by": actor.name, "from": row.from_address}
    if sender.relation is not Relation.REQUESTER:
        message.name = sender.name or row.from_name or row.from_address
    _decided(actor, row, "added")
    record(actor, "ticket.mail_added", message.ticket.number, customer_id=message.ticket.customer_id, incoming=row.id)
    return message.ticket


def open_new(actor: Actor, key: int) -> Ticket:
    """Open a ticket of a message, in its sender's name; the agent answers it themselves.

    Raises:
        NotFound: no such message for ``actor``.
        Conflict: ``decided``, or ``gone``: the message was deleted.
    """
    row = _lock(actor, key, OPENS_FROM)
    arrival = _arrival(row)
    _close_note(row, "new")
    row.ticket_message_id = row.ticket_id = None
    ticket = open_from(actor, arrival)
    _decided(actor, row, "new")
    record(actor, "ticket.mail_opened", ticket.number, customer_id=ticket.customer_id, incoming=row.id)
    return ticket


def mark_spam(actor: Actor, key: int, *, block: str = "") -> IncomingMail:
    """Mark a message as spam. A ticket that it opened leaves the queues, and no one is notified.

    Args:
        block: ``address`` or ``domain``: whose mail is spam from now on.

    Raises:
        NotFound: no such message for ``actor``.
        Conflict: ``decided``: it is spam already.
        Invalid: there is no address to block.
    """
    row = _lock(actor, key, (*OPENS_FROM[:2], IncomingState.TICKET, IncomingState.FAILED))
    if block in ("address", "domain"):
        blocked = row.from_address if block == "address" else row.from_address.rpartition("@")[2]
        row.add_step("blocked", pattern=stops.block(actor, blocked))
    _close_note(row, "spam")
    ticket = _opened_ticket(actor, row)
    if ticket is not None and ticket.status is not TicketStatus.CLOSED:
        move_status(actor, ticket, TicketStatus.CLOSED)
        timeline.note_event(actor, ticket, "mail_spam", incoming=row.id)
        sla_targets.recalculate(ticket, clock.now())
    row.state, row.reason = IncomingState.SPAM, "agent"
    _decided(actor, row, "spam")
    record(actor, "mail.marked_spam", f"incoming:{row.id}")
    return row


def not_spam(actor: Actor, key: int) -> Ticket:
    """Take a message out of the spam: its ticket returns, it stays where it was entered, or it gets a ticket.

    Raises:
        NotFound: no such message for ``actor``.
        Conflict: ``decided``: it is no spam; ``gone``: the message was deleted.
    """
    row = _lock(actor, key, (IncomingState.SPAM,))
    ticket, entry = _opened_ticket(actor, row), _entry(row)
    if ticket is None and entry is not None and entry.data.get("decided") != "spam":
        ticket = root_of(entry.ticket)  # it is in there
    elif ticket is None:
        return open_new(actor, key)
    elif ticket.status is TicketStatus.CLOSED:
        move_status(actor, ticket, TicketStatus.OPEN)
        sla_targets.recalculate(ticket, clock.now())
    row.state, row.reason = IncomingState.TICKET, ""
    _decided(actor, row, "not_spam")
    record(actor, "mail.marked_no_spam", f"incoming:{row.id}")
    return ticket


def dismiss(actor: Actor, key: int) -> IncomingMail:
    """Close a waiting message: no action is needed. A note stays a note.

    Raises:
        NotFound: no such message for ``actor``.
        Conflict: ``decided``.
    """
    row = _lock(actor, key, (IncomingState.WAITING, IncomingState.FAILED))
    _close_note(row, "dismissed")
    row.state, row.reason = IncomingState.IGNORED, "dismissed"
    _decided(actor, row, "dismissed")
    record(actor, "mail.dismissed", f"incoming:{row.id}")
    return row


def add_participant(actor: Actor, key: int, address: str) -> TicketParticipant:
    """Let the sender of a message, or someone copied on it, take part in its ticket: see :mod:`.participants`.

    Raises:
        NotFound: no such message for ``actor``.
        Conflict: ``no_ticket``.
        Invalid: the address is not of this message, or is one of ours.
    """
    row = _find(actor, key)
    if row.ticket_id is None:
        raise Conflict(lazy_gettext("This e-mail belongs to no ticket yet. Open a new one."), code="no_ticket")
    if address not in (row.from_address, *row.copies):
        raise Invalid(fields={"address": [lazy_gettext("Choose an address of this e-mail.")]})
    name = mask_pins(row.from_name)[0] if address == row.from_address else ""
    return participants.add(actor, row.ticket_id, address, name)


def _find(actor: Actor, key: int) -> IncomingMail:
    actor.require(Permission.WORK_TICKETS)
    query = select(IncomingMail).where(IncomingMail.id == key, visible_mail(actor))
    row = db.session.scalar(query.with_for_update(of=IncomingMail).execution_options(populate_existing=True))
    if row is None:
        raise NotFound
    return row


def _lock(actor: Actor, key: int, states: tuple[IncomingState, ...]) -> IncomingMail:
    row = _find(actor, key)
    if row.state not in states or row.duplicate_of_id is not None:
        raise Conflict(lazy_gettext("This e-mail was already dealt with. Nothing was changed."), code="decided")
    return row


def _arrival(row: IncomingMail) -> Arrival:
    """Read the message again from its raw form."""
    try:
        mail = read_message(raw_store.load(row))
    except (raw_store.RawGone, Unreadable):
        words = lazy_gettext("The original e-mail is no longer stored. Copy what you need from the note.")
        raise Conflict(words, code="gone") from None
    return Arrival(row, mail, authenticate(mail))


def _entry(row: IncomingMail) -> TicketMessage | None:
    """Return the entry that a message became."""
    return None if row.ticket_message_id is None else db.session.get(TicketMessage, row.ticket_message_id)


def _close_note(row: IncomingMail, decision: str) -> None:
    """Write on the waiting note what was decided."""
    note = _entry(row)
    if note is not None and note.kind is MessageKind.NOTE and note.data.get("waits"):
        note.data = {**note.data, "waits": "", "decided": decision}


def _opened_ticket(actor: Actor, row: IncomingMail) -> Ticket | None:
    """Return the ticket that the message opened, locked."""
    entry = _entry(row)
    if entry is None or entry.seq != 1 or entry.kind is not MessageKind.QUESTION:
        return None
    ticket = lock_ticket(actor, root_of(entry.ticket).id)
    return ticket if ticket.source is TicketSource.MAIL and ticket.id == entry.ticket_id else None


def _decided(actor: Actor, row: IncomingMail, decision: str) -> None:
    row.decided_at, row.decided_by = clock.now(), actor.id
    row.add_step("decided", decision=decision, by=actor.name)
    db.session.flush()
    incoming.note_on_copies(row)
