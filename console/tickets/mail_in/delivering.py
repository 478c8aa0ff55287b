"""Delivering a message: into a ticket, as a note that waits for an agent, or nowhere. Its history says why."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import settings
from console.core.db import db
from console.core.emails import NoAddress, read_email
from console.core.errors import Conflict, Invalid, NotFound
from console.core.text import one_line, shorten
from console.core.texts import gettext, in_language
from console.customers.masking import MASKED, mask_for_storage, mask_pins
from console.mail.mailboxes.addresses import is_our_address
from console.mail.receiving import incoming
from console.mail.receiving.authentication import Authentication, authenticate, is_marked_spam
from console.mail.receiving.classification import classify
from console.mail.receiving.message import ReadMail, read_headers
from console.mail.receiving.models import MAX_MESSAGE_ID, MAX_SUBJECT, IncomingKind, IncomingMail, IncomingState, Proof
from console.mail.receiving.quoting import fold_quoted
from console.mail.receiving.raw import split_head
from console.staff.models import Department, Staff
from console.tickets.mail_in import bounced
from console.tickets.mail_in.content import Letter, guess_language, letter_of
from console.tickets.mail_in.matching import (
    Match,
    Relation,
    Sender,
    account_of,
    find_ticket,
    has_void_address,
    sender_in,
)
from console.tickets.mail_in.models import TicketForward
from console.tickets.models import MAX_SUBJECT as MAX_TICKET_SUBJECT
from console.tickets.models import MessageKind, Ticket, TicketMessage, TicketSource
from console.tickets.service import messages, requester, timeline
from console.tickets.service.attachments import MAX_SIZE, attach, claim
from console.tickets.service.mentions import mark_for
from console.tickets.service.messages import Writing
from console.tickets.service.opening import NewTicket, open_ticket
from console.tickets.service.threads import lock_root, root_of
from console.tickets.service.web_form import public_departments

MAX_COPIES = 50
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


def deliver(key: int, mail: ReadMail | None, raw: bytes, problem: str = "") -> None:
    """Deliver a stored message, once.

    Args:
        key: its row; it is locked.
        mail: what it says; ``None`` where it cannot be read.
        raw: as it came.
        problem: why it cannot be read.
    """
    row = incoming.lock(key)
    if row is None or row.state is not IncomingState.RECEIVED:
        return
    row.read_at = clock.now()
    if mail is None:
        _unreadable(row, raw, problem)
        return
    with db.session.no_autoflush:  # what is written down so far is no one's to read yet
        arrival, header = _look_at(row, mail)
        unwanted, crowded = incoming.is_unwanted(row), incoming.is_flood(row)
        match = find_ticket(mail, proven=arrival.known.proof is Proof.PASSED)
    if row.kind is IncomingKind.OWN:
        _settle(row, IncomingState.IGNORED, "own")
    elif row.kind is IncomingKind.BOUNCE:
        bounced.note(row, mail)
        _settle(row, IncomingState.IGNORED, "bounce")
    elif unwanted:
        _settle(row, IncomingState.SPAM, "blocked")
    elif is_marked_spam(mail):
        _settle(row, IncomingState.SPAM, "server")
    else:
        _route(arrival, match, header, crowded=crowded)
    db.session.flush()


def _look_at(row: IncomingMail, mail: ReadMail) -> tuple[Arrival, str]:
    """Write down what a message is, and return it with the header that says so."""
    known = authenticate(mail)
    kind, header = classify(mail)
    if kind is not IncomingKind.BOUNCE and is_our_address(mail.sender.address):
        kind, header = IncomingKind.OWN, "from"
    _describe(row, mail)
    row.proof, row.kind = known.proof, kind
    row.add_step("sender", address=row.from_address, proof=known.proof.value, why=known.why)
    if kind is not IncomingKind.PERSON:
        row.add_step("kind", kind=kind.value, header=header)
    if mail.problems:
        row.add_step("problems", keys=list(mail.problems))
    return Arrival(row, mail, known), header


def _route(arrival: Arrival, match: Match | None, header: str, *, crowded: bool) -> None:
    """Deliver a message that is neither our own nor spam.

    Args:
        crowded: its sender writes faster than people do.
    """
    row = arrival.row
    if match is not None:
        row.ticket_id = root_of(match.ticket).id
        row.add_step("matched", by=match.by, ticket=root_of(match.ticket).number)
    if match is not None and match.forward is not None and not crowded:
        note_answer(arrival, match.forward)
    elif match is not None and row.kind is not IncomingKind.PERSON and not crowded:
        why = _why_a_machine_waits(arrival, match)
        if why:
            _wait(arrival, match.ticket, why)
        else:
            _note(arrival, match.ticket, waits="")
            _settle(row, IncomingState.TICKET, "machine")
    elif row.kind is IncomingKind.AUTO_REPLY and header != "subject":
        _settle(row, IncomingState.IGNORED, "auto_reply")
    elif crowded:
        _settle(row, IncomingState.WAITING, "flood")
    elif match is not None:
        _deliver_matched(arrival, match)
    else:
        if has_void_address(arrival.mail):
            row.add_step("void_address")
        open_from(arrival.visitor, arrival)


def _describe(row: IncomingMail, mail: ReadMail) -> None:
    """Write down what a message says of itself, masked as every text is."""
    others = [one.address for one in mail.to if one.address != row.mailbox.from_address]
    row.from_address = mail.sender.address
    # A name that is an address is there to be taken for the sender's.
    row.from_name = "" if "@" in mail.sender.name else mask_pins(one_line(mail.sender.name))[0][:120]
    row.subject = mask_pins(mail.subject)[0][:MAX_SUBJECT]
    row.message_id = mail.message_id[:MAX_MESSAGE_ID]
    row.sent_at = mail.sent_at
    row.copies = [address for address in dict.fromkeys(others) if not is_our_address(address)][:MAX_COPIES]


# --- a ticket of its own


def open_from(actor: Actor, arrival: Arrival, *, language: str = "") -> Ticket:
    """Open a ticket of a message, answered automatically where a person wrote it and has not had enough answers.

    Args:
        actor: the visitor; or the agent who decided so, who answers themselves.
    """
    row, mail = arrival.row, arrival.mail
    language = language or guess_language(fold_quoted(mail.text).text) or row.mailbox.language or settings().locale
    letter = letter_of(mail, language)
    masked = mask_for_storage(letter.text, MASKED)
    with in_language(language):
        subject = shorten(row.subject, MAX_TICKET_SUBJECT - 1) or gettext("(no subject)")
    address, sendable = _address_of(row)
    answered = sendable and incoming.is_answered(row) and actor.kind == "visitor"
    department = _department(row)  # in a name: else it is read again
    ticket = open_ticket(
        actor if actor.kind == "visitor" else arrival.visitor,
        NewTicket(
            subject=subject[:MAX_TICKET_SUBJECT],
            body=masked.text,
            requester_email=address,
            requester_name=row.from_name,
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
    _put_into(row, ticket, first)
    return ticket


def _address_of(row: IncomingMail) -> tuple[str, bool]:
    """Return the requester's address; where a message has none that mail can be sent to, one that says so."""
    with suppress(NoAddress):
        return read_email(row.from_address), True
    return f"unknown-sender@{settings().mail_from.rpartition('@')[2]}", False


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
        marks["copies"] = list(row.copies)
    return marks


