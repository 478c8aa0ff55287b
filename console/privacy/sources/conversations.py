"""Mails, tickets and chats.

Notes of staff about a person are that person's data too (GDPR, article 15): a copy has their text, not who wrote them.
Reviews judge the work of a colleague; they are that colleague's and are in no copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, delete, or_, select, update

from console.chat.models import Chat, ChatBlock, ChatDraft, ChatFile, ChatMessage
from console.chat.models import MessageKind as ChatKind
from console.chat.search import CHAT_SEARCH
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.text import preview
from console.customers.account.models import EmailChange
from console.customers.models import Customer, Membership, Person
from console.mail import retention as mails
from console.mail.models import Mail
from console.mail.receiving import retention as received
from console.mail.receiving.models import BlockedSender, IncomingMail, StoppedAddress
from console.privacy.parts import ANONYMOUS, Erased, Part, Source, addresses_of, all_rows, anonymous_address, dump
from console.tickets.mail_in.models import TicketForward, TicketParticipant
from console.tickets.models import (
    TICKET_SEARCH,
    MessageKind,
    Ticket,
    TicketAttachment,
    TicketDraft,
    TicketMessage,
    TicketPersonRead,
    TicketTag,
)
from console.tickets.reviews.models import Review, ReviewAnswer, ReviewQuote, TicketRating
from console.tickets.service import handover, timeline

# --- mails


def _mails_of_person(person: Person) -> Iterator[Part]:
    yield Part(
        "e-mails", [dump(row) for row in all_rows(select(Mail).where(Mail.to_address.in_(addresses_of(person))))]
    )
    rows = all_rows(select(IncomingMail).where(IncomingMail.from_address.in_(addresses_of(person))))
    yield Part("received-e-mails", [dump(row, "decided_by", "story", "raw_file", "fingerprint") for row in rows])


def _mails_of_account(customer: Customer) -> Iterator[Part]:
    rows = all_rows(select(Mail).where(Mail.customer_id == customer.id))
    yield Part(f"accounts/{customer.number}/e-mails", [dump(row) for row in rows])


def _erase_mails(person: Person) -> Erased:
    """Delete every mail to the person, about their own accounts and tickets, and to others that names them."""
    keys = list(db.session.scalars(select(Mail.id).where(_is_named_in(person)))) + _mails_with_address(person)
    reports = list(db.session.scalars(select(IncomingMail.id).where(IncomingMail.bounced_id.in_(keys))))
    # What a worker is sending just now is on its way; it is written down as another state, and finds no row.
    mails.delete_mails(keys)
    return Erased({"mails": len(keys)}, _erase_received(person, reports))


def _erase_received(person: Person, reports: Sequence[int]) -> frozenset[str]:
    """Delete what came from the person, their raw messages too, and what is noted of their address.

    Args:
        reports: of servers about mail to the person.
    """
    session, known = db.session(), addresses_of(person)
    theirs = select(Ticket.id).where(Ticket.requester_email.in_(known))
    digests = _erase_written(known)
    digests |= received.delete_rows([*received.rows_from(known, session.scalars(theirs).all()), *reports])
    session.execute(delete(TicketParticipant).where(TicketParticipant.address.in_(known)))
    digests |= _erase_receivers(known)
    session.execute(delete(StoppedAddress).where(StoppedAddress.address.in_(known)))
    session.execute(delete(BlockedSender).where(BlockedSender.pattern.in_(known)))
    return frozenset(digests)


def _erase_written(known: Sequence[str]) -> set[str]:
    """Empty what came by mail from the person into tickets of others, notes among it; return digests of its files."""
    session = db.session()
    rows = session.execute(
        select(IncomingMail.id, IncomingMail.ticket_message_id).where(IncomingMail.from_address.in_(known))
    ).all()
    # A note that was added to the conversation stays beside it; the ledger names the newer one alone.
    entered = TicketMessage.client_id.in_([f"{kind}-{row.id}" for row in rows for kind in ("mail", "mail-note")])
    noted = TicketMessage.data["from"].as_string().in_(known)  # also of what the ledger has forgotten
    is_theirs = or_(TicketMessage.id.in_([row.ticket_message_id for row in rows]), entered, noted)
    entries = all_rows(select(TicketMessage).where(is_theirs))
    files = delete(TicketAttachment).where(TicketAttachment.message_id.in_([entry.id for entry in entries]))
    digests = set(session.scalars(files.returning(TicketAttachment.digest)))
    for entry in entries:
        if entry.ticket.preview == preview(entry.body):
            entry.ticket.preview = ""
        entry.body = entry.name = ANONYMOUS
        entry.data = {key: value for key, value in entry.data.items() if key == "decided"}  # nothing waits any more
    session.flush()
    for ticket in {entry.ticket_id: entry.ticket for entry in entries}.values():
        timeline.index(ticket)
    return digests


def _erase_receivers(known: Sequence[str]) -> set[str]:
    """Take the person's addresses off copies and forwards of others' tickets, and off headers of others' mails.

    What others wrote to them too stays in its ticket; as it came, with its header, it goes.
    """
    session, digests = db.session(), set[str]()
    for row in all_rows(select(IncomingMail).where(_any_of(IncomingMail.copies, known))):
        if _without(row.copies, known) != row.copies:  # not as a part of a longer address
            row.copies = _without(row.copies, known)
            digests |= {row.raw_file} if row.raw_file else set()
            row.raw_file = row.sealed_key = None
    for entry in all_rows(select(TicketMessage).where(_any_of(TicketMessage.data, known))):
        entry.data = {key: _without(value, known) for key, value in entry.data.items()}
    for mail in all_rows(select(Mail).where(_any_of(Mail.cc, known) | Mail.shown_to.in_(known))):
        mail.cc = [one for one in mail.cc if one not in known]
        mail.shown_to = None if mail.shown_to in known else mail.shown_to
    session.execute(delete(TicketForward).where(TicketForward.address.in_(known)))
    return digests


def _any_of(column: Any, known: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(cast(column, Text).contains(address, autoescape=True) for address in known))


def _without(value: Any, known: Sequence[str]) -> Any:
    """Return a value of an entry's data without the addresses: lists lose them, a single one is anonymous."""
    if isinstance(value, list):
        return [one for one in value if one not in known]
    return ANONYMOUS if value in known else value


