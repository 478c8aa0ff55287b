"""What a received message becomes: a ticket of its own, a message of one, or a note.

Which of these is decided in ``delivering``, or by an agent in ``decisions``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.core.actor import SYSTEM, Actor
from console.core.context import settings
from console.core.db import db
from console.core.emails import NoAddress, read_email
from console.core.errors import TooMany
from console.core.text import one_line, shorten
from console.core.texts import gettext, in_language
from console.customers.masking import MASKED, mask_for_storage, mask_pins
from console.mail.receiving import incoming
from console.mail.receiving.authentication import Authentication
from console.mail.receiving.message import ReadMail, read_headers
from console.mail.receiving.models import IncomingKind, IncomingMail, IncomingState, Proof
from console.mail.receiving.quoting import fold_quoted
from console.mail.receiving.raw import split_head
from console.staff.models import Department, Staff
from console.tickets import mails
from console.tickets.mail_in.content import Letter, guess_language, letter_of
from console.tickets.mail_in.matching import Relation, Sender, account_of
from console.tickets.mail_in.models import TicketForward
from console.tickets.models import MAX_SUBJECT as MAX_TICKET_SUBJECT
from console.tickets.models import UNKNOWN_SENDER, MessageKind, Ticket, TicketMessage, TicketSource
from console.tickets.service import messages, requester, timeline
from console.tickets.service.attachments import MAX_SIZE, attach, claim
from console.tickets.service.mentions import mark_for
from console.tickets.service.messages import Writing
from console.tickets.service.opening import NewTicket, open_ticket
from console.tickets.service.threads import lock_root, root_of
from console.tickets.service.web_form import public_departments

_NO_MARKS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Arrival:
    """A received message being delivered: its row, its content, and what is known of its sender."""

    row: IncomingMail
    mail: ReadMail
    known: Authentication

    @property
    def visitor(self) -> Actor:
        """Return who acts: a visitor with their address. A mail verifies no one."""
        return Actor(kind="visitor", id=None, name=self.row.from_name or self.row.from_address)


def open_from(actor: Actor, arrival: Arrival, *, language: str = "") -> Ticket:
    """Open a ticket of a message, answered automatically where a person wrote it and has not had enough answers.

    Args:
        actor: the visitor; or the agent who decided so, who answers themselves.
    """
    row, mail = arrival.row, arrival.mail
    language = language or guess_language(fold_quoted(mail.text).text) or row.mailbox.language or settings().locale
    letter = letter_of(mail, language)
    masked = mask_for_storage(letter.text, MASKED)
    address, sendable = _address_of(row)
    with in_language(language):
        subject = shorten(row.subject, MAX_TICKET_SUBJECT - 1) or gettext("(no subject)")
        name = _name_of(row, sendable=sendable)
    answered = sendable and incoming.may_auto_reply(row) and actor.kind == "visitor"
    department = _department(row)  # in a name: else it is read again
    ticket = open_ticket(
        actor if actor.kind == "visitor" else arrival.visitor,
        NewTicket(
            subject=subject[:MAX_TICKET_SUBJECT],
            body=masked.text,
            requester_email=address,
            requester_name=name,
            language=language,
            customer_id=account_of(address) if row.proof is Proof.PASSED else None,
            department_id=department.id,
            source=TicketSource.MAIL,
            files=letter.files,
            data={**masked.data, **_marks(row, letter)},
            notify_requester=answered,
            answers=row.message_id or None,
            answered_subject=row.subject if row.proof is Proof.PASSED else "",
            from_address=row.mailbox.address or None,
            masked=True,
        ),
    )
    first = _first_message(ticket)
    row.add_step("opened", ticket=ticket.number)
    if first.mail_id is not None:
        row.add_step("answered")
    elif answered:
        row.add_step("not_answered", why="enough")
    elif row.proof is Proof.FAILED:
        row.add_step("not_answered", why="forged")
    elif row.kind is not IncomingKind.PERSON:
        row.add_step("not_answered", why="machine")
    put_into(row, ticket, first)
    return ticket


def _address_of(row: IncomingMail) -> tuple[str, bool]:
    """Return the requester's address; where a message has none that mail can be sent to, one that says so."""
    with suppress(NoAddress):
        return read_email(row.from_address), True
    return f"{UNKNOWN_SENDER}@{settings().mail_from.rpartition('@')[2]}", False


