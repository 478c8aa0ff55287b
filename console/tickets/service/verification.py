"""Who is behind a ticket. A sender's address proves nothing; a sealed card does."""

from __future__ import annotations

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.texts import lazy_gettext
from console.customers.models import Verification, VerificationCard
from console.customers.verification import cards
from console.customers.verification import service as verification
from console.mail.links import SecretLink
from console.staff.roles import Permission
from console.tickets import mails
from console.tickets.models import Ticket, TicketMessage, TicketStatus
from console.tickets.queries import lock_ticket, ticket_key
from console.tickets.service import timeline

CHANNEL = "ticket:"


def channel(ticket: Ticket) -> str:
    """Return the channel that verifications made for this ticket name."""
    return f"{CHANNEL}{ticket.number}"


def ask_requester(actor: Actor, ticket_id: int) -> VerificationCard:
    """Mail the requester a link that opens once, on which they enter e-mail and PIN.

    Raises:
        NotFound: no such ticket for this person, or the role does not verify.
        Conflict: it was merged or closed: its conversation is over.
    """
    actor.require(Permission.WORK_TICKETS)
    ticket = lock_ticket(actor, ticket_id)
    _check_speaks(ticket)
    card, token = cards.ask(actor, channel(ticket))
    minutes = int(cards.LASTS.total_seconds() // 60)
    mails.verification_asked(ticket, SecretLink(f"{settings().base_url}/v/", token), minutes)
    timeline.note_event(actor, ticket, "verification_asked", to=ticket.requester_email)
    return card


def withdraw(actor: Actor, ticket_id: int) -> bool:
    """Make the link void that waits for the requester; tell whether there was one.

    Raises:
        NotFound: no such ticket for this person, or the role does not verify.
    """
    actor.require(Permission.WORK_TICKETS)
    ticket = lock_ticket(actor, ticket_id)
    if not cards.withdraw(actor, channel(ticket)):
        return False
    timeline.note_event(actor, ticket, "verification_withdrawn")
    return True


def answer(source: Actor, token: str, *, email: str, pin: str) -> tuple[VerificationCard, cards.Result]:
    """Try a card, and tell its ticket the result, nothing else.

    Raises:
        NotFound, Invalid, TooMany: see :func:`console.customers.verification.cards.submit`.
    """
    # The ticket is locked before the card, as by who asks and who withdraws.
    ticket = _ticket(cards.find_card(token))
    card, result = cards.submit(source, token, email=email, pin=pin)
    if ticket is None:
        return card, result
    if result.verification is not None:
        tell_verified(source, ticket, result.verification)
    elif result.over:
        timeline.note_event(source, ticket, "verification_failed")
    return card, result


def verify_spoken(actor: Actor, *, email: str, pin: str, channel_name: str) -> Verification | None:
    """Check what a person says; where the channel names a ticket, its timeline tells how it went.

    Raises:
        NotFound, Invalid, TooMany: see :func:`console.customers.verification.service.verify`; nothing was tried.
        Conflict: the ticket was merged or closed.
    """
    ticket = _named(actor, channel_name)
    if ticket is None:
        return verification.verify(actor, email=email, pin=pin, channel=channel_name)
    _check_speaks(ticket)
    made = verification.verify(actor, email=email, pin=pin, channel=channel(ticket))
    if made is not None:
        tell_verified(actor, ticket, made)
    else:
        timeline.note_event(actor, ticket, "verification_failed")
    return made


def end(actor: Actor, verification_id: int) -> Verification:
    """End one's own verification; a ticket it was made for is told, so that open pages close what it had opened.

    Raises:
        NotFound: not there, or another staff member's.
    """
    named = db.session.scalar(
        select(Verification.channel).where(Verification.id == verification_id, Verification.staff_id == actor.id)
    )
    ticket = _named(actor, named or "")
    was_live = db.session.get_one(Verification, verification_id).is_live(clock.now()) if ticket is not None else False
    ended = verification.end(actor, verification_id)
    if ticket is not None and was_live:
        timeline.note_event(actor, ticket, "verification_ended")
    return ended


def tell_verified(actor: Actor, ticket: Ticket, made: Verification) -> None:
    """Note a verification made for a locked ticket, once; without an account it gets the verified person's."""
    customer = made.customer
    noted = select(TicketMessage.id).where(
        TicketMessage.ticket_id == ticket.id,
        TicketMessage.event == "verified",
        TicketMessage.created_at >= made.started_at,
    )
    if db.session.scalar(noted.limit(1)) is not None:
        return
    timeline.note_event(actor, ticket, "verified", number=customer.number)
    if ticket.customer_id is None:
        ticket.customer_id = customer.id
        timeline.note_event(actor, ticket, "customer", number=customer.number)
        timeline.index(ticket)
        record(actor, "ticket.account_set", ticket.number, customer_id=customer.id, account=customer.number)
    ticket.updated_at = clock.now()


def end_channel(actor: Actor, ticket: Ticket) -> None:
    """End what was verified for a locked ticket, and the link that may still wait: its conversation is over."""
    verification.end_by_channel(actor, channel(ticket))
    end_open_card(ticket)


def has_open_card(ticket: Ticket) -> bool:
    """Tell whether a link waits for the requester on which they are to enter their PIN."""
    card = cards.latest_card(channel(ticket))
    return card is not None and cards.is_open(card)


def end_open_card(ticket: Ticket) -> None:
    """Make the link void that may wait for the requester of a locked ticket."""
    cards.end_open(channel(ticket))


def _check_speaks(ticket: Ticket) -> None:
    if ticket.merged_into_id is not None:
        raise Conflict(lazy_gettext("%(number)s was merged into another ticket.", number=ticket.number), code="merged")
    if ticket.status is TicketStatus.CLOSED:
        raise Conflict(
            lazy_gettext("%(number)s is closed. Reopen it before verifying the requester.", number=ticket.number),
            code="closed",
        )


def _named(actor: Actor, channel_name: str) -> Ticket | None:
    """Return the ticket that a channel names, locked; ``None`` where it names none that this person sees."""
    key = ticket_key(channel_name.removeprefix(CHANNEL)) if channel_name.startswith(CHANNEL) else None
    if key is None:
        return None
    try:
        return lock_ticket(actor, key)
    except NotFound:
        return None


def _ticket(card: VerificationCard) -> Ticket | None:
    key = ticket_key(card.channel.removeprefix(CHANNEL)) if card.channel.startswith(CHANNEL) else None
    return db.session.get(Ticket, key, with_for_update=True) if key is not None else None
