"""Which ticket a received message belongs to, and its sender's role there. Never by the subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from console.core.db import db
from console.customers.models import Membership, Person
from console.customers.rights import Right
from console.mail.models import Mail
from console.mail.receiving.message import ReadMail
from console.mail.receiving.models import IncomingMail
from console.staff.models import Staff
from console.staff.queries import staff_by_email
from console.tickets.mail_in.addresses import is_signed, read_signed
from console.tickets.mail_in.models import TicketForward, TicketParticipant
from console.tickets.models import Ticket, TicketMessage
from console.tickets.queries import tree
from console.tickets.service.threads import root_of

MOST_IDS = 30


class Relation(StrEnum):
    """What a sender is to a ticket."""

    REQUESTER = "requester"
    COLLEAGUE = "colleague"  # may read the account's tickets
    PARTICIPANT = "participant"  # an agent said so
    STAFF = "staff"
    STRANGER = "stranger"


@dataclass(frozen=True)
class Match:
    """Where a message belongs.

    Args:
        by: ``references`` (to a Message-ID of ours), ``address`` (signed), ``thread`` (to one of its sender),
            ``forward`` (it answers what was forwarded).
        signed: it went to the address that was signed for the ticket's requester.
        staff: whom that address was made for.
        conflict: its references lead to one ticket and its address to another.
    """

    ticket: Ticket
    by: str
    signed: bool = False
    staff: Staff | None = None
    conflict: bool = False
    forward: TicketForward | None = None


@dataclass(frozen=True)
class Sender:
    """What the sender is, and the ticket of theirs that takes what they write: their own, where it was merged."""

    relation: Relation
    ticket: Ticket
    name: str = ""


def find_ticket(mail: ReadMail, *, proven: bool) -> Match | None:
    """Return where ``mail`` belongs.

    Args:
        proven: its sender's domain is; only then a reference to an earlier mail of theirs counts.
    """
    signed = read_signed(_receivers(mail))
    forward = forward_behind(mail)
    if forward is not None:
        return Match(db.session.get_one(Ticket, forward.ticket_id), "forward", forward=forward)
    referred = _referred(mail.answered)
    if signed is not None:
        conflict = referred is not None and root_of(referred).id != root_of(signed.ticket).id
        by = "references" if referred is not None and not conflict else "address"
        return Match(signed.ticket, by, signed=signed.own, staff=signed.staff, conflict=conflict)
    if referred is not None:
        return Match(referred, "references")
    own = _own_thread(mail) if proven else None
    return None if own is None else Match(own, "thread")


def has_void_address(mail: ReadMail) -> bool:
    """Return whether it went to a signed address that is forged or was revoked."""
    receivers = _receivers(mail)
    return any(map(is_signed, receivers)) and read_signed(receivers) is None


def forward_behind(mail: ReadMail) -> TicketForward | None:
    """Return what was forwarded and is answered here, by the signed address or else by a Message-ID."""
    signed = read_signed(_receivers(mail))
    return (signed.forward if signed is not None else None) or _forward_of(mail.answered)


def _receivers(mail: ReadMail) -> list[str]:
    return [*(one.address for one in mail.to), *mail.delivered_to]


def _referred(answered: Sequence[str]) -> Ticket | None:
    """Return the ticket of the nearest Message-ID that is of a mail of ours about a ticket."""
    ids = list(answered[:MOST_IDS])
    if not ids:
        return None
    rows = db.session.execute(select(Mail.message_id, Mail.subject_ref).where(Mail.message_id.in_(ids))).all()
    about = {row.message_id: row.subject_ref or "" for row in rows}
    for one in ids:
        kind, _, key = about.get(one, "").partition(":")
        if kind == "ticket" and key.isdigit():
            return db.session.get(Ticket, int(key))
    return None


def _forward_of(answered: Sequence[str]) -> TicketForward | None:
    """Return what was forwarded by one of these mails: its answer may have lost the address that it should go to."""
    ids = list(answered[:MOST_IDS])
    if not ids:
        return None
    query = (
        select(TicketForward)
        .join(TicketMessage, TicketMessage.id == TicketForward.message_id)
        .join(Mail, Mail.id == TicketMessage.mail_id)
        .where(Mail.message_id.in_(ids), Mail.template == "ticket_forward")
    )
    return db.session.scalar(query.order_by(TicketForward.id.desc()).limit(1))


def _own_thread(mail: ReadMail) -> Ticket | None:
    """Return the ticket of an earlier message of the same sender that this one refers to."""
    query = select(IncomingMail.ticket_id).where(
        IncomingMail.message_id.in_(list(mail.answered[:MOST_IDS])),
        IncomingMail.from_address == mail.sender.address,
        IncomingMail.ticket_id.is_not(None),
    )
    key = db.session.scalar(query.order_by(IncomingMail.id.desc()).limit(1)) if mail.answered else None
    return None if key is None else db.session.get(Ticket, key)


def sender_in(ticket: Ticket, address: str) -> Sender:
    """Return what the sender of a message is to the ticket that it belongs to."""
    if ticket.requester_email == address:
        return Sender(Relation.REQUESTER, ticket)
    root = root_of(ticket)
    merged = select(Ticket).where(Ticket.id.in_(tree(root.id)), Ticket.requester_email == address)
    own = db.session.scalar(merged.order_by(Ticket.id.desc()).limit(1))
    if own is not None:
        return Sender(Relation.REQUESTER, own)
    staff = staff_by_email(address)
    if staff is not None and staff.active:
        return Sender(Relation.STAFF, root, staff.name)
    added = db.session.scalar(
        select(TicketParticipant).where(
            TicketParticipant.ticket_id.in_(tree(root.id)), TicketParticipant.address == address
        )
    )
    if added is not None:
        return Sender(Relation.PARTICIPANT, ticket, added.name or address)
    colleague = _colleague(ticket, address)
    if colleague is not None:
        return Sender(Relation.COLLEAGUE, ticket, colleague.name)
    return Sender(Relation.STRANGER, ticket)


def _colleague(ticket: Ticket, address: str) -> Person | None:
    """Return the person of the ticket's account who may read its tickets."""
    if ticket.customer_id is None:
        return None
    membership = db.session.scalar(
        select(Membership)
        .join(Person)
        .where(Membership.customer_id == ticket.customer_id, Membership.removed_at.is_(None), Person.email == address)
    )
    return membership.person if membership is not None and Right.TICKETS in membership.held_rights() else None


def account_of(address: str) -> int | None:
    """Return the only account with a person who has this address; ``None`` if there is none or more than one."""
    query = select(Membership.customer_id).join(Person)
    keys = db.session.scalars(query.where(Person.email == address, Membership.removed_at.is_(None)).limit(2)).all()
    return keys[0] if len(keys) == 1 else None
