"""Reviewing: put something into the queue, score it, pass it over, talk about it.

The audit log says that it was done, never the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Reused, Text
from console.core.text import one_line, paragraphs
from console.core.texts import lazy_gettext
from console.core.upsert import insert_missing
from console.customers.masking import mask_pins
from console.staff.models import Staff
from console.staff.roles import Permission
from console.tickets.models import MessageKind, Ticket, TicketMessage
from console.tickets.queries import lock_ticket, tree
from console.tickets.reviews import queries
from console.tickets.reviews.models import (
    BEST,
    MAX_ANSWER,
    MAX_NOTE,
    MAX_REMARK,
    Review,
    ReviewAnswer,
    ReviewCriterion,
    ReviewQuote,
    ReviewReason,
    ReviewScore,
    ReviewState,
)
from console.tickets.service.opening import works_on_tickets

_OWN = lazy_gettext("This is your own work. Another supervisor will review it.")
MOST_QUOTES = 30
MOST_ANSWERS = 30
MAX_CLIENT_ID = 64


@dataclass(frozen=True)
class Scoring:
    """What a supervisor has judged.

    Args:
        points: by criterion; ``None`` where it does not apply.
        quotes: remarks by message.
        version: of the review they had before them.
        rubric: version of the rubric they had before them; ``None``: whatever holds now.
    """

    points: Mapping[int, int | None]
    note: str = ""
    quotes: Mapping[int, str] = field(default_factory=dict)
    version: int = 0
    rubric: int | None = None


# --- Into the queue ---------------------------------------------------------------------------------------------------


def enqueue(rows: Sequence[dict[str, Any]]) -> None:
    """Put work into the queue; what is there by its key stays as it is."""
    if not rows:
        return
    first = {"state": ReviewState.WAITING, "created_at": clock.now(), "answered": False, "version": 0}
    empty = {"note": "", "remark": "", "skip_reason": ""}
    optional = {"ticket_id": None, "verification_id": None, "department_id": None}
    insert_missing(Review, [{**first, **empty, **optional, **row} for row in rows], Review.key)


def enqueue_rated(ticket: Ticket, agent_id: int) -> None:
    """Put a ticket into the queue whose requester was not content; what of it waits there waits for that now."""
    waiting = _waiting(Review.ticket_id == ticket.id, Review.agent_id == agent_id)
    if waiting is not None:
        waiting.reason = ReviewReason.RATING
        db.session.flush()
        return
    enqueue([about(ticket, agent_id, ReviewReason.RATING, f"rating:{ticket.id}")])


def about(ticket: Ticket, agent_id: int, reason: ReviewReason, key: str) -> dict[str, Any]:
    """Return the columns of a review of ``agent_id``'s work on ``ticket``."""
    return {
        "key": key,
        "reason": reason,
        "ticket_id": ticket.id,
        "agent_id": agent_id,
        "department_id": ticket.department_id,
    }


def pick(actor: Actor, ticket_id: int, agent_id: int | None = None, remark: str = "") -> Review:
    """Put a ticket into the queue by hand. What of it waits there already is that.

    Args:
        agent_id: whose work is meant; without it, who answered most.
        remark: what to look at, for the supervisors.

    Raises:
        NotFound: no such ticket, or no supervisor.
        Invalid: no one has worked on it, or not this colleague; too much text.
    """
    actor.require(Permission.REVIEW)
    ticket = lock_ticket(actor, ticket_id)
    remark = _line_of(remark)
    if len(remark) > MAX_REMARK:
        raise Invalid(fields={"remark": [lazy_gettext("The remark is too long.")]})
    chosen = queries.handler_of(ticket) if agent_id is None else agent_id
    staff = None if chosen is None else db.session.get(Staff, chosen)
    if staff is None or not (works_on_tickets(staff) or _wrote(ticket, staff)):
        raise Invalid(
            fields={
                "agent": [
                    lazy_gettext("No one has worked on this ticket yet, so there is nothing to review.")
                    if agent_id is None
                    else lazy_gettext("Choose who worked on this ticket.")
                ]
            },
        )
    its = (Review.ticket_id == ticket.id, Review.agent_id == staff.id)
    waiting = _waiting(*its)
    if waiting is not None:
        waiting.remark = waiting.remark or remark
        db.session.flush()
        return waiting
    before = db.session.scalar(select(func.count()).select_from(Review).where(*its)) or 0
    review = Review(
        **about(ticket, staff.id, ReviewReason.PICKED, f"picked:{ticket.id}:{staff.id}:{before}"),
        created_at=clock.now(),
        picked_by_id=actor.id,
        remark=remark,
    )
    db.session.add(review)
    db.session.flush()
    record(actor, "review.picked", ticket.number, review=review.id, agent=staff.id)
    return review


def _waiting(*conditions: ColumnElement[bool]) -> Review | None:
    """Return what waits in the queue already, locked."""
    query = select(Review).where(*conditions, Review.state == ReviewState.WAITING).order_by(Review.id).limit(1)
    return db.session.scalar(query.with_for_update(of=Review).execution_options(populate_existing=True))