def _name_of(row: IncomingMail, *, sendable: bool) -> str:
    """Return the requester's name; lists would show that address where a message has neither."""
    return row.from_name or ("" if sendable else gettext("unknown sender"))


def _department(row: IncomingMail) -> Department:
    """Return where the mailbox's mail belongs: its department, else the first public one, else the first."""
    if row.mailbox.department_id is not None:
        chosen = db.session.get_one(Department, row.mailbox.department_id)
        if chosen.active:
            return chosen
    public = public_departments()
    if public:
        return public[0]
    return db.session.scalars(select(Department).order_by(Department.active.desc(), Department.id).limit(1)).one()


def _first_message(ticket: Ticket) -> TicketMessage:
    return db.session.scalars(
        select(TicketMessage).where(TicketMessage.ticket_id == ticket.id, TicketMessage.seq == 1)
    ).one()


def _marks(row: IncomingMail, letter: Letter) -> dict[str, Any]:
    """Return what an entry says of the mail it came as."""
    marks: dict[str, Any] = {"incoming": row.id}
    if letter.left_out:
        marks["left_out"] = list(letter.left_out)
    if row.proof is Proof.FAILED:
        marks["forged"] = True
    if row.copies:
        marks["mail_cc"] = list(row.copies)
    return marks


def open_unreadable(row: IncomingMail, raw: bytes, problem: str) -> None:
    """Open a ticket with the raw message attached, as far as a ticket takes it, and mark it."""
    headers, _problems = read_headers(split_head(raw)[0][:100_000])
    row.kind = IncomingKind.UNREADABLE
    language = row.mailbox.language or settings().locale
    sender = next(iter(headers.get("from", [])), "")
    row.from_name = mask_pins(one_line(sender))[0][:120]
    address, sendable = _address_of(row)
    with in_language(language):
        subject, body = gettext("(unreadable e-mail)"), gettext("An unreadable e-mail was received.")
        name = _name_of(row, sendable=sendable)
    files = (("message.eml", raw),) if 0 < len(raw) <= MAX_SIZE else ()
    ticket = open_ticket(
        Actor(kind="visitor", id=None, name=row.from_name or SYSTEM.name),
        NewTicket(
            subject=subject, body=body, requester_email=address, requester_name=name, language=language,
            department_id=_department(row).id, source=TicketSource.MAIL, files=files, notify_requester=False,
            data={"incoming": row.id, "unreadable": problem}, masked=True,
        ),
    )  # fmt: skip
    put_into(row, ticket, _first_message(ticket))
    row.state, row.reason = IncomingState.FAILED, problem[:40]
    row.add_step("unreadable", problem=problem, ticket=ticket.number)


def enter(arrival: Arrival, sender: Sender, *, language: str = "") -> TicketMessage:
    """Put a message into the conversation, by the rules of what requesters write: a closed ticket gets a follow-up."""
    row = arrival.row
    letter = letter_of(arrival.mail, language or sender.ticket.language)
    message = requester.write(
        arrival.visitor, sender.ticket, letter.text, client_id=f"mail-{row.id}", files=letter.files, pins=MASKED,
        via="mail",
    )  # fmt: skip
    message.data = {**message.data, **_marks(row, letter)}
    if row.proof is Proof.NONE:
        message.data = {**message.data, "unproven": True}
    if sender.relation is not Relation.REQUESTER:
        message.name = sender.name or row.from_name or row.from_address
    put_into(row, message.ticket, message)
    row.add_step("entered", ticket=message.ticket.number)
    return message