# --- a ticket there is


def _deliver_matched(arrival: Arrival, match: Match) -> None:
    row = arrival.row
    sender = sender_in(match.ticket, row.from_address)
    row.add_step("relation", relation=sender.relation.value)
    if sender.relation is Relation.STAFF or match.staff is not None:
        _deliver_of_staff(arrival, match)
        return
    why = _why_it_waits(arrival, match, sender)
    if why:
        _wait(arrival, match.ticket, why)
    else:
        enter(arrival, sender)


def _why_it_waits(arrival: Arrival, match: Match, sender: Sender) -> str:
    """Return why an agent must decide; empty where it may enter the conversation."""
    if match.conflict:
        return "conflict"
    if arrival.known.proof is Proof.FAILED:
        return "forged"
    if sender.relation is Relation.STRANGER:
        return "stranger"
    proven = arrival.known.proof is Proof.PASSED
    if sender.relation is Relation.REQUESTER and (proven or match.signed):
        return ""
    return "" if proven else "unproven"


def _why_a_machine_waits(arrival: Arrival, match: Match) -> str:
    """Return why an agent must look at what no person wrote; an absence may be told from another address."""
    if arrival.known.proof is Proof.FAILED:
        return "forged"
    is_strange = sender_in(match.ticket, arrival.row.from_address).relation is Relation.STRANGER
    return "stranger" if is_strange and arrival.row.kind is not IncomingKind.AUTO_REPLY else ""


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
    _put_into(row, message.ticket, message)
    row.add_step("entered", ticket=message.ticket.number)
    return message