def _line_of(text: str) -> str:
    """Return a remark on one line, no PIN in it."""
    return mask_pins(one_line(text))[0]


def _wrote(ticket: Ticket, staff: Staff) -> bool:
    wrote = select(TicketMessage.id).where(TicketMessage.ticket_id == ticket.id, TicketMessage.staff_id == staff.id)
    return db.session.scalar(wrote.limit(1)) is not None


# --- Judging ----------------------------------------------------------------------------------------------------------


def score(actor: Actor, review_id: int, scoring: Scoring) -> Review:
    """Score a review, or correct one's own scoring. The agent reads it from then on.

    Raises:
        NotFound: no such review, or no supervisor.
        Conflict: ``own`` (one's own work), ``done`` (by another reviewer), ``changed``, ``rubric`` (it changed).
        Invalid: a criterion without an answer, points that are none, a text too long, a strange message.
    """
    review = _to_judge(actor, review_id)
    if review.agent_id == actor.id:
        raise Conflict(_OWN, code="own")
    if review.version != scoring.version:
        raise Conflict(code="changed")
    corrected = review.state is ReviewState.DONE
    lines = list(review.scores) if corrected else _fresh_lines(scoring)
    note = mask_pins(paragraphs(scoring.note))[0]
    quotes = {key: _line_of(text) for key, text in scoring.quotes.items()}
    errors = _point_errors(lines, scoring.points) | _text_errors(review, note, quotes)
    if errors:
        raise Invalid(fields=errors)
    for line in lines:
        line.points = scoring.points[line.criterion_id]
    review.scores = lines
    _quote(review, quotes)
    review.note, review.total = note, total(lines)
    review.reviewed_at = review.reviewed_at if corrected else clock.now()
    review.state, review.reviewer_id = ReviewState.DONE, actor.id
    review.agent_read_at = None
    review.version += 1
    db.session.flush()
    record(actor, "review.corrected" if corrected else "review.scored", review.subject, **_facts(review))
    return review


def skip(actor: Actor, review_id: int, reason: str) -> Review:
    """Pass something over: it leaves the queue without a review. It can be scored later all the same.

    Args:
        reason: why, for the supervisors.

    Raises:
        NotFound: no such review, or no supervisor.
        Conflict: ``own`` (and a colleague can look at it), ``done``.
        Invalid: no reason, or a long one.
    """
    review = _to_judge(actor, review_id)
    if review.agent_id == actor.id and queries.has_colleague(actor):
        raise Conflict(_OWN, code="own")
    if review.state is ReviewState.DONE:
        raise Conflict(lazy_gettext("This has already been reviewed."), code="done")
    if review.state is ReviewState.WAITING:
        reason = _line_of(reason)
        if not 0 < len(reason) <= MAX_REMARK:
            text = lazy_gettext("The reason is too long.") if reason else lazy_gettext("Enter a reason.")
            raise Invalid(fields={"reason": [text]})
        review.state, review.skip_reason = ReviewState.SKIPPED, reason
        review.reviewer_id, review.reviewed_at = actor.id, clock.now()
        review.version += 1
        db.session.flush()
        record(actor, "review.skipped", review.subject, **_facts(review))
    return review


def total(lines: Sequence[ReviewScore]) -> int | None:
    """Return the weighted share of the points that could be had, in hundredths of a percent."""
    scored = [(line.weight, line.points) for line in lines if line.points is not None]
    possible = BEST * sum(weight for weight, _points in scored)
    return round(10_000 * sum(weight * points for weight, points in scored) / possible) if possible else None


def _to_judge(actor: Actor, review_id: int) -> Review:
    actor.require(Permission.REVIEW)
    if actor.kind != "staff" or actor.id is None:
        raise NotFound
    review = queries.lock_review(review_id)
    if review.state is ReviewState.DONE and review.reviewer_id != actor.id:
        raise Conflict(
            lazy_gettext(
                "Another supervisor has reviewed this in the meantime. Your text was not saved; copy what you need."
            ),
            code="done",
        )
    return review


def _fresh_lines(scoring: Scoring) -> list[ReviewScore]:
    """Return the present rubric, to score by."""
    settings = queries.settings_row(share=True)  # locked against changes until this is stored
    if scoring.rubric is not None and scoring.rubric != settings.rubric_version:
        raise Conflict(
            lazy_gettext(
                "The rubric has changed in the meantime. Your scores are kept where possible; check them again."
            ),
            code="rubric",
        )
    return [_line(criterion) for criterion in queries.criteria(active=True)]


def _line(criterion: ReviewCriterion) -> ReviewScore:
    return ReviewScore(
        criterion_id=criterion.id,
        name_sr=criterion.name_sr,
        name_en=criterion.name_en,
        weight=criterion.weight,
        position=criterion.position,
    )