def confirm(arrival: Arrival, sender: Sender, message: TicketMessage) -> None:
    """Confirm to the requester that a mail to their closed ticket opened a follow-up, as an answer to that mail."""
    row, own = arrival.row, sender.relation is Relation.REQUESTER
    if not incoming.may_auto_reply(row):
        return
    try:
        message.mail_id = mails.opened(
            arrival.visitor,
            message.ticket,
            answers=(row.message_id or None) if own else None,
            answered_subject=row.subject if own and row.proof is Proof.PASSED else "",
            from_address=row.mailbox.address or None,
        ).id
    except TooMany:
        row.add_step("not_answered", why="enough")
    else:
        row.add_step("answered")


def reply_as(staff: Staff, arrival: Arrival, ticket: Ticket) -> TicketMessage:
    """Reply to the requester in a colleague's name, without what their mail quotes."""
    actor, letter = staff.actor(), letter_of(arrival.mail, ticket.language)
    with db.session.begin_nested():
        files = tuple(attach(actor, ticket, name, content).id for name, content in letter.files)
        writing = Writing(
            body=fold_quoted(letter.text).text, client_id=f"mail-{arrival.row.id}", attachments=files, anyway=True,
            pins=MASKED,
        )  # fmt: skip
        message = messages.reply(actor, ticket.id, writing)
    message.via = "mail"
    message.data = {**message.data, **_marks(arrival.row, letter)}
    return message


def note_answer(arrival: Arrival, forward: TicketForward) -> TicketMessage:
    """Write down what came back from whom a ticket was forwarded to. It is always a note, from any sender.

    The agent who forwarded it sees the ticket marked in their list.
    """
    row = arrival.row
    marks: dict[str, Any] = {"forward": forward.id, "forwarded_to": forward.address}
    if row.from_address != forward.address:
        marks["other_sender"] = True
    if row.proof is not Proof.PASSED:
        marks["unproven"] = True
    note = add_note(arrival, db.session.get_one(Ticket, forward.ticket_id), waits="", marks=marks)
    mark_for(root_of(note.ticket), note, forward.staff_id)
    settle(row, IncomingState.TICKET, "forward")
    return note


def add_note(arrival: Arrival, ticket: Ticket, *, waits: str, marks: Mapping[str, Any] = _NO_MARKS) -> TicketMessage:
    """Write a message down as a note of a ticket; it changes nothing else there.

    Args:
        marks: more that the note says of itself.
    """
    row = arrival.row
    ticket = lock_root(ticket)
    letter = letter_of(arrival.mail, ticket.language)
    masked = mask_for_storage(letter.text, MASKED)
    before = ticket.last_by, ticket.preview
    note = timeline.append(
        SYSTEM, ticket, MessageKind.NOTE, masked.text, via="mail", client_id=f"mail-note-{row.id}",
        name=row.from_name or row.from_address or SYSTEM.name,
        data={**masked.data, **_marks(row, letter), "from": row.from_address, "waits": waits, **marks},
    )  # fmt: skip
    ticket.last_by, ticket.preview = before
    files = [attach(arrival.visitor, ticket, name, content).id for name, content in letter.files]
    note.attachments = claim(arrival.visitor, ticket, files, note)
    timeline.index(ticket)
    record(SYSTEM, "ticket.mail_noted", ticket.number, customer_id=ticket.customer_id, incoming=row.id)
    row.ticket_id, row.ticket_message_id = ticket.id, note.id
    row.add_step("noted", ticket=ticket.number, waits=waits)
    return note


def put_into(row: IncomingMail, ticket: Ticket, message: TicketMessage) -> None:
    row.ticket_id, row.ticket_message_id = ticket.id, message.id
    row.state, row.reason = IncomingState.TICKET, ""
    db.session.flush()


def settle(row: IncomingMail, state: IncomingState, reason: str) -> None:
    row.state, row.reason = state, reason
    row.add_step("settled", state=state.value, reason=reason)
