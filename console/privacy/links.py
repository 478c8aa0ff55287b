"""What names a row of a lower domain that goes: it is cut off, or keeps the row."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, or_, select, update

from console.billing.migration.models import MigrationBatch
from console.billing.models import Migration
from console.chat.models import Chat
from console.core.db import db
from console.customers import retention as customers
from console.customers.account.models import Handover
from console.customers.models import Verification
from console.mail import retention as mails
from console.mail.receiving.models import IncomingMail
from console.tickets import retention as tickets
from console.tickets.mail_in.models import TicketForward, TicketParticipant
from console.tickets.models import TicketMessage
from console.tickets.reviews.models import Review
from console.tickets.service_requests.models import ServiceRequest


def _cut_chats(keys: Sequence[int]) -> None:
    db.session.execute(update(Chat).where(Chat.ticket_id.in_(keys)).values(ticket_id=None))


def _delete_requests(keys: Sequence[int]) -> None:
    """What was asked for on a ticket goes with it: it is a view of the ticket for customer and staff."""
    db.session.execute(delete(ServiceRequest).where(ServiceRequest.ticket_id.in_(keys)))


def _cut_messages(keys: Sequence[int]) -> None:
    db.session.execute(update(TicketMessage).where(TicketMessage.mail_id.in_(keys)).values(mail_id=None))


def _cut_received(keys: Sequence[int]) -> None:
    entries = select(TicketMessage.id).where(TicketMessage.ticket_id.in_(keys))
    session = db.session()
    session.execute(
        update(IncomingMail).where(IncomingMail.ticket_message_id.in_(entries)).values(ticket_message_id=None)
    )
    session.execute(update(IncomingMail).where(IncomingMail.ticket_id.in_(keys)).values(ticket_id=None))
    for model in (TicketParticipant, TicketForward):
        session.execute(delete(model).where(model.ticket_id.in_(keys)))


def _needed_verifications() -> ColumnElement[bool]:
    """A migration or a handover names the verification it was requested under, and is on record; a review is of one."""
    return or_(
        Verification.id.in_(select(Handover.verification_id).where(Handover.verification_id.is_not(None))),
        Verification.id.in_(select(Migration.verification_id).where(Migration.verification_id.is_not(None))),
        Verification.id.in_(select(MigrationBatch.verification_id).where(MigrationBatch.verification_id.is_not(None))),
        Verification.id.in_(select(Review.verification_id).where(Review.verification_id.is_not(None))),
    )


tickets.on_deletion(_cut_chats)
tickets.on_deletion(_delete_requests)
tickets.on_deletion(_cut_received)
mails.on_deletion(_cut_messages)
customers.keep_verifications(_needed_verifications)
