"""What a verification on a ticket checks and notes: the ticket as a channel of ``console.customers.verification``.

A sender's address proves nothing; the sealed card that is mailed to it does.
"""

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
from console.customers.verification import cards, channels
from console.customers.verification.service import end_by_channel
from console.mail.links import SecretLink
from console.staff.roles import Permission
from console.tickets import mails
from console.tickets.models import Ticket, TicketMessage, TicketStatus
from console.tickets.queries import lock_ticket, ticket_key
from console.tickets.service import timeline
from console.tickets.service.threads import require_unmerged

KIND = "ticket"


def channel(ticket: Ticket) -> str:
    """Return the channel of a ticket, as verifications and cards name it."""
    return f"{KIND}:{ticket.number}"


def ticket_in(channel_name: str) -> int | None:
    """Return the key of the ticket that a channel names; ``None`` where it names none."""
    kind, _, number = channel_name.partition(":")
    return ticket_key(number) if kind == KIND else None


class TicketChannel:
    """A locked ticket on which its requester, or a caller about it, is verified."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket

    @property
    def name(self) -> str:
        return channel(self.ticket)

    def require_agent(self, actor: Actor) -> None:
        """Raise :class:`NotFound` unless ``actor`` works on tickets."""
        actor.require(Permission.WORK_TICKETS)

    def require_open(self) -> None:
        """Raise :class:`Conflict` where the ticket was merged or closed, or has no one to write to."""
        ticket = self.ticket
        require_unmerged(ticket)
        if ticket.status is TicketStatus.CLOSED:
            raise Conflict(
                lazy_gettext("%(number)s is closed. Reopen it before verifying the requester.", number=ticket.number),
                code="closed",
            )
        if not ticket.can_be_mailed:
            raise Conflict(lazy_gettext("The requester has no e-mail address. Notes can be added."), code="no_address")

    def signed_in_email(self) -> None:
        """Return ``None``: the link in a mail is opened by an unknown browser."""

    def note_asked(self, actor: Actor, card: VerificationCard, token: str) -> None:
        """Mail the requester the link to the card."""
        minutes = int((card.expires_at - card.created_at).total_seconds() // 60)
        mails.verification_asked(self.ticket, SecretLink(f"{settings().base_url}/v/", token), minutes)
        timeline.note_event(actor, self.ticket, "verification_asked", to=self.ticket.requester_email)

    def note_withdrawn(self, actor: Actor) -> None:
        timeline.note_event(actor, self.ticket, "verification_withdrawn")

    def note_verified(self, actor: Actor, verification: Verification) -> None:
        """Note a verification once; a ticket without an account gets the verified person's."""
        ticket, customer = self.ticket, verification.customer
        if self._is_noted(verification):
            return
        timeline.note_event(actor, ticket, "verified", number=customer.number)
        if ticket.customer_id is None:
            ticket.customer_id = customer.id
            timeline.note_event(actor, ticket, "customer", number=customer.number)
            timeline.index(ticket)
            record(actor, "ticket.account_set", ticket.number, customer_id=customer.id, account=customer.number)
        ticket.updated_at = clock.now()

    def note_failed(self, actor: Actor, card: VerificationCard | None) -> None:
        """Note a failure that a caller made, and the one that ended a card; the attempts before it stay on the card."""
        if card is None or card.ended_at is not None:
            timeline.note_event(actor, self.ticket, "verification_failed")

    def note_ended(self, actor: Actor) -> None:
        timeline.note_event(actor, self.ticket, "verification_ended")

    def _is_noted(self, verification: Verification) -> bool:
        noted = select(TicketMessage.id).where(
            TicketMessage.ticket_id == self.ticket.id,
            TicketMessage.event == "verified",
            TicketMessage.created_at >= verification.started_at,
        )
        return db.session.scalar(noted.limit(1)) is not None


def end_channel(actor: Actor, ticket: Ticket) -> None:
    """End what was verified for a locked ticket, and the open link: its conversation is over."""
    end_by_channel(actor, channel(ticket))
    end_open_card(ticket)


def has_open_card(ticket: Ticket) -> bool:
    """Return whether a link was mailed on which the requester is to enter their PIN."""
    return cards.open_card(channel(ticket)) is not None


def end_open_card(ticket: Ticket) -> None:
    """Revoke the link that may have been mailed to the requester of a locked ticket."""
    cards.end_open(channel(ticket))


def _lock(name: str, actor: Actor | None) -> TicketChannel | None:
    key = ticket_in(name)
    if key is None:
        return None
    if actor is None:
        ticket = db.session.get(Ticket, key, with_for_update=True, populate_existing=True)
        return TicketChannel(ticket) if ticket is not None else None
    try:
        return TicketChannel(lock_ticket(actor, key))
    except NotFound:
        return None


channels.register(KIND, _lock)
