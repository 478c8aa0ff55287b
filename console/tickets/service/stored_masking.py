"""Masking a number in an entry of a ticket that is stored: it was said to be no PIN, and was one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import select

from console.audit.service import record
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.core.text import preview
from console.customers import stored_masking
from console.customers.masking import mask_token
from console.mail import service as mail
from console.staff.roles import Permission
from console.tickets import notifications
from console.tickets.models import MessageKind, Ticket, TicketMessage
from console.tickets.queries import find_message, lock_ticket
from console.tickets.service import timeline

Follower = Callable[[Actor, str, Sequence[str]], None]
_followers: list[Follower] = []


def on_masked(follower: Follower) -> Follower:
    """Register what masks the same numbers in the chat that a message came from."""
    _followers.append(follower)
    return follower


def mask_message(actor: Actor, ticket_id: int, message_id: int, token: str | None = None) -> TicketMessage:
    """Mask a number in an entry that is stored already, and wherever the ticket repeats it.

    Args:
        token: which, by its digits; ``None``: all that looks like a PIN.

    Raises:
        NotFound: no such entry for this person.
        Invalid: there is no such number in it.
    """
    actor.require(Permission.WORK_TICKETS)
    ticket = lock_ticket(actor, ticket_id)
    return _mask(actor, ticket, find_message(ticket.id, message_id), token)


def mask_own(actor: Actor, ticket: Ticket, message: TicketMessage, token: str | None = None) -> TicketMessage:
    """Mask a number in what the requester themselves wrote.

    Args:
        ticket: locked; the one that shows the entry.

    Raises:
        NotFound: they did not write it.
        Invalid: there is no such number in it.
    """
    if message.kind is not MessageKind.QUESTION:
        raise NotFound
    return _mask(actor, ticket, message, token)


def mask_copies(actor: Actor, ticket_id: int, chat: str, numbers: Sequence[str]) -> None:
    """Mask numbers in what a ticket has of the chat it came from."""
    ticket = db.session.get_one(Ticket, ticket_id, with_for_update=True)
    for message in db.session.scalars(select(TicketMessage).where(TicketMessage.ticket_id == ticket.id)):
        if message.data.get("chat") == chat:
            for number in numbers:
                if mask_token(message.body, number)[1]:
                    _write(ticket, message, number)
    _retell(actor, ticket, numbers)


def _mask(actor: Actor, ticket: Ticket, message: TicketMessage, token: str | None) -> TicketMessage:
    if message.kind is MessageKind.EVENT:
        raise NotFound
    numbers = stored_masking.numbers_of(message.body, token)
    _write(ticket, message, token)
    _retell(actor, ticket, numbers)
    if message.ticket_id != ticket.id:
        _retell(actor, db.session.get_one(Ticket, message.ticket_id), numbers)
    record(actor, "ticket.masked", ticket.number, customer_id=ticket.customer_id, message=message.id)
    chat = message.data.get("chat")
    if isinstance(chat, str):
        for follower in _followers:
            follower(actor, chat, numbers)
    return message


def _write(ticket: Ticket, message: TicketMessage, token: str | None) -> None:
    before = preview(message.body)
    message.body, message.data = stored_masking.mask_stored(message.body, message.data, token)
    for one in {ticket, message.ticket}:
        if one.preview == before:
            one.preview = preview(message.body)


def _retell(actor: Actor, ticket: Ticket, numbers: Sequence[str]) -> None:
    """Bring what repeats an entry up to date: subject, index, mails, the pages that are open."""

    def change(text: str) -> str:
        for number in numbers:
            text = mask_token(text, number)[0]
        return text

    ticket.subject = change(ticket.subject)
    db.session.flush()
    timeline.index(ticket)
    mail.rewrite(f"ticket:{ticket.id}", change)
    notifications.push_change(actor, ticket)
