"""Delivering a message: into a ticket, as a note that waits for an agent, or nowhere. Its history says why.

What it becomes there is written in ``entries``.
"""

from __future__ import annotations

from console.core import clock
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.text import one_line
from console.customers.masking import mask_pins
from console.mail.mailboxes.addresses import is_our_address
from console.mail.receiving import incoming
from console.mail.receiving.authentication import authenticate, is_marked_spam
from console.mail.receiving.classification import classify
from console.mail.receiving.message import ReadMail
from console.mail.receiving.models import MAX_MESSAGE_ID, MAX_SUBJECT, IncomingKind, IncomingMail, IncomingState, Proof
from console.tickets.mail_in import bounced
from console.tickets.mail_in.entries import (
    Arrival,
    add_note,
    confirm,
    enter,
    note_answer,
    open_from,
    open_unreadable,
    put_into,
    reply_as,
    settle,
)
from console.tickets.mail_in.matching import Match, Relation, Sender, find_ticket, has_void_address, sender_in
from console.tickets.models import Ticket
from console.tickets.service.threads import root_of

MAX_COPIES = 50


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
        open_unreadable(row, raw, problem)
    else:
        _deliver(row, mail)
    db.session.flush()
    incoming.note_on_copies(row)


def _deliver(row: IncomingMail, mail: ReadMail) -> None:
    with db.session.no_autoflush:  # what is written down so far is no one's to read yet
        arrival, header = _look_at(row, mail)
        unwanted, crowded = incoming.is_unwanted(row), incoming.is_flood(row)
        match = find_ticket(mail, proven=arrival.known.proof is Proof.PASSED)
    if row.kind is IncomingKind.OWN:
        settle(row, IncomingState.IGNORED, "own")
    elif row.kind is IncomingKind.BOUNCE:
        settle(row, IncomingState.IGNORED, bounced.note(row, mail))
    elif unwanted:
        settle(row, IncomingState.SPAM, "blocked")
    elif is_marked_spam(mail):
        settle(row, IncomingState.SPAM, "server")
    else:
        _route(arrival, match, header, crowded=crowded)


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
            add_note(arrival, match.ticket, waits="")
            settle(row, IncomingState.TICKET, "machine")
    elif row.kind is IncomingKind.AUTO_REPLY and header != "subject":
        settle(row, IncomingState.IGNORED, "auto_reply")
    elif crowded:
        settle(row, IncomingState.WAITING, "flood")
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
        message = enter(arrival, sender)
        if message.seq == 1:  # of a follow-up
            confirm(arrival, sender, message)


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


def _deliver_of_staff(arrival: Arrival, match: Match) -> None:
    """Answer as a colleague: by their own signed address and with DMARC passed, else it waits."""
    row, staff = arrival.row, match.staff
    mine = staff is not None and staff.email == row.from_address
    if staff is None or not mine or not arrival.known.dmarc or match.conflict:
        _wait(arrival, match.ticket, "staff")
        return
    try:
        message = reply_as(staff, arrival, root_of(match.ticket))
    except (Conflict, Invalid, NotFound):
        _wait(arrival, match.ticket, "staff")
        return
    put_into(row, message.ticket, message)
    row.add_step("staff_reply", name=staff.name, ticket=message.ticket.number)


def _wait(arrival: Arrival, ticket: Ticket, why: str) -> None:
    """Store a message as a note that waits for an agent, outside the conversation."""
    add_note(arrival, ticket, waits=why)
    settle(arrival.row, IncomingState.WAITING, why)
