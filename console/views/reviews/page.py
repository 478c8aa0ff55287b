"""One review: the ticket on one side, its assessment on the other; afterwards the agent reads and answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import HiddenField, IntegerField, StringField, TextAreaField

from console.core import clock
from console.core.errors import Refusal
from console.core.forms import Form
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.hours import queries as hours
from console.staff.roles import Permission
from console.tickets.queries import timeline
from console.tickets.reviews import queries, service
from console.tickets.reviews.models import BEST, MAX_ANSWER, MAX_NOTE, MAX_REMARK, Review, ReviewState
from console.tickets.reviews.queries import ReviewView
from console.tickets.reviews.service import Scoring
from console.tickets.sla.queries import for_ticket
from console.views.shared import menu
from console.views.shared.base import Page
from console.views.shared.labels.reviews import REASON, STATE, result, review_url
from console.views.shared.labels.ticket_events import sentence
from console.views.shared.labels.tickets import status_label, ticket_url
from console.web.answers import local_time, wants_json
from console.web.filters import language
from console.web.identity import current_actor

NOT_APPLICABLE = "na"
MOST_ENTRIES = 500


class JudgeForm(Form):
    """The assessment. Points and quotes are as many as the rubric and the ticket have: see :class:`Assessment`."""

    note = TextAreaField(lazy_gettext("Coaching note"))
    version = IntegerField()
    rubric = IntegerField()


class SkipForm(Form):
    """Why something is passed over."""

    reason = StringField(lazy_gettext("Reason for skipping"))


class AnswerForm(Form):
    """What is said about a review."""

    body = TextAreaField(lazy_gettext("Answer"))
    client_id = HiddenField()


@dataclass(frozen=True)
class Line:
    """A criterion to be scored, in the reader's language."""

    id: int
    name: str
    about: str
    weight: int


@dataclass
class Assessment:
    """Points and quotes as they were sent, or as they are stored."""

    points: dict[int, str] = field(default_factory=dict)
    quotes: dict[int, str] = field(default_factory=dict)
    note: str = ""

    def scoring(self, form: JudgeForm) -> Scoring:
        """Return it as the verb takes it; what is no number of points is refused there."""
        points = {key: None if value == NOT_APPLICABLE else _points(value) for key, value in self.points.items()}
        return Scoring(
            points=points,
            note=self.note,
            quotes=self.quotes,
            version=form.version.data if form.version.data is not None else -1,
            rubric=form.rubric.data,
        )


def _points(value: str) -> int:
    return int(value) if value in {str(number) for number in range(BEST + 1)} else -1


def _sent(form: JudgeForm) -> Assessment:
    """Read what the form brought."""
    points = {}
    for name, value in request.form.items():
        key = read_key(name.removeprefix("points-")) if name.startswith("points-") else None
        if key is not None and value:
            points[key] = value
    chosen = [key for key in map(read_key, request.form.getlist("quote")) if key is not None]
    return Assessment(
        points=points,
        quotes={key: request.form.get(f"remark-{key}", "") for key in chosen},
        note=form.note.data or "",
    )


def _stored(review: Review) -> Assessment:
    """Return the earlier assessment, to be corrected."""
    points = {one.criterion_id: NOT_APPLICABLE if one.points is None else str(one.points) for one in review.scores}
    return Assessment(points, {one.message_id: one.remark for one in review.quotes}, review.note)