def _mails_with_address(person: Person) -> list[int]:
    """Return the mails to others that have an address of the person in them: whole, not as a part of a longer one."""
    known = addresses_of(person)
    named = re.compile("|".join(rf"(?<![\w.+-]){re.escape(address)}(?![\w-]|\.\w)" for address in known), re.IGNORECASE)
    likely = or_(*(Mail.text.icontains(address, autoescape=True) for address in known))
    rows = db.session.execute(select(Mail.id, Mail.text).where(likely, ~_is_named_in(person)))
    return [key for key, text in rows if named.search(text)]


def _is_named_in(person: Person) -> ColumnElement[bool]:
    """Return the condition of a mail that names a person: their name alone may be another's, on another account."""
    memberships = all_rows(select(Membership).where(Membership.person_id == person.id))
    owned = [row.customer_id for row in memberships if row.is_owner]
    known = addresses_of(person)
    named = Mail.customer_id.in_([row.customer_id for row in memberships]) & Mail.text.contains(
        person.name, autoescape=True
    )
    # Mail to an address that they only wished to sign in with: it is not known to be theirs.
    changes = all_rows(select(EmailChange).where(EmailChange.person_id == person.id))
    wished = Mail.subject_ref.in_([f"email_change:{row.id}" for row in changes])
    return or_(Mail.to_address.in_(known), Mail.customer_id.in_(owned), named, wished, *_about_tickets(person))


def _about_tickets(person: Person) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of mail about the person's tickets: copies and forwards have their words, to anyone."""
    keys = db.session.scalars(select(Ticket.id).where(_is_ticket_of(person)))
    yield Mail.subject_ref.in_([f"ticket:{key}" for key in keys])
    for passed in _passed_on(person):
        yield and_(Mail.subject_ref == f"ticket:{passed.ticket_id}", Mail.created_at <= passed.created_at)


