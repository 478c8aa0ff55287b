"""The mails a requester gets about a ticket. Threaded by Message-ID; the link in them opens the ticket."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, union_all

from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.customers.mail_categories import addressee, receivers
from console.customers.models import Membership, Person
from console.customers.rights import MailCategory, Right
from console.mail.links import SecretLink, made_again_by
from console.mail.models import Mail, MailState
from console.mail.receiving.models import IncomingMail
from console.mail.service import cancel, queue, write_to
from console.tickets.links import requester_token, requester_url
from console.tickets.mail_in.addresses import reply_address
from console.tickets.models import Ticket, TicketMessage, TicketSource
from console.tickets.service.threads import other_requesters

LONGEST_ID = 200  # of a thread's Message-IDs: no mail program writes a longer one
KEPT_REFERENCES = 10  # the first and the newest; RFC 5322, 3.6.4 lets a long list be cut in its middle


def opened(actor: Actor, ticket: Ticket, *, answers: str | None = None) -> Mail:
    """Confirm that a question was received. Never repeats its text.

    Args:
        actor: the requester, or the agent who opened it for them.
        answers: the Message-ID of their mail.

    Raises:
        TooMany: the address got enough confirmations for now.
    """
    return _queue("ticket_opened", ticket, [answers] if answers else [], caused_by=actor)


def reply(
    ticket: Ticket, message: TicketMessage, *, to: Ticket | None = None, send_after: datetime | None = None
) -> Mail:
    """Send an answer, with its files.

    Args:
        to: whose requester is written to, under their own number and with their own link; another than the
            answered ticket where that person's was merged into it.
    """
    files = [
        {"name": file.name, "type": file.content_type, "size": file.size, "digest": file.digest}
        for file in message.attachments
    ]
    to = to or ticket
    return _queue(
        "ticket_reply",
        to,
        send_after=send_after,
        attachments=files,
        body=message.body,
        agent=message.name.split()[0] if message.name.split() else message.name,
        department=ticket.department.name(to.language),
    )


def notices(ticket: Ticket, *, send_after: datetime | None = None) -> list[Mail]:
    """Tell the account's people who get mail from support that a ticket of theirs was answered.

    The reply itself goes to who asked; here it is only named, with the way to it for those who may read it there.
    """
    if _account(ticket) is None or ticket.customer is None:
        return []
    requesters = {ticket.requester_email, *(other.requester_email for other in other_requesters(ticket))}
    return [
        write_to(
            addressee(member),
            ticket.customer,
            "ticket_answered",
            about=f"ticket:{ticket.id}",
            send_after=send_after,
            number=ticket.number,
            subject=ticket.subject,
            requester=ticket.requester_name,
            customer=ticket.customer.name,
            portal=settings().portal_brand,
            link=f"{settings().base_url}/moj/tickets/{ticket.number}" if _may_open(member) else "",
        )
        for member in receivers(ticket.customer, MailCategory.SUPPORT)
        if member.person.email not in requesters
    ]


def _may_open(member: Membership) -> bool:
    """Return whether a person can read the account's tickets in the portal."""
    return member.person.password_hash is not None and Right.TICKETS in member.held_rights()


def solved(ticket: Ticket, *, send_after: datetime | None = None) -> Mail:
    """Say that the ticket is solved and how to reopen it, and ask for a rating.

    Requesters of merged tickets get it too, without the rating: they see only their part.
    """
    for other in other_requesters(ticket):
        _queue("ticket_solved", other, send_after=send_after, rates=False)
    return _queue("ticket_solved", ticket, send_after=send_after, rates=True)


def withdraw_solved(ticket: Ticket) -> None:
    """Keep back the word that it is solved, where it has not left yet: it is not."""
    about = [f"ticket:{one.id}" for one in (ticket, *other_requesters(ticket))]
    waiting = select(Mail.id).where(
        Mail.subject_ref.in_(about), Mail.template == "ticket_solved", Mail.state == MailState.QUEUED
    )
    for key in db.session.scalars(waiting).all():
        cancel(key)


def verification_asked(ticket: Ticket, url: SecretLink, minutes: int) -> Mail:
    """Ask the requester to prove who they are, on a page that is open once."""
    return _queue("verification_asked", ticket, url=url, minutes=minutes)


def _queue(template: str, ticket: Ticket, thread: Sequence[str] | None = None, /, **values: Any) -> Mail:
    """Queue a mail to a ticket's requester.

    Args:
        thread: the Message-IDs it continues; found where they are not known.
    """
    earlier = _earlier(ticket) if thread is None else [one for one in thread if len(one) <= LONGEST_ID]
    return queue(
        template,
        to_address=ticket.requester_email,
        to_name=ticket.requester_name,
        language=ticket.language,
        customer_id=_account(ticket),
        about=f"ticket:{ticket.id}",
        in_reply_to=earlier[-1] if earlier else None,
        references=" ".join(earlier) or None,
        reply_to=reply_address(ticket),
        number=ticket.number,
        subject=ticket.subject,
        name=ticket.requester_name,
        link=requester_url(ticket),
        **values,
    )


def _earlier(ticket: Ticket) -> list[str]:
    """Return the Message-IDs of what this requester was sent about the ticket and wrote to it, oldest first."""
    if ticket.last_seq <= 1 and ticket.source is not TicketSource.MAIL:
        return []
    sent = select(Mail.message_id, Mail.created_at).where(
        Mail.subject_ref == f"ticket:{ticket.id}", Mail.to_address == ticket.requester_email
    )
    written = select(IncomingMail.message_id, IncomingMail.received_at).where(
        IncomingMail.ticket_id == ticket.id,
        IncomingMail.from_address == ticket.requester_email,
        IncomingMail.message_id != "",
    )
    rows = db.session.execute(union_all(sent, written).order_by("created_at"))
    found = [row.message_id for row in rows if len(row.message_id) <= LONGEST_ID]
    return found if len(found) <= KEPT_REFERENCES else [found[0], *found[1 - KEPT_REFERENCES :]]


def _account(ticket: Ticket) -> int | None:
    """Return the account whose people may read the mail: only where the address is one of theirs."""
    if ticket.customer_id is None:
        return None
    return db.session.scalar(
        select(Membership.customer_id)
        .join(Person)
        .where(
            Membership.customer_id == ticket.customer_id,
            Membership.removed_at.is_(None),
            Person.email == ticket.requester_email,
        )
    )


def _token_again(mail: Mail) -> str | None:
    """Return what opens the ticket of a mail that was sent: it is signed and always the same until it is voided."""
    kind, _, key = (mail.subject_ref or "").partition(":")
    ticket = db.session.get(Ticket, int(key)) if kind == "ticket" and key.isdigit() else None
    return None if ticket is None else requester_token(ticket)


for _template in ("ticket_opened", "ticket_reply", "ticket_solved"):
    made_again_by(_template, _token_again)
