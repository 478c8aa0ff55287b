"""Opening a ticket from the form of the public site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.core.actor import Actor
from console.core.errors import Invalid
from console.core.text import shorten
from console.core.texts import lazy_gettext
from console.customers.masking import ASK, PinChoice, mask_for_storage
from console.staff.models import Department
from console.tickets.models import Ticket, TicketSource
from console.tickets.queries import departments
from console.tickets.service.opening import NewTicket, open_ticket

SUBJECT = 80


@dataclass(frozen=True)
class Question:
    """What a visitor asks.

    Args:
        department: its key; by default the first public one.
        language: for the replies.
        pins: their answer about numbers that look like a PIN in the text.
    """

    name: str
    email: str
    text: str
    department: str = ""
    language: str | None = None
    pins: PinChoice = ASK


def public_departments() -> Sequence[Department]:
    """Return the departments that a visitor may ask, in their order."""
    return [place for place in departments() if not place.private]


def ask(visitor: Actor, question: Question) -> Ticket:
    """Open a ticket for a visitor's question, in a public department.

    Raises:
        Invalid: by field, what is missing or wrong; there is no public department.
        PinLike: they have to say whether the text holds a PIN.
    """
    places = public_departments()
    place = next((one for one in places if one.key == question.department), places[0] if places else None)
    if place is None:
        raise Invalid(fields={"department": [lazy_gettext("Choose a department.")]})
    masked = mask_for_storage(question.text, question.pins, field="question")
    return open_ticket(
        visitor,
        NewTicket(
            subject=shorten(masked.text, SUBJECT),
            body=masked.text,
            requester_email=question.email,
            requester_name=question.name,
            language=question.language,
            department_id=place.id,
            source=TicketSource.WEB,
            data=dict(masked.data),
            masked=True,
        ),
    )
