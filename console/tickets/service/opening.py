"""Opening a ticket: by an agent, by the form of the public site, from a chat, by mail."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.emails import NoAddress, email_problem, read_email
from console.core.errors import Invalid, Text, TooMany
from console.core.text import one_line, paragraphs
from console.core.texts import lazy_gettext
from console.customers.masking import ASK, MaskedText, PinChoice, mask_for_storage, mask_pins
from console.customers.models import Customer
from console.hosting.access import may_know
from console.hosting.models import Service
from console.mail.models import Mail
from console.staff.models import Department, Staff
from console.staff.roles import Permission
from console.tickets import mails, notifications
from console.tickets.models import (
    MAX_BODY,
    MAX_SUBJECT,
    MessageKind,
    Priority,
    Ticket,
    TicketMessage,
    TicketRead,
    TicketSource,
    TicketStatus,
    TicketTag,
)
from console.tickets.service import timeline
from console.tickets.service.attachments import attach, claim
from console.tickets.service.tags import clean_tags
from console.tickets.sla import service as sla_targets

MAX_NAME = 120


@dataclass(frozen=True)
class NewTicket:
    """What a ticket begins with.

    Args:
        as_reply: the first message is a reply to the requester, sent by mail; else it is their question.
        attachments: keys of files this person uploaded before (:mod:`console.tickets.service.attachments`).
        files: names and contents of files that come with the form itself.
        person_id: who is signed in and asks; known by that, not verified.
        notify_requester: mail them that it was received, with the link to follow it.
        answers: the Message-ID of the mail it came as, which that answers.
        answered_subject: the subject of that mail, where it is proven who wrote it.
        from_address: of the mailbox by which it came, if not ``CONSOLE_MAIL_FROM``.
        continues: it continues a chat or a ticket, and stays in its department, also where that is no longer in use.
        pins: the answer about numbers that look like a PIN.
        masked: subject and body went through :func:`~console.customers.masking.mask_for_storage` already.
    """

    subject: str
    body: str
    requester_email: str
    department_id: int
    source: TicketSource
    requester_name: str = ""
    language: str | None = None
    person_id: int | None = None
    customer_id: int | None = None
    service_id: int | None = None
    priority: Priority = Priority.NORMAL
    assignee_id: int | None = None
    tags: tuple[str, ...] = ()
    attachments: tuple[int, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    as_reply: bool = False
    notify_requester: bool = True
    answers: str | None = None
    answered_subject: str = ""
    from_address: str | None = None
    continues: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    pins: PinChoice = ASK
    masked: bool = False


def open_ticket(actor: Actor, new: NewTicket) -> Ticket:
    """Open a ticket with its first message, SLA targets, confirmation and search entry.

    Raises:
        NotFound: a member of staff whose role does not work on tickets.
        Invalid: by field, what is missing or wrong.
        PinLike: its writer has to say whether it holds a PIN.
    """
    if actor.kind == "staff":
        actor.require(Permission.WORK_TICKETS)
    subject, masked, email = _read(new)
    body, data = masked.text, {**new.data, **masked.data}
    _check_parts(actor, new)
    now = clock.now()
    ticket = Ticket(
        subject=subject,
        requester_name=_name(new, email),
        requester_email=email,
        language=new.language or settings().locale,
        person_id=new.person_id,
        customer_id=new.customer_id,
        service_id=new.service_id,
        department_id=new.department_id,
        priority=new.priority,
        status=TicketStatus.OPEN,
        assignee_id=new.assignee_id,
        source=new.source,
        tags=list(clean_tags(new.tags)),
        created_at=now,
        updated_at=now,
    )
    # Every column of the row is set first, so that it is written once.
    if new.as_reply:
        message = timeline.begin(actor, ticket, MessageKind.REPLY, body, via="desk", data=data)
    else:
        via = "desk" if actor.kind == "staff" else new.source.value
        message = timeline.begin(
            actor, ticket, MessageKind.QUESTION, body, via=via, name=ticket.requester_name, data=data
        )
    targets = sla_targets.plan_targets(ticket, now)
    session = db.session()
    session.add(ticket)
    session.flush()
    if not new.as_reply and new.notify_requester:
        with suppress(TooMany):  # the question itself is stored and answered all the same
            message.mail_id = _confirm(actor, ticket, new).id
    session.add(message)
    session.flush()
    session.add_all(TicketTag(ticket_id=ticket.id, tag=tag) for tag in ticket.tags)
    _send(actor, ticket, new, message)
    timeline.index_new(ticket, body)
    sla_targets.insert_targets(ticket, targets)
    notifications.push_change(actor, ticket)
    record(actor, "ticket.opened", ticket.number, customer_id=ticket.customer_id, source=new.source.value)
    return ticket


def _confirm(actor: Actor, ticket: Ticket, new: NewTicket) -> Mail:
    return mails.opened(
        actor, ticket, answers=new.answers, answered_subject=new.answered_subject, from_address=new.from_address
    )


def _send(actor: Actor, ticket: Ticket, new: NewTicket, message: TicketMessage) -> None:
    """Hang the files on the first message, and mail it where it is a reply."""
    files = (*new.attachments, *(attach(actor, ticket, name, content).id for name, content in new.files))
    message.attachments = claim(actor, ticket, files, message)
    if new.as_reply:
        message.mail_id = mails.reply(ticket, message).id
    if actor.kind == "staff" and actor.id is not None:
        db.session.add(TicketRead(ticket_id=ticket.id, staff_id=actor.id, seq=ticket.last_seq, mention_seq=0))
    db.session.flush()


def _read(new: NewTicket) -> tuple[str, MaskedText, str]:
    """Return subject, body and address in their one form, subject and body masked as their writer chose."""
    wrong: dict[str, list[Text]] = {}
    email = ""
    try:
        email = read_email(new.requester_email)
    except NoAddress as error:
        wrong["requester_email"] = [email_problem(error)]
    subject = one_line(new.subject)
    if not subject:
        wrong["subject"] = [lazy_gettext("Enter a subject.")]
    if len(subject) > MAX_SUBJECT:
        wrong["subject"] = [lazy_gettext("The subject is too long.")]
    body = paragraphs(new.body)
    if not body:
        wrong["body"] = [lazy_gettext("Write the message.")]
    if len(body) > MAX_BODY:
        wrong["body"] = [lazy_gettext("The message is too long.")]
    if wrong:
        raise Invalid(fields=wrong)
    if new.masked:
        return subject, MaskedText(body), email
    return mask_for_storage(subject, new.pins, field="subject").text, mask_for_storage(body, new.pins), email


def _name(new: NewTicket, email: str) -> str:
    name = mask_pins(one_line(new.requester_name))[0][:MAX_NAME]
    return name or email.partition("@")[0][:MAX_NAME]


def _check_parts(actor: Actor, new: NewTicket) -> None:
    """Refuse a department, account, service or colleague that is not there; a service that ``actor`` may not know, too.

    What an account has is opened by a verification: who guesses learns nothing.
    """
    wrong: dict[str, list[Text]] = {}
    session = db.session()
    department = session.get(Department, new.department_id)
    if department is None or not (department.active or new.continues):
        wrong["department"] = [lazy_gettext("Choose a department.")]
    if new.customer_id is not None and session.get(Customer, new.customer_id) is None:
        wrong["customer"] = [lazy_gettext("Account not found.")]
    if new.service_id is not None:
        service = session.get(Service, new.service_id)
        if service is None or service.customer_id != new.customer_id or not may_know(actor, service):
            wrong["service"] = [lazy_gettext("This service is not on the account.")]
    if new.assignee_id is not None:
        assignee = session.get(Staff, new.assignee_id)
        if assignee is None or not works_on_tickets(assignee):
            wrong["assignee"] = [lazy_gettext("This colleague does not work on tickets.")]
    if wrong:
        raise Invalid(fields=wrong)


def works_on_tickets(staff: Staff) -> bool:
    """Return whether tickets may be assigned to ``staff``."""
    return staff.active and staff.actor().may(Permission.WORK_TICKETS)
