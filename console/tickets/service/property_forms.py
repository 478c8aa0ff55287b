"""Setting one property of a ticket from its form, unless a colleague has changed it meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from console.core.actor import Actor
from console.core.db import db
from console.core.edit_conflicts import changed_meanwhile
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.ids import read_key
from console.core.texts import lazy_gettext
from console.customers.masking import ASK, PinChoice
from console.customers.queries import find_customer
from console.tickets.models import Priority, Ticket, TicketStatus
from console.tickets.queries import lock_ticket
from console.tickets.service import properties
from console.tickets.service.tags import clean_tags

UNASSIGNED, ME = "none", "me"
_NO_SERVICE = lazy_gettext("This service is not on the account.")
_NO_COLLEAGUE = lazy_gettext("This colleague does not work on tickets.")


class FactChanged(Conflict):
    """A colleague has set the fact since it was looked at. ``ticket`` is as it is now, locked."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__(changed_meanwhile(), code="changed")
        self.ticket = ticket


def set_fact(
    actor: Actor, ticket_id: int, fact: str, value: str, *, had: str | None = None, pins: PinChoice = ASK
) -> tuple[str, str]:
    """Set a fact and return it before and after, as its form sends it.

    Args:
        fact: one of :data:`READ`.
        had: what it was when ``value`` was chosen; a program that does not say decides for itself.
        pins: the answer about numbers that look like a PIN in a subject.

    Raises:
        NotFound: no such ticket for this person, or no such fact.
        FactChanged: it is another than ``had``; nothing was changed.
        Invalid: not a value of it.
        PinLike: the writer has to say first.
    """
    if fact not in READ:
        raise NotFound
    ticket = lock_ticket(actor, ticket_id)
    before = READ[fact](ticket)
    if had is not None and had != before:
        raise FactChanged(ticket)
    if fact == "subject":
        properties.set_subject(actor, ticket.id, value, pins)
    else:
        _CHANGE[fact](actor, ticket, value)
    db.session.flush()
    db.session.refresh(ticket)
    return before, READ[fact](ticket)


def _key(value: str, field: str, text: Text) -> int:
    key = read_key(value)
    if key is None:
        raise Invalid(fields={field: [text]})
    return key


def _assign(actor: Actor, ticket: Ticket, value: str) -> None:
    whose = None if value == UNASSIGNED else actor.id if value == ME else _key(value, "assignee", _NO_COLLEAGUE)
    properties.assign(actor, [ticket.id], whose)


def _department(actor: Actor, ticket: Ticket, value: str) -> None:
    properties.set_department(actor, [ticket.id], _key(value, "department", lazy_gettext("Choose a department.")))


def _priority(actor: Actor, ticket: Ticket, value: str) -> None:
    if value not in {str(int(one)) for one in Priority}:
        raise Invalid(fields={"priority": [lazy_gettext("Not a valid choice.")]})
    properties.set_priority(actor, [ticket.id], Priority(int(value)))


def _status(actor: Actor, ticket: Ticket, value: str) -> None:
    if value not in set(TicketStatus):
        raise Invalid(fields={"status": [lazy_gettext("Not a valid choice.")]})
    properties.set_status(actor, [ticket.id], TicketStatus(value))


def _tags(actor: Actor, ticket: Ticket, value: str) -> None:
    tags, had = set(clean_tags(value.split(","))), set(ticket.tags)
    if had - tags:
        properties.untag(actor, [ticket.id], had - tags)
    if tags - had:
        properties.tag(actor, [ticket.id], tags - had)


def _customer(actor: Actor, ticket: Ticket, value: str) -> None:
    """Set the account and, where one is named or stays, its service: ``K-10482``, ``K-10482/7``, nothing."""
    number, _, service = value.strip().partition("/")
    customer = find_customer(number) if number else None
    if number and customer is None:
        raise Invalid(fields={"customer": [lazy_gettext("Account not found. Enter its number, like K-10482.")]})
    key = None
    stays = customer is not None and customer.id == ticket.customer_id
    if service and (stays or service != str(ticket.service_id)):  # another account does not have the old one's
        key = _key(service, "service", _NO_SERVICE)
    properties.set_customer(actor, ticket.id, customer, key)


def _read_customer(ticket: Ticket) -> str:
    number = ticket.customer.number if ticket.customer is not None else ""
    return f"{number}/{ticket.service_id}" if ticket.service_id is not None else number


# Written as its form sends it.
READ: dict[str, Callable[[Ticket], str]] = {
    "subject": lambda ticket: ticket.subject,
    "department": lambda ticket: str(ticket.department_id),
    "priority": lambda ticket: str(int(ticket.priority)),
    "assignee": lambda ticket: str(ticket.assignee_id or UNASSIGNED),
    "status": lambda ticket: ticket.status.value,
    "tags": lambda ticket: ", ".join(ticket.tags),
    "customer": _read_customer,
    "language": lambda ticket: ticket.language,
}
_CHANGE: dict[str, Callable[[Actor, Ticket, str], Any]] = {
    "department": _department,
    "priority": _priority,
    "assignee": _assign,
    "status": _status,
    "tags": _tags,
    "customer": _customer,
    "language": lambda actor, ticket, value: properties.set_language(actor, ticket.id, value),
}