class ReviewPage(Page):
    """A review, for supervisors and for the agent whose work it is about."""

    permissions = dict.fromkeys(("finish", "skip", "settle"), Permission.REVIEW)
    parent = "reviews"

    def __init__(self) -> None:
        super().__init__(name=lazy_gettext("Review"), endpoint="review", url="/console/reviews/<id:key>")

    @expose("")
    @expose("/")
    def index(self, key: int) -> ResponseReturnValue:
        """Show the review. Its agent has read it then."""
        opened = _open(key)
        review = opened.review
        if _is_own(review) and review.state is ReviewState.DONE and review.agent_read_at is None:
            with transaction():
                service.mark_read(current_actor(), key)
            opened = _open(key)
        if wants_json():
            return jsonify(_json(opened.review))
        return self._page(opened)

    @expose("/finish", methods=["POST"])
    def finish(self, key: int) -> ResponseReturnValue:
        """Score it; then comes the next one."""
        form = JudgeForm()
        assessment = _sent(form)
        corrected = _open(key).review.state is ReviewState.DONE

        def change() -> ResponseReturnValue:
            form.refuse_spoiled()
            with transaction():
                review = service.score(current_actor(), key, assessment.scoring(form))
                said = gettext("%(number)s is finished: %(result)s.", number=review.number, result=result(review))
                total = review.total
            following = queries.next_waiting(current_actor(), after=key)
            if wants_json():
                return jsonify(id=key, percent=None if total is None else total / 100, next=following and following.id)
            flash(said, "success")
            if corrected or request.form.get("then") == "stay":
                return redirect(review_url(key), 303)
            return redirect(self.get_url("reviews.following", after=key), 303)

        return self._attempt(key, change, assessment=assessment)

    @expose("/skip", methods=["POST"])
    def skip(self, key: int) -> ResponseReturnValue:
        """Pass it over, with a reason."""
        form = SkipForm()

        def change() -> ResponseReturnValue:
            form.refuse_spoiled()
            with transaction():
                number = service.skip(current_actor(), key, form.reason.data or "").number
            if wants_json():
                return jsonify(id=key)
            flash(gettext("%(number)s was skipped.", number=number), "success")
            return redirect(self.get_url("reviews.following", after=key), 303)

        return self._attempt(key, change, skip=form)

    @expose("/answer", methods=["POST"])
    def answer(self, key: int) -> ResponseReturnValue:
        """Say something about it: the agent to the supervisors, or one of them to the agent."""
        form = AnswerForm()

        def change() -> ResponseReturnValue:
            form.refuse_spoiled()
            with transaction():
                said = service.answer(current_actor(), key, form.body.data or "", form.client_id.data or "")
                said_id = said.id
            if wants_json():
                return jsonify(id=said_id)
            flash(gettext("Your reply was saved."), "success")
            return redirect(f"{review_url(key)}#answers", 303)

        return self._attempt(key, change, answer=form)

    @expose("/seen", methods=["POST"])
    def settle(self, key: int) -> ResponseReturnValue:
        """Note that the agent's answer was read and needs none."""
        with transaction():
            service.settle(current_actor(), key)
        if wants_json():
            return jsonify(id=key)
        flash(gettext("Marked as read."), "success")
        return redirect(self.get_url("reviews.index_view", state="answered"), 303)

    def _attempt(self, key: int, change: Callable[[], ResponseReturnValue], **typed: Any) -> ResponseReturnValue:
        """Do it; what is refused is shown on the page, with what was typed."""
        try:
            return change()
        except Refusal as refusal:
            if wants_json() or refusal.status == 404:
                raise
            return Response(self._page(_open(key), refusal=refusal, **typed), refusal.status)

    def _page(
        self,
        opened: ReviewView,
        *,
        refusal: Refusal | None = None,
        assessment: Assessment | None = None,
        skip: SkipForm | None = None,
        answer: AnswerForm | None = None,
    ) -> str:
        actor, review, ticket = current_actor(), opened.review, opened.review.ticket
        answer = answer or AnswerForm(formdata=None)
        answer.client_id.data = answer.client_id.data or uuid4().hex
        reviewer = actor.may(Permission.REVIEW) and not _is_own(review)
        waits = review.state is ReviewState.WAITING
        alone = waits and not reviewer and not opened.has_colleague
        return str(
            self.render(
                "admin/reviews/page.html",
                badge_counts=opened.scalars,
                review=review,
                ticket=ticket,
                entries=timeline(ticket.id, last=MOST_ENTRIES) if reviewer and ticket else [],
                sla_targets=for_ticket(ticket, clock.now()) if reviewer and ticket else [],
                rating=opened.rating,
                label=status_label(ticket) if ticket else None,
                own=_is_own(review),
                reviewer=reviewer,
                alone=alone,
                may_skip=waits and (reviewer or alone),
                assessing=self._assessment_context(opened, assessment) if reviewer else None,
                refusal=refusal,
                skip=skip or SkipForm(formdata=None),
                answer=answer,
                sentence=sentence,
                reason=REASON[review.reason],
                state=STATE[review.state],
                result=result(review),
                may_read_ticket=ticket is not None and (reviewer or actor.may(Permission.READ_TICKETS)),
                ticket_link=ticket_url(ticket.number) if ticket else None,
                limits={"note": MAX_NOTE, "remark": MAX_REMARK, "answer": MAX_ANSWER},
            )
        )

    def _assessment_context(self, opened: ReviewView, assessment: Assessment | None) -> dict[str, Any] | None:
        """Return the context of the assessment form, if this supervisor may fill it in now."""
        review = opened.review
        is_done = review.state is ReviewState.DONE
        corrects = bool(request.args.get("correct")) and review.reviewer_id == current_actor().id
        if is_done and assessment is None and not corrects:
            return None
        said = language()
        criteria = {one.id: one for one in queries.criteria()}
        if is_done:
            lines = [
                Line(one.criterion_id, one.name(said), criteria[one.criterion_id].about(said), one.weight)
                for one in review.scores
            ]
        else:
            lines = [
                Line(one.id, one.name(said), one.about(said), one.weight) for one in criteria.values() if one.active
            ]
        return {
            "lines": lines,
            "assessment": assessment or (_stored(review) if is_done else Assessment()),
            "corrected": is_done,
            "open": not is_done or review.reviewer_id == current_actor().id,  # else it is only shown, to be copied
            "rubric": opened.rubric_version,
            "best": BEST,
            "na": NOT_APPLICABLE,
        }


def _is_own(review: Review) -> bool:
    return review.agent_id == current_actor().id


def _open(key: int) -> ReviewView:
    """Return the review for its reader; the sidebar's badges and the opening hours come along in the same statement.

    Raises:
        NotFound: there is none, or neither is it their own and done, nor is the reader a supervisor.
    """
    badges, revision = menu.badge_queries(), hours.revision_selects()
    opened = queries.load_review(current_actor(), key, scalars=badges + revision)
    hours.known_by(*(opened.scalars.pop(name) for name, _ in revision))
    return opened


def _json(review: Review) -> dict[str, Any]:
    said = language()
    number = review.ticket.number if review.ticket else None
    return {
        "id": review.id,
        "number": review.number,
        "reason": review.reason.value,
        "state": review.state.value,
        "ticket": number,
        "agent": review.agent.name,
        "reviewer": review.reviewer.name if review.reviewer else None,
        "reviewed_at": local_time(review.reviewed_at),
        "percent": None if review.total is None else review.total / 100,
        "note": review.note,
        "version": review.version,
        "scores": [
            {"criterion": one.criterion_id, "name": one.name(said), "weight": one.weight, "points": one.points}
            for one in review.scores
        ],
        "quotes": [
            {"message": one.message_id, "remark": one.remark, "url": f"{ticket_url(number or '')}#m{one.message_id}"}
            for one in review.quotes
        ],
        "answers": [{"name": one.name, "body": one.body, "at": local_time(one.at)} for one in review.answers],
    }