def _point_errors(lines: Sequence[ReviewScore], points: Mapping[int, int | None]) -> dict[str, list[Text]]:
    errors: dict[str, list[Text]] = {}
    known = {line.criterion_id for line in lines}
    for key in known - points.keys():
        errors[f"points-{key}"] = [lazy_gettext("Score it, or mark it as not applicable.")]
    for key, value in points.items():
        is_points = type(value) is int and 0 <= value <= BEST  # true and 4.0 are none
        if key not in known or not (value is None or is_points):
            errors[f"points-{key}"] = [lazy_gettext("Not a valid choice.")]
    return errors


def _text_errors(review: Review, note: str, quotes: Mapping[int, str]) -> dict[str, list[Text]]:
    errors: dict[str, list[Text]] = {}
    if len(note) > MAX_NOTE:
        errors["note"] = [lazy_gettext("The note is too long.")]
    if len(quotes) > MOST_QUOTES or quotes.keys() - _quotable(review, quotes):
        errors["quote"] = [lazy_gettext("Choose messages from this ticket.")]
    for key, remark in quotes.items():
        if len(remark) > MAX_REMARK:
            errors[f"remark-{key}"] = [lazy_gettext("The remark is too long.")]
    return errors


def _quotable(review: Review, keys: Mapping[int, str]) -> set[int]:
    if review.ticket_id is None or not keys:
        return set()
    query = select(TicketMessage.id).where(
        TicketMessage.ticket_id.in_(tree(review.ticket_id)),
        TicketMessage.id.in_(list(keys)[: MOST_QUOTES + 1]),
        TicketMessage.kind != MessageKind.EVENT,
    )
    return set(db.session.scalars(query))


def _quote(review: Review, quotes: Mapping[int, str]) -> None:
    by_message = {quote.message_id: quote for quote in review.quotes if quote.message_id in quotes}
    for key, remark in quotes.items():
        if key not in by_message:
            by_message[key] = ReviewQuote(message_id=key)
        by_message[key].remark = remark
    review.quotes = list(by_message.values())


def _facts(review: Review) -> dict[str, Any]:
    """Return what the trail says of a review: whose it is, not what it says."""
    return {"review": review.id, "agent": review.agent_id, "reason": review.reason.value}


# --- Talking about it -------------------------------------------------------------------------------------------------


def answer(actor: Actor, review_id: int, body: str, client_id: str) -> ReviewAnswer:
    """Answer a review: the agent to the supervisors, or one of them to the agent. The same id again is the same answer.

    Raises:
        NotFound: it is neither one's own (and done), nor is one a supervisor.
        Conflict: ``full``: enough was written here.
        Reused: another text was sent under this id.
        Invalid: no text, or too long.
    """
    review = queries.lock_review(review_id)
    own = actor.kind == "staff" and actor.id == review.agent_id
    if actor.id is None or review.state is not ReviewState.DONE or not (own or actor.may(Permission.REVIEW)):
        raise NotFound
    text = mask_pins(paragraphs(body))[0]
    if not 0 < len(client_id) <= MAX_CLIENT_ID:
        raise Invalid(fields={"client_id": [lazy_gettext("Invalid input.")]})
    for earlier in review.answers:
        if earlier.client_id == client_id and earlier.staff_id == actor.id:
            if earlier.body != text:
                raise Reused
            return earlier
    if not text:
        raise Invalid(fields={"body": [lazy_gettext("Write the message.")]})
    if len(text) > MAX_ANSWER:
        raise Invalid(fields={"body": [lazy_gettext("The message is too long.")]})
    if len(review.answers) >= MOST_ANSWERS:
        raise Conflict(
            lazy_gettext("This review has reached its limit of replies. Talk in person instead."), code="full"
        )
    answer = ReviewAnswer(
        review_id=review.id, staff_id=actor.id, name=actor.name, body=text, client_id=client_id, at=clock.now()
    )
    db.session.add(answer)
    review.answered = own
    if not own:
        review.agent_read_at = None
    db.session.flush()
    record(actor, "review.answered", review.subject, **_facts(review))
    return answer


def settle(actor: Actor, review_id: int) -> Review:
    """Note that the supervisors have read what the agent answered, and add nothing to it.

    Raises:
        NotFound: no such review, or no supervisor.
        Conflict: ``own``: what one has answered oneself, a colleague reads.
    """
    actor.require(Permission.REVIEW)
    review = queries.lock_review(review_id)
    if review.agent_id == actor.id:
        raise Conflict(_OWN, code="own")
    if review.answered:
        review.answered = False
        db.session.flush()
        record(actor, "review.settled", review.subject, **_facts(review))
    return review


def mark_read(actor: Actor, review_id: int) -> None:
    """Note that the agent has opened a review of their work."""
    review = queries.lock_review(review_id)
    if actor.kind != "staff" or review.agent_id != actor.id or review.state is not ReviewState.DONE:
        raise NotFound
    review.agent_read_at = review.agent_read_at or clock.now()
    db.session.flush()
