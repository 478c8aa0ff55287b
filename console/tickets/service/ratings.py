"""The satisfaction rating of the requester, once, on the page behind their link."""

from __future__ import annotations

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, Text
from console.core.text import paragraphs
from console.core.texts import lazy_gettext, lazy_pgettext
from console.customers.masking import mask_pins
from console.tickets.models import OPEN_STATUSES, Ticket
from console.tickets.reviews import queries
from console.tickets.reviews.models import MAX_COMMENT, TicketRating
from console.tickets.reviews.service import enqueue_rated
from console.tickets.service import timeline

SCORES = range(1, 6)
LOW = 2  # up to it a supervisor looks
WORDS: dict[int, Text] = {
    1: lazy_pgettext("rating", "Very poor"),
    2: lazy_pgettext("rating", "Poor"),
    3: lazy_pgettext("rating", "Fair"),
    4: lazy_pgettext("rating", "Good"),
    5: lazy_pgettext("rating", "Excellent"),
}


def rate(actor: Actor, ticket: Ticket, score: int, comment: str = "") -> TicketRating:
    """Note what the requester says of our work. A low score puts the ticket before a supervisor.

    Args:
        actor: the visitor, as the entry point knows them.
        ticket: from the link; locked here.
        score: 1 to 5; from a form see :func:`read_score`.

    Raises:
        Invalid: no such score, or too much text.
        Conflict: ``rated`` (once only), ``open`` (not solved yet), ``merged`` (it went into another).
    """
    ticket = db.session.scalars(
        select(Ticket)
        .where(Ticket.id == ticket.id)
        .with_for_update(of=Ticket)
        .execution_options(populate_existing=True)
    ).one()
    comment = _checked(score, comment)
    if queries.rating_of(ticket.id) is not None:
        raise Conflict(lazy_gettext("You have already rated this chat. Thank you."), code="rated")
    if ticket.merged_into_id is not None:
        raise Conflict(lazy_gettext("This question was merged with another one."), code="merged")
    if ticket.status in OPEN_STATUSES:
        raise Conflict(lazy_gettext("You can rate our answer once the question is solved."), code="open")
    agent_id = queries.handler_of(ticket)
    rating = TicketRating(
        ticket_id=ticket.id,
        score=score,
        comment=comment,
        at=clock.now(),
        agent_id=agent_id,
        department_id=ticket.department_id,
    )
    db.session.add(rating)
    timeline.note_event(actor, ticket, "rated", score=score)
    if score <= LOW and agent_id is not None:
        enqueue_rated(ticket, agent_id)
    record(actor, "ticket.rated", ticket.number, customer_id=ticket.customer_id, score=score)
    return rating


def may_rate(ticket: Ticket) -> bool:
    """Return whether the requester may rate now: solved, not merged, not rated yet. One query."""
    return is_ready(ticket) and queries.rating_of(ticket.id) is None


def is_ready(ticket: Ticket) -> bool:
    """Return whether there is something to rate: it is solved and not merged."""
    return ticket.merged_into_id is None and ticket.status not in OPEN_STATUSES


def read_score(value: object, *, written: bool = False) -> int:
    """Return the score that came over the wire.

    Args:
        written: it came from a form, where every value is text.

    Raises:
        Invalid: it is none; ``"5"``, ``5.0`` and ``true`` in JSON are none either.
    """
    if written and isinstance(value, str) and value in {str(score) for score in SCORES}:
        return int(value)
    if written or type(value) is not int or value not in SCORES:
        raise Invalid(fields={"score": [lazy_gettext("Choose a rating from 1 to 5.")]})
    return value


def _checked(score: int, comment: str) -> str:
    errors: dict[str, list[Text]] = {}
    if type(score) is not int or score not in SCORES:  # true is an int, and none
        errors["score"] = [lazy_gettext("Choose a rating from 1 to 5.")]
    comment = mask_pins(paragraphs(comment))[0]
    if len(comment) > MAX_COMMENT:
        errors["comment"] = [lazy_gettext("The comment is too long.")]
    if errors:
        raise Invalid(fields=errors)
    return comment