# --- tickets


def _is_ticket_of(person: Person) -> ColumnElement[bool]:
    """Return the condition of a ticket that a person asked for, or that is about an account of theirs."""
    owned = [row.customer_id for row in person.memberships if row.is_owner]
    return or_(Ticket.requester_email.in_(addresses_of(person)), Ticket.customer_id.in_(owned))


def _tickets_of_person(person: Person) -> Iterator[Part]:
    for ticket in all_rows(select(Ticket).where(Ticket.requester_email.in_(addresses_of(person)))):
        yield _ticket(f"tickets/{ticket.number}", ticket)
    for passed in _passed_on(person):
        yield _before(passed)
    written = [row for row in _in_others(person) if row.kind is not MessageKind.EVENT]
    yield Part(
        "tickets-of-others",
        [dump(row, "staff_id", "mail_id", "data", "event") | {"number": row.ticket.number} for row in written],
    )


def _passed_on(person: Person) -> list[TicketMessage]:
    """Return the entries with which tickets of the person went to the new owner of an account."""
    accounts = select(Membership.customer_id).where(Membership.person_id == person.id)
    may_be = or_(Ticket.customer_id.in_(accounts), Ticket.customer_id.is_(None))
    events = select(TicketMessage).join(Ticket).where(TicketMessage.event == handover.EVENT, may_be)
    return [row for row in all_rows(events) if row.data.get("person") == person.id]


def _before(passed: TicketMessage) -> Part:
    """Return what was written in a ticket of a person before it went to another."""
    ticket, written = passed.ticket, (MessageKind.QUESTION, MessageKind.REPLY, MessageKind.NOTE)
    rows = [row for row in _entries_before(passed) if row.kind in written and row.taken_back_at is None]
    files = all_rows(select(TicketAttachment).where(TicketAttachment.message_id.in_([row.id for row in rows])))
    data = {
        "number": ticket.number,
        "subject": ticket.subject,
        "messages": [
            _entry(dump(row, "staff_id", "mail_id", "data", "event"), is_note=row.kind is MessageKind.NOTE)
            for row in rows
        ],
        "files": [dump(row, "staff_id") for row in files],
    }
    return Part(f"tickets/{ticket.number}", data, tuple((row.name, row.digest) for row in files))


def _entries_before(passed: TicketMessage) -> list[TicketMessage]:
    before = TicketMessage.ticket_id == passed.ticket_id, TicketMessage.seq < passed.seq
    return all_rows(select(TicketMessage).where(*before))


def _tickets_of_account(customer: Customer) -> Iterator[Part]:
    for ticket in all_rows(select(Ticket).where(Ticket.customer_id == customer.id)):
        yield _ticket(f"accounts/{customer.number}/tickets/{ticket.number}", ticket)


def _ticket(name: str, ticket: Ticket) -> Part:
    written = MessageKind.QUESTION, MessageKind.REPLY, MessageKind.NOTE
    rows = all_rows(
        select(TicketMessage).where(
            TicketMessage.ticket_id == ticket.id,
            TicketMessage.kind.in_(written),
            TicketMessage.taken_back_at.is_(None),
        )
    )
    messages = [_entry(dump(row, "staff_id", "mail_id", "data", "event"), is_note=row.kind is MessageKind.NOTE)
                for row in rows]  # fmt: skip
    files = all_rows(select(TicketAttachment).where(
        TicketAttachment.ticket_id == ticket.id, TicketAttachment.message_id.is_not(None)))  # fmt: skip
    rating = db.session.scalar(select(TicketRating).where(TicketRating.ticket_id == ticket.id))
    data = dump(ticket, "assignee_id", "preview") | {
        "number": ticket.number,
        "messages": messages,
        "files": [dump(row, "staff_id") for row in files],
        "rating": dump(rating, "agent_id") if rating is not None else None,
    }
    return Part(name, data, tuple((row.name, row.digest) for row in files))


