"""Who is behind a ticket. A sender's address proves nothing; a sealed card does."""

from __future__ import annotations

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import NotFound
from console.customers import cards
from console.customers.models import Customer, VerificationCard
from console.staff.roles import Permission
from console.tickets import letters, timeline
from console.tickets.models import Ticket
from console.tickets.queries import lock_ticket, ticket_key

CHANNEL = "ticket:"


def channel(ticket: Ticket) -> str:
    """Return the channel that verifications made for this ticket name."""
    return f"{CHANNEL}{ticket.number}"


def ask_requester(actor: Actor, ticket_id: int) -> VerificationCard:
    """Mail the requester a link that opens once, on which they enter e-mail and PIN.

    Raises:
        NotFound: no such ticket for this person, or the role does not verify.
    """
    actor.require(Permission.WORK_TICKETS)
    ticket = lock_ticket(actor, ticket_id)
    card, token = cards.ask(actor, channel(ticket))
    minutes = int(cards.LASTS.total_seconds() // 60)
    letters.verification_asked(ticket, f"{settings().base_url}/v/{token}", minutes)
    timeline.note_event(actor, ticket, "verification_asked", to=ticket.requester_email)
    return card


def answer(source: Actor, token: str, *, email: str, pin: str) -> tuple[VerificationCard, cards.Result]:
    """Try a card, and tell its ticket the result, nothing else.

    Raises:
        NotFound, Invalid, TooMany: see :func:`console.customers.cards.submit`.
    """
    card, result = cards.submit(source, token, email=email, pin=pin)
    ticket = _ticket(card)
    if ticket is None:
        return card, result
    if result.verification is not None:
        tell_verified(source, ticket, result.verification.customer)
    elif result.over:
        timeline.note_event(source, ticket, "verification_failed")
    return card, result


def tell_verified(actor: Actor, ticket: Ticket, customer: Customer) -> None:
    """Note a verification made for a locked ticket; without an account it gets the verified person's."""
    timeline.note_event(actor, ticket, "verified", number=customer.number)
    if ticket.customer_id is None:
        ticket.customer_id = customer.id
        timeline.note_event(actor, ticket, "customer", number=customer.number)
        timeline.index(ticket)
        record(actor, "ticket.account_set", ticket.number, customer_id=customer.id, account=customer.number)
    ticket.updated_at = clock.now()


def note_verification(actor: Actor, channel_name: str, customer: Customer | None) -> None:
    """Note on the ticket that a channel names how a check by staff went (``None``: it failed)."""
    key = ticket_key(channel_name.removeprefix(CHANNEL)) if channel_name.startswith(CHANNEL) else None
    if key is None:
        return
    try:
        ticket = lock_ticket(actor, key)
    except NotFound:
        return
    if customer is not None:
        tell_verified(actor, ticket, customer)
    else:
        timeline.note_event(actor, ticket, "verification_failed")


def _ticket(card: VerificationCard) -> Ticket | None:
    key = ticket_key(card.channel.removeprefix(CHANNEL)) if card.channel.startswith(CHANNEL) else None
    return db.session.get(Ticket, key, with_for_update=True) if key is not None else None
