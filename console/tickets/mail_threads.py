"""What keeps the mails of a ticket one conversation in its receiver's mail program.

In-Reply-To names the last message that the receiver wrote, References the messages before it (RFC 5322, 3.6.4), and
the subject stays the one that the conversation began with: Gmail parts what it does not find there. Outlook's
Thread-Index is not written: where it is absent the subject without its prefix makes the conversation (MS-OXOMSG,
2.2.1.2), and one of our own would begin another (decision 32).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import case, literal, or_, select, union_all

from console.core.db import db
from console.mail.models import Mail, MailState
from console.mail.receiving.models import IncomingMail
from console.tickets.models import MessageKind, Ticket, TicketMessage, TicketSource

LONGEST_ID = 200  # of a thread's Message-IDs: no mail program writes a longer one
KEPT_REFERENCES = 10  # the first and the newest; RFC 5322, 3.6.4 lets a long list be cut in its middle
# Their subject is their own, or they are no part of the conversation.
_APART = ("ticket_opened", "ticket_answered", "ticket_forward", "verification_asked")
# What mail programs put in front: English, Serbian, German, Scandinavian, and Outlook's numbered ones.
_PREFIX = re.compile(r"^\s*((re|fwd?|odg|odgovor|pros|prosl|aw|wg|sv|vs|antw)(\[\d+\])?\s*:\s*)+", re.IGNORECASE)


@dataclass(frozen=True)
class MailThread:
    """The headers of the next mail to an address. ``subject``: what it goes on under; empty where it begins."""

    in_reply_to: str | None = None
    references: str | None = None
    subject: str = ""


@dataclass(frozen=True)
class _Known:
    """A mail that the receiver has. ``theirs``: written by them."""

    message_id: str
    subject: str
    theirs: bool
    names: bool  # its subject is the conversation's


def thread_of(ticket: Ticket, address: str) -> MailThread:
    """Return how the next mail about a ticket to an address goes on."""
    if ticket.last_seq <= 1 and ticket.source is not TicketSource.MAIL:
        return MailThread()
    return _thread(_known_to(ticket, address))


def thread_from(message_id: str | None, subject: str = "") -> MailThread:
    """Return how an answer to one message goes on.

    Args:
        subject: its subject, where it may be repeated.
    """
    if not message_id or len(message_id) > LONGEST_ID:
        return MailThread()
    return _thread([_Known(message_id, subject, theirs=True, names=bool(subject))])


def without_prefix(subject: str) -> str:
    """Return a subject without what mail programs put in front of answers."""
    return _PREFIX.sub("", subject).strip()


def _thread(known: list[_Known]) -> MailThread:
    if not known:
        return MailThread()
    theirs = [index for index, one in enumerate(known) if one.theirs]
    chain = [one.message_id for one in known[: (theirs[-1] if theirs else len(known) - 1) + 1]]
    if len(chain) > KEPT_REFERENCES:
        chain = [chain[0], *chain[1 - KEPT_REFERENCES :]]
    begun = without_prefix(next((one.subject for one in known if one.names), ""))
    return MailThread(chain[-1], " ".join(chain), f"Re: {begun}" if begun else "")


def _known_to(ticket: Ticket, address: str) -> list[_Known]:
    """Return what this address was sent about the ticket and wrote to it, and what others wrote there; oldest first."""
    sent = select(
        Mail.message_id, Mail.subject, literal(0).label("theirs"), Mail.created_at.label("at"), Mail.template
    ).where(
        Mail.subject_ref == f"ticket:{ticket.id}",
        Mail.to_address == address,
        Mail.template != "ticket_forward",
        Mail.state != MailState.CANCELLED,
    )
    own = IncomingMail.from_address == address
    written = (
        select(
            IncomingMail.message_id,
            IncomingMail.subject,
            case((own, 1), else_=0),
            IncomingMail.received_at,
            literal("written"),
        )
        .outerjoin(TicketMessage, TicketMessage.id == IncomingMail.ticket_message_id)
        .where(
            IncomingMail.ticket_id == ticket.id,
            IncomingMail.message_id != "",
            or_(own, TicketMessage.kind == MessageKind.QUESTION),
        )
    )
    rows = db.session.execute(union_all(sent, written).order_by("at"))
    return [
        _Known(row.message_id, row.subject, bool(row.theirs), names=row.template not in _APART)
        for row in rows
        if len(row.message_id) <= LONGEST_ID
    ]