def _entry(data: dict[str, Any], *, is_note: bool) -> dict[str, Any]:
    return data | {"name": ""} if is_note else data


def _erase_tickets(person: Person) -> Erased:
    """Make the tickets anonymous that the person asked for, and what they wrote on others'.

    A ticket of theirs is about them in every entry: answers call them by name, notes describe them. What stays is
    when, in which department and how it went, for the statistics.
    """
    session = db.session()
    keys = list(session.scalars(select(Ticket.id).where(_is_ticket_of(person))))
    reviews = select(Review.id).where(Review.ticket_id.in_(keys))
    removed = delete(TicketAttachment).where(TicketAttachment.ticket_id.in_(keys)).returning(TicketAttachment.digest)
    digests = frozenset(session.scalars(removed))
    entries = update(TicketMessage).where(TicketMessage.ticket_id.in_(keys))
    session.execute(entries.values(body=ANONYMOUS, data={}))
    # Events too, as who rated it; a question may have been written down by staff.
    by_people = and_(TicketMessage.staff_id.is_(None), TicketMessage.name.not_in(("", SYSTEM.name)))
    named = or_(TicketMessage.kind == MessageKind.QUESTION, by_people)
    session.execute(entries.where(named).values(name=ANONYMOUS))
    session.execute(delete(TicketPersonRead).where(TicketPersonRead.person_id == person.id))
    for part in (TicketDraft, TicketTag):
        session.execute(delete(part).where(part.ticket_id.in_(keys)))
    session.execute(update(TicketRating).where(TicketRating.ticket_id.in_(keys)).values(comment=""))
    session.execute(update(ReviewQuote).where(ReviewQuote.review_id.in_(reviews)).values(remark=""))
    session.execute(update(ReviewAnswer).where(ReviewAnswer.review_id.in_(reviews)).values(body=ANONYMOUS))
    session.execute(update(Review).where(Review.id.in_(reviews)).values(note="", remark="", skip_reason=""))
    tickets = update(Ticket).where(Ticket.id.in_(keys))
    session.execute(
        tickets.values(
            subject=ANONYMOUS, preview="", requester_name=ANONYMOUS, requester_email=anonymous_address(person.id),
            tags=[], link_version=Ticket.link_version + 1,
        )
    )  # fmt: skip
    TICKET_SEARCH.remove_many(session, keys)
    session.expire_all()
    passed = _passed_on(person)
    for event in passed:
        digests |= _erase_before(event)
    for entry in _in_others(person):
        digests |= _erase_entry(entry)
    return Erased({"tickets": len(keys) + len(passed)}, digests)


def _in_others(person: Person) -> list[TicketMessage]:
    """Return what a person did in the tickets of colleagues: what they wrote in the portal, events in their name."""
    accounts = select(Membership.customer_id).where(Membership.person_id == person.id)
    written = TicketMessage.client_id.startswith(f"portal:{person.id}:", autoescape=True)
    is_event = TicketMessage.kind == MessageKind.EVENT
    caused = and_(is_event, TicketMessage.staff_id.is_(None), TicketMessage.name == person.name)
    query = select(TicketMessage).join(Ticket).where(Ticket.customer_id.in_(accounts), or_(written, caused))
    return all_rows(query.where(Ticket.requester_email.not_in(addresses_of(person))))


def _erase_entry(entry: TicketMessage) -> frozenset[str]:
    """Empty one entry of a ticket that is another's."""
    session, files = db.session(), delete(TicketAttachment).where(TicketAttachment.message_id == entry.id)
    digests = frozenset(session.scalars(files.returning(TicketAttachment.digest)))
    if entry.kind is not MessageKind.EVENT:
        if entry.ticket.preview == preview(entry.body):
            entry.ticket.preview = ""
        entry.body = ANONYMOUS
    entry.name = ANONYMOUS
    timeline.index(entry.ticket)
    return digests


