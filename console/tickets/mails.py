"""The mails a requester gets about a ticket. Threaded by Message-ID; the link in them opens the ticket."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.customers.mail_categories import addressee, receivers
from console.customers.models import Membership, Person
from console.customers.rights import MailCategory, Right
from console.mail.links import SecretLink, made_again_by
from console.mail.mailboxes.models import Mailbox
from console.mail.models import Mail, MailState
from console.mail.receiving.models import IncomingMail
from console.mail.service import cancel, queue, write_to
from console.staff.models import Staff
from console.tickets.links import requester_token, requester_url
from console.tickets.mail_in.addresses import copy_address, forward_address, reply_address
from console.tickets.mail_in.models import TicketForward
from console.tickets.mail_threads import MailThread, thread_from, thread_of, without_prefix
from console.tickets.models import MessageKind, Ticket, TicketMessage, TicketSource
from console.tickets.service.threads import other_requesters
from console.tickets.signatures import sign_off

FORWARD_PREFIX = "Fwd: "


def opened(
    actor: Actor,
    ticket: Ticket,
    *,
    answers: str | None = None,
    answered_subject: str = "",
    from_address: str | None = None,
) -> Mail:
    """Confirm that a question was received. Never repeats its text.

    Args:
        actor: the requester, or the agent who opened it for them.
        answers: the Message-ID of their mail.
        answered_subject: its subject, where it is proven that they wrote it: a forged one would be passed on.
        from_address: of the mailbox by which it came.

    Raises:
        TooMany: the address got enough confirmations for now.
    """
    thread = thread_from(answers, answered_subject)
    return _queue("ticket_opened", ticket, thread, heading=thread.subject, from_address=from_address, caused_by=actor)


def reply(
    ticket: Ticket,
    message: TicketMessage,
    *,
    to: Ticket | None = None,
    cc: Sequence[str] = (),
    send_after: datetime | None = None,
) -> Mail:
    """Send an answer, with its files.

    Args:
        to: whose requester is written to, under their own number and with their own link; another than the
            answered ticket where that person's was merged into it.
        cc: the addresses that its header names; each gets a :func:`copy` of its own.
    """
    to = to or ticket
    return _queue(
        "ticket_reply",
        to,
        send_after=send_after,
        cc=cc,
        attachments=files_of([message]),
        body=message.body,
        **_sign_off(ticket, message, to.language),
    )


def copy(
    ticket: Ticket, message: TicketMessage, address: str, *, cc: Sequence[str], send_after: datetime | None = None
) -> Mail:
    """Send a copy of an answer: what was written, without the link that opens the ticket.

    Args:
        address: whose copy it is; who is not in ``cc`` gets it blind.
        cc: as the header of the answer has it.
    """
    mailbox = mailbox_of(ticket)
    return queue(
        "ticket_copy",
        to_address=address,
        shown_to=ticket.requester_email,
        cc=cc,
        from_address=_from(mailbox),
        language=ticket.language,
        about=f"ticket:{ticket.id}",
        reply_to=copy_address(ticket),
        send_after=send_after,
        attachments=files_of([message]),
        body=message.body,
        number=ticket.number,
        subject=ticket.subject,
        **_headers(ticket, thread_of(ticket, address)),
        **_sign_off(ticket, message, ticket.language),
    )


def forward(
    ticket: Ticket, sent: TicketForward, text: str, messages: Sequence[TicketMessage], *, sender: str, left_out: bool
) -> Mail:
    """Forward messages of a ticket to an outside address, with their files.

    Args:
        text: what the agent writes above them.
        sender: the agent's name.
        left_out: there are older messages that are not in it.
    """
    return queue(
        "ticket_forward",
        to_address=sent.address,
        from_address=_from(mailbox_of(ticket)),
        language=ticket.language,
        about=f"ticket:{ticket.id}",
        reply_to=forward_address(sent),
        attachments=files_of(messages),
        heading=f"{FORWARD_PREFIX}{without_prefix(ticket.subject) or ticket.number}",
        body=text,
        number=ticket.number,
        subject=ticket.subject,
        sender=sender,
        left_out=left_out,
        messages=[{"name": one.name, "at": one.created_at, "body": one.body} for one in messages],
    )


def files_of(messages: Sequence[TicketMessage]) -> list[dict[str, Any]]:
    """Return the files of messages as a mail has them, each once."""
    files = {
        file.digest: {"name": file.name, "type": file.content_type, "size": file.size, "digest": file.digest}
        for message in messages
        for file in message.attachments
    }
    return list(files.values())


# Made once: it is read for each mail of a ticket that came by mail. Its first message may have been split off.
_MAILBOX = (
    select(Mailbox)
    .join(IncomingMail, IncomingMail.mailbox_id == Mailbox.id)
    .join(TicketMessage, TicketMessage.data["incoming"].as_integer() == IncomingMail.id)
    .where(
        TicketMessage.ticket_id == bindparam("ticket"),
        TicketMessage.kind == MessageKind.QUESTION,
        Mailbox.deleted_at.is_(None),
    )
    .order_by(TicketMessage.id)
    .limit(1)
)


def mailbox_of(ticket: Ticket) -> Mailbox | None:
    """Return the mailbox by which the ticket came, which its mails go out by; ``None`` where it is none of its own."""
    if ticket.source is not TicketSource.MAIL:
        return None
    return db.session.scalar(_MAILBOX, {"ticket": ticket.id})


def _from(mailbox: Mailbox | None) -> str | None:
    return mailbox.from_address if mailbox is not None and mailbox.address else None


def _sign_off(ticket: Ticket, message: TicketMessage, language: str) -> dict[str, Any]:
    staff = db.session.get(Staff, message.staff_id) if message.staff_id is not None else None
    mailbox = mailbox_of(ticket)
    under = sign_off(staff, message.name, ticket.department, language, mailbox.signature if mailbox else "")
    return {"agent": under.agent, "desk": under.desk}


def _headers(ticket: Ticket, thread: MailThread) -> dict[str, Any]:
    return {
        "in_reply_to": thread.in_reply_to,
        "references": thread.references,
        "heading": thread.subject or f"[{ticket.number}] {ticket.subject}",
    }


def notices(ticket: Ticket, *, but: Collection[str] = (), send_after: datetime | None = None) -> list[Mail]:
    """Tell the account's people who get mail from support that a ticket of theirs was answered.

    The reply itself goes to who asked; here it is only named, with the way to it for those who may read it there.

    Args:
        but: who have a copy of it.
    """
    if _account(ticket) is None or ticket.customer is None:
        return []
    requesters = {ticket.requester_email, *but, *(other.requester_email for other in other_requesters(ticket))}
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
    """Cancel the mail that says solved if it has not been sent: the ticket is no longer solved."""
    about = [f"ticket:{one.id}" for one in (ticket, *other_requesters(ticket))]
    waiting = select(Mail.id).where(
        Mail.subject_ref.in_(about), Mail.template == "ticket_solved", Mail.state == MailState.QUEUED
    )
    for key in db.session.scalars(waiting).all():
        cancel(key)


def verification_asked(ticket: Ticket, url: SecretLink, minutes: int) -> Mail:
    """Ask the requester to prove who they are, on a page that is open once."""
    return _queue("verification_asked", ticket, url=url, minutes=minutes)


def _queue(template: str, ticket: Ticket, thread: MailThread | None = None, /, **values: Any) -> Mail:
    """Queue a mail to a ticket's requester.

    Args:
        thread: what it goes on; found where it is not given.
    """
    return queue(
        template,
        to_address=ticket.requester_email,
        to_name=ticket.requester_name,
        from_address=values.pop("from_address", None) or _from(mailbox_of(ticket)),
        language=ticket.language,
        customer_id=_account(ticket),
        about=f"ticket:{ticket.id}",
        reply_to=reply_address(ticket),
        number=ticket.number,
        subject=ticket.subject,
        name=ticket.requester_name,
        link=requester_url(ticket),
        **{**_headers(ticket, thread or thread_of(ticket, ticket.requester_email)), **values},
    )


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
