"""What an account's people do with its tickets in Moj Mint: open, answer, close, rate.

Opening one in the account's name takes ``tickets``, and so does what a colleague asked. What a person asked themselves
is theirs without it, as behind the link in their mail: the verbs here call those of ``requester``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.files import content_digest
from console.core.idempotency import once
from console.core.texts import lazy_gettext
from console.core.upsert import insert_or_find
from console.customers.access import require_right
from console.customers.masking import ASK, PinChoice
from console.customers.models import Customer, Membership, Person
from console.customers.queries import memberships_of
from console.customers.rights import Right
from console.hosting.queries import services_of
from console.tickets.account_queries import find_ticket, is_own
from console.tickets.models import Ticket, TicketMessage, TicketPersonRead, TicketSource
from console.tickets.queries import ticket_key
from console.tickets.reviews.models import TicketRating
from console.tickets.service import ratings, requester
from console.tickets.service.attachments import MOST
from console.tickets.service.opening import NewTicket, open_ticket
from console.tickets.service.requester import Conversation, File
from console.tickets.service.web_form import public_departments


@dataclass(frozen=True)
class AccountQuestion:
    """What a person asks in their account's name.

    Args:
        department: its key.
        service_id: what it is about, one of those they may see.
        client_id: made with the form; the same question under the same id is opened once.
        files: names and contents.
        pins: their answer about numbers that look like a PIN.
    """

    department: str
    subject: str
    text: str
    client_id: str
    language: str
    service_id: int | None = None
    files: Sequence[File] = ()
    pins: PinChoice = ASK

    def content(self) -> dict[str, Any]:
        """Return what a repeated request is compared by."""
        digests = [content_digest(content) for _name, content in self.files]
        return {
            "department": self.department, "subject": self.subject, "text": self.text, "service": self.service_id,
            "files": digests,
        }  # fmt: skip


@dataclass(frozen=True)
class AccountTicket:
    """A ticket as one person may read it.

    Args:
        memberships: all of the person's.
        mine: the one through which they read it.
        account: the bound of a colleague of the requester; ``None`` for the requester.
    """

    memberships: Sequence[Membership]
    mine: Membership
    ticket: Ticket
    account: int | None

    def conversation(self) -> Conversation:
        return requester.conversation(self.ticket, self.account)


def open_for_account(actor: Actor, customer: Customer, question: AccountQuestion) -> str:
    """Open a ticket of the account, and return its number.

    Raises:
        NotFound: ``actor`` may not.
        Invalid: by field, what is missing or wrong.
        PinLike: they have to say whether it holds a PIN.
        Reused: something else was sent under this id.
    """
    rights = require_right(actor, customer.id, Right.TICKETS)
    person = db.session.get_one(Person, actor.id)
    place = next((one for one in public_departments() if one.key == question.department), None)
    if place is None:
        raise Invalid(fields={"department": [lazy_gettext("Choose a department.")]})
    if question.service_id is not None:
        services = services_of(customer.id, rights.__contains__) or ()
        if question.service_id not in {one.id for one in services}:
            raise Invalid(fields={"service": [lazy_gettext("This service is not on the account.")]})
    check_count(question.files)

    def open_once() -> dict[str, Any]:
        ticket = open_ticket(
            actor,
            NewTicket(
                subject=question.subject,
                body=question.text,
                requester_email=person.email,
                requester_name=person.name,
                person_id=person.id,
                language=question.language,
                customer_id=customer.id,
                service_id=question.service_id,
                department_id=place.id,
                source=TicketSource.PORTAL,
                files=tuple(question.files),
                pins=question.pins,
            ),
        )
        return {"ticket": ticket.number}

    name = f"{person.id}:{customer.id}:{question.client_id}"
    return str(once("tickets.account", name, question.content(), open_once)["ticket"])


def find(actor: Actor, number: str) -> AccountTicket:
    """Return a ticket that this person may read now.

    Raises:
        NotFound: there is none, or it is not for them.
    """
    if actor.kind != "person" or actor.id is None:
        raise NotFound
    memberships = memberships_of(actor.id)
    found = find_ticket(memberships, ticket_key(number))
    if found is None:
        raise NotFound
    mine, ticket = found
    return AccountTicket(memberships, mine, ticket, None if is_own(mine, ticket) else mine.customer_id)


def answer(
    actor: Actor, number: str, body: str, *, client_id: str, files: Sequence[File] = (), pins: PinChoice = ASK
) -> TicketMessage:
    """Write on the requester's side, once for each ``client_id``; see :func:`requester.write`.

    Raises:
        NotFound: see :func:`find`.
        Conflict: ``merged``: it goes on in a ticket that this person may not read.
        Invalid, PinLike, Reused: as there.
    """
    found = find(actor, number)
    if found.account is not None and found.conversation().apart:
        raise _elsewhere()
    name = f"portal:{actor.id}:{client_id}"
    message = requester.write(actor, found.ticket, body, client_id=name, files=files, pins=pins, via="portal")
    if found.account not in (None, message.ticket.customer_id):
        raise _elsewhere()
    return message


def say_solved(actor: Actor, number: str) -> bool:
    """Mark a ticket as solved for the requester; see :func:`requester.say_solved`.

    Raises:
        NotFound: see :func:`find`.
        Conflict: ``unanswered``.
    """
    found = find(actor, number)
    return requester.say_solved(actor, found.ticket, found.account)


def rate(actor: Actor, number: str, score: int, comment: str) -> TicketRating:
    """Note how content they were; see :func:`ratings.rate`.

    Raises:
        NotFound: see :func:`find`.
        Invalid, Conflict: as there.
    """
    found = find(actor, number)
    return ratings.rate(actor, found.conversation().ticket, score, comment)


def mask(actor: Actor, number: str, message_id: int, token: str | None = None) -> TicketMessage:
    """Mask a number in what was written on the requester's side.

    Raises:
        NotFound: see :func:`find`; or no such message.
        Invalid: there is no such number in it.
    """
    found = find(actor, number)
    return requester.mask(actor, found.ticket, message_id, token, found.account)


def mark_read(person_id: int, ticket_id: int, seq: int) -> None:
    """Note how far a person has read."""
    values = {"ticket_id": ticket_id, "person_id": person_id, "seq": seq}
    row, _new = insert_or_find(TicketPersonRead, values, TicketPersonRead.ticket_id, TicketPersonRead.person_id)
    row.seq = max(row.seq, seq)
    db.session.flush()


def has_read(person_id: int, ticket_id: int, seq: int) -> bool:
    """Return whether a person has read that far."""
    row = db.session.get(TicketPersonRead, (ticket_id, person_id))
    return row is not None and row.seq >= seq


def check_count(files: Sequence[File]) -> None:
    """Refuse more files than one message takes.

    Raises:
        Invalid: field ``files``.
    """
    if len(files) > MOST:
        raise Invalid(fields={"files": [lazy_gettext("Attach at most %(num)d files to one message.", num=MOST)]})


def _elsewhere() -> Conflict:
    return Conflict(
        lazy_gettext("We are handling this together with another question. Open a new ticket for something else."),
        code="merged",
    )