def _erase_before(passed: TicketMessage) -> frozenset[str]:
    """Empty what a person's ticket had before it went to another, who goes on asking there."""
    session, ticket, entries = db.session(), passed.ticket, _entries_before(passed)
    keys = [entry.id for entry in entries]
    removed = delete(TicketAttachment).where(TicketAttachment.message_id.in_(keys)).returning(TicketAttachment.digest)
    digests = frozenset(session.scalars(removed))
    for entry in entries:
        if ticket.preview == preview(entry.body):
            ticket.preview = ""
        entry.body, entry.data = ANONYMOUS, {}
        if entry.staff_id is None or entry.kind is MessageKind.QUESTION:
            entry.name = ANONYMOUS
    ticket.subject, passed.data = ANONYMOUS, {"to": passed.data.get("to")}
    timeline.index(ticket)
    return digests


# --- chats


def _is_of(person: Person) -> ColumnElement[bool]:
    """Return the condition of a chat of theirs: signed in, or with their address where no one was."""
    return or_(Chat.person_id == person.id, Chat.person_id.is_(None) & (Chat.email.in_(addresses_of(person))))


def _chats_of_person(person: Person) -> Iterator[Part]:
    for chat in all_rows(select(Chat).where(_is_of(person))):
        yield _chat(f"chats/{chat.number}", chat)


def _chats_of_account(customer: Customer) -> Iterator[Part]:
    for chat in all_rows(select(Chat).where(Chat.customer_id == customer.id)):
        yield _chat(f"accounts/{customer.number}/chats/{chat.number}", chat)


def _chat(name: str, chat: Chat) -> Part:
    said = select(ChatMessage).where(ChatMessage.chat_id == chat.id, ChatMessage.kind != ChatKind.EVENT)
    rows = db.session.scalars(said.order_by(ChatMessage.seq))
    files = all_rows(select(ChatFile).where(ChatFile.chat_id == chat.id, ChatFile.seq.is_not(None)))
    messages = [_entry(dump(row, "staff_id", "data"), is_note=row.kind is ChatKind.NOTE) for row in rows]
    data = dump(chat, "assignee_id", "preview", "token_version", "person_session_id") | {
        "number": chat.number,
        "messages": messages,
        "files": [dump(row, "staff_id") for row in files],
    }
    return Part(name, data, tuple((row.name, row.digest) for row in files))


def _erase_chats(person: Person) -> Erased:
    """Make the person's chats anonymous, as their tickets are."""
    session = db.session()
    owned = [row.customer_id for row in person.memberships if row.is_owner]
    keys = list(session.scalars(select(Chat.id).where(or_(_is_of(person), Chat.customer_id.in_(owned)))))
    removed = delete(ChatFile).where(ChatFile.chat_id.in_(keys)).returning(ChatFile.digest)
    digests = frozenset(session.scalars(removed))
    session.execute(delete(ChatDraft).where(ChatDraft.chat_id.in_(keys)))
    messages = update(ChatMessage).where(ChatMessage.chat_id.in_(keys))
    session.execute(messages.values(body=ANONYMOUS, data={}))
    by_people = and_(ChatMessage.staff_id.is_(None), ChatMessage.name.not_in(("", SYSTEM.name)))
    named = or_(ChatMessage.kind == ChatKind.VISITOR, by_people)
    session.execute(messages.where(named).values(name=ANONYMOUS))
    session.execute(
        update(Chat)
        .where(Chat.id.in_(keys))
        .values(
            name=ANONYMOUS, email=anonymous_address(person.id), verified_name=None, page="", preview="",
            rating_comment="", visitor=None, token_version=Chat.token_version + 1,
        )
    )  # fmt: skip
    session.execute(
        update(ChatBlock).where(ChatBlock.email.in_(addresses_of(person))).values(email=None, reason=ANONYMOUS)
    )
    CHAT_SEARCH.remove_many(session, keys)
    session.expire_all()
    return Erased({"chats": len(keys)}, digests)


MAILS = Source("mails", _mails_of_person, _mails_of_account, _erase_mails)
TICKETS = Source("tickets", _tickets_of_person, _tickets_of_account, _erase_tickets)
CHATS = Source("chats", _chats_of_person, _chats_of_account, _erase_chats)