def _deliver_of_staff(arrival: Arrival, match: Match) -> None:
    """Answer as a colleague: by their own signed address and with DMARC passed, else it waits."""
    row, staff = arrival.row, match.staff
    mine = staff is not None and staff.email == row.from_address
    if staff is None or not mine or not arrival.known.dmarc or match.conflict:
        _wait(arrival, match.ticket, "staff")
        return
    try:
        message = _answer(staff, arrival, root_of(match.ticket))
    except (Conflict, Invalid, NotFound):
        _wait(arrival, match.ticket, "staff")
        return
    _put_into(row, message.ticket, message)
    row.add_step("staff_reply", name=staff.name, ticket=message.ticket.number)


def _answer(staff: Staff, arrival: Arrival, ticket: Ticket) -> TicketMessage:
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


# --- notes


def _wait(arrival: Arrival, ticket: Ticket, why: str) -> None:
    """Store a message as a note that waits for an agent, outside the conversation."""
    _note(arrival, ticket, waits=why)
    _settle(arrival.row, IncomingState.WAITING, why)


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
    note = _note(arrival, db.session.get_one(Ticket, forward.ticket_id), waits="", marks=marks)
    mark_for(root_of(note.ticket), note, forward.staff_id)
    _settle(row, IncomingState.TICKET, "forward")
    return note


def _note(arrival: Arrival, ticket: Ticket, *, waits: str, marks: Mapping[str, Any] = _NO_MARKS) -> TicketMessage:
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


def _put_into(row: IncomingMail, ticket: Ticket, message: TicketMessage) -> None:
    row.ticket_id, row.ticket_message_id = ticket.id, message.id
    row.state, row.reason = IncomingState.TICKET, ""
    db.session.flush()


def _settle(row: IncomingMail, state: IncomingState, reason: str) -> None:
    row.state, row.reason = state, reason
    row.add_step("settled", state=state.value, reason=reason)


# --- what cannot be read


def _unreadable(row: IncomingMail, raw: bytes, problem: str) -> None:
    """Open a ticket with the raw message attached, as far as a ticket takes it, and mark it."""
    headers, _problems = read_headers(split_head(raw)[0][:100_000])
    row.kind = IncomingKind.UNREADABLE
    language = row.mailbox.language or settings().locale
    with in_language(language):
        subject, body = gettext("(unreadable e-mail)"), gettext("An unreadable e-mail was received.")
    sender = next(iter(headers.get("from", [])), "")
    row.from_name = mask_pins(one_line(sender))[0][:120]
    files = (("message.eml", raw),) if 0 < len(raw) <= MAX_SIZE else ()
    address, _sendable = _address_of(row)
    ticket = open_ticket(
        Actor(kind="visitor", id=None, name=row.from_name or SYSTEM.name),
        NewTicket(
            subject=subject, body=body, requester_email=address, requester_name=row.from_name, language=language,
            department_id=_department(row).id, source=TicketSource.MAIL, files=files, notify_requester=False,
            data={"incoming": row.id, "unreadable": problem}, masked=True,
        ),
    )  # fmt: skip
    _put_into(row, ticket, _first_message(ticket))
    row.state, row.reason = IncomingState.FAILED, problem[:40]
    row.add_step("unreadable", problem=problem, ticket=ticket.number)
