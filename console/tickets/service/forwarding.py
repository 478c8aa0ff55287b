"""Forwarding a ticket, or one message of it, to an outside address. What comes back is a note for colleagues.

Only what the requester may see is forwarded, and the files of it; notes stay in the house.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.emails import NoAddress, email_problem, read_email
from console.core.errors import Conflict, Invalid, NotFound, Reused
from console.core.text import paragraphs
from console.core.texts import lazy_gettext
from console.customers import stored_masking
from console.customers.masking import ASK, PinChoice
from console.staff.roles import Permission
from console.tickets import mails
from console.tickets.mail_in.models import TicketForward
from console.tickets.models import MessageKind, Ticket, TicketMessage
from console.tickets.queries import find_message, lock_ticket
from console.tickets.queries import timeline as entries_of
from console.tickets.service import timeline
from console.tickets.service.drafts import read_up_to
from console.tickets.service.messages import MAX_CLIENT_ID, check_body, mask_in
from console.tickets.service.threads import other_requesters

MOST_MESSAGES = 100
MOST_TEXT = 200_000  # characters of one mail
MOST_BYTES = 20 * 1024 * 1024  # of its files; most mail servers refuse more than 25 MB


@dataclass(frozen=True)
class Forwarding:
    """What an agent forwards.

    Args:
        address: as typed.
        text: what they write above it.
        client_id: one for each form; sent again, it is the same mail.
        message_id: one message; the whole conversation when not given.
        pins: their answer about numbers that look like a PIN.
    """

    address: str
    text: str
    client_id: str
    message_id: int | None = None
    pins: PinChoice = ASK


def forward(actor: Actor, ticket_id: int, what: Forwarding) -> TicketMessage:
    """Forward a ticket by mail, and return the note that says so.

    Raises:
        NotFound: no such ticket or message for this person.
        Invalid: no address, the requester's own, no text, no client id.
        PinLike: the author has to confirm whether a number is a PIN.
        Reused: something else was forwarded under this id.
        Conflict: ``empty`` (nothing that may be forwarded), ``large`` (its files are too large for a mail).
    """
    actor.require(Permission.WORK_TICKETS)
    ticket = lock_ticket(actor, ticket_id)
    if not 0 < len(what.client_id) <= MAX_CLIENT_ID:
        raise Invalid(fields={"client_id": [lazy_gettext("Invalid input.")]})
    address = _address(ticket, what.address)
    masked = mask_in(ticket, check_body(paragraphs(what.text)), what.pins)
    earlier = _again(actor, ticket, what.client_id)
    if earlier is not None:
        same = earlier.data.get("forwarded") == address and earlier.data.get("message") == what.message_id
        if same and stored_masking.had_text(earlier.body, earlier.data, masked.text):
            return earlier
        raise Reused
    messages, left_out = _choose(ticket, what.message_id)
    note = timeline.append(
        actor, ticket, MessageKind.NOTE, masked.text, client_id=what.client_id, via="desk",
        data={**masked.data, "forwarded": address, "message": what.message_id, "count": len(messages)},
    )  # fmt: skip
    row = TicketForward(
        ticket_id=ticket.id, message_id=note.id, staff_id=actor.id, address=address, created_at=clock.now()
    )
    db.session.add(row)
    db.session.flush()
    note.mail_id = mails.forward(ticket, row, masked.text, messages, sender=actor.name, left_out=left_out).id
    timeline.index(ticket)
    read_up_to(actor, ticket)
    record(actor, "ticket.forwarded", ticket.number, customer_id=ticket.customer_id, message=note.id)
    return note


def _address(ticket: Ticket, typed: str) -> str:
    try:
        address = read_email(typed.strip())
    except NoAddress as error:
        raise Invalid(fields={"address": [email_problem(error)]}) from None
    if address in (ticket.requester_email, *(one.requester_email for one in other_requesters(ticket))):
        raise Invalid(fields={"address": [lazy_gettext("This is the requester. Write a reply instead.")]})
    return address


def _again(actor: Actor, ticket: Ticket, client_id: str) -> TicketMessage | None:
    earlier = db.session.scalar(
        select(TicketMessage).where(TicketMessage.ticket_id == ticket.id, TicketMessage.client_id == client_id)
    )
    if earlier is not None and earlier.staff_id != actor.id:
        raise Invalid(fields={"client_id": [lazy_gettext("Invalid input.")]})
    return earlier


def _choose(ticket: Ticket, message_id: int | None) -> tuple[Sequence[TicketMessage], bool]:
    """Return what is forwarded, oldest first, and whether older messages are left out."""
    now = clock.now()
    if message_id is not None:
        one = find_message(ticket.id, message_id)
        if not one.is_public(now):
            raise NotFound
        chosen, left_out = [one], False
    else:
        public = [one for one in entries_of(ticket.id) if one.is_public(now)]
        chosen = _newest(public)
        left_out = len(chosen) < len(public)
    if not chosen:
        raise Conflict(lazy_gettext("There is nothing to forward yet."), code="empty")
    if sum(file["size"] for file in mails.files_of(chosen)) > MOST_BYTES:
        words = lazy_gettext("The files are too large for one e-mail. Forward messages one by one.")
        raise Conflict(words, code="large")
    return chosen, left_out


def _newest(messages: Sequence[TicketMessage]) -> list[TicketMessage]:
    """Return the newest messages that fit into a mail, at least one."""
    found: list[TicketMessage] = []
    length = 0
    for one in reversed(messages[-MOST_MESSAGES:]):
        length += len(one.body)
        if found and length > MOST_TEXT:
            break
        found.append(one)
    return found[::-1]
