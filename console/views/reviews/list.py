"""The queue of reviews for supervisors, and for everyone else the reviews of their own work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar, cast

from flask import flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.base import BaseView
from markupsafe import Markup
from sqlalchemy import Select, false, func
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.errors import Invalid, NotFound, Text
from console.core.ids import read_key
from console.core.series import Series
from console.core.texts import gettext, lazy_gettext, lazy_pgettext
from console.core.transaction import transaction
from console.customers.models import Customer, Verification
from console.staff.models import Staff
from console.staff.roles import Permission
from console.tickets.models import TICKET_BASE, TICKET_SEARCH, Ticket
from console.tickets.queries import ticket_key
from console.tickets.reviews import queries, service
from console.tickets.reviews.models import Review, ReviewReason, ReviewState
from console.tickets.reviews.stats import months_until
from console.views.reviews.page import ReviewPage
from console.views.reviews.rubric import ReviewRubric
from console.views.reviews.statistics import ReviewStatistics
from console.views.shared import formatters, menu
from console.views.shared.base import BaseModelView
from console.views.shared.choices import LazyChoices, colleagues, department_name, departments, names
from console.views.shared.export import Number, state_cell
from console.views.shared.filters import Choice, ListFilter
from console.views.shared.labels.periods import month_name
from console.views.shared.labels.reviews import ANSWERED, NEW, REASON, STATE, result, review_url
from console.views.shared.labels.tickets import ticket_url
from console.views.shared.paging import ActiveFilter, ListPage, ListQuery
from console.web.answers import local_time, reason, wants_json
from console.web.identity import current_actor

READERS = (Permission.REVIEW, Permission.WORK_TICKETS)
TAB_COUNT = 1_000
_NUMBER = re.compile(r"[Rr]-?(\d{1,9})")
STAGES: dict[str, Text] = {
    "waiting": lazy_pgettext("reviews", "Waiting"),
    "done": lazy_pgettext("reviews", "Done"),
    "answered": lazy_pgettext("reviews", "New answers"),
    "skipped": lazy_pgettext("reviews", "Skipped"),
    "mine": lazy_pgettext("reviews", "Of my work"),
    "unread": lazy_pgettext("reviews", "Unread"),
    "all": lazy_pgettext("reviews", "All"),
}
SUPERVISORS = ("waiting", "done", "answered", "skipped", "mine")
OTHERS = ("all", "unread")
EMPTY: dict[str, tuple[Text, Text]] = {
    "waiting": (
        lazy_gettext("Nothing to review"),
        lazy_gettext(
            "Low ratings, missed SLA targets and overrides are added automatically, and a random "
            "sample every Monday. You can also add a ticket from its menu."
        ),
    ),
    "done": (lazy_gettext("No reviews yet"), lazy_gettext("Finished reviews appear here with their results.")),
    "answered": (lazy_gettext("No new answers"), lazy_gettext("Agents’ replies to reviews appear here.")),
    "skipped": (lazy_gettext("No skipped reviews"), ""),
    "mine": (lazy_gettext("No reviews of your work"), ""),
    "unread": (lazy_gettext("Nothing new"), lazy_gettext("You have read all reviews of your work.")),
    "all": (
        lazy_gettext("No reviews of your work yet"),
        lazy_gettext("Supervisors’ reviews of your tickets appear here. You can reply to them."),
    ),
}


def views() -> list[BaseView]:
    """Return the queue, the page of one review, the rubric and the figures."""
    return [ReviewList(), ReviewPage(), ReviewRubric(), ReviewStatistics()]


# --- What narrows the list --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage(ListFilter):
    """How far a review has come: the tabs of the list."""

    kind: ClassVar[str] = "view"

    def read(self, text: str) -> str:
        if text not in STAGES:
            raise ValueError(text)
        return text

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        actor = current_actor()
        if value == "answered":
            return query.where(*queries.new_answers(actor))
        if value in ("mine", "unread"):
            query = query.where(Review.agent_id == actor.id, Review.state == ReviewState.DONE)
            return query if value == "mine" else query.where(Review.agent_read_at.is_(None))
        return query if value == "all" else query.where(Review.state == ReviewState(value))


@dataclass(frozen=True)
class Person(Choice):
    """The agent; a former colleague can still be found by their key."""

    def read(self, text: str) -> str:
        if read_key(text) is None:
            raise ValueError(text)
        return text

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return query.where(self.column == int(value))

    def show(self, value: str) -> str:
        return names().staff.get(int(value), value)


@dataclass(frozen=True)
class Where(Choice):
    """Of one department."""

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        return query.where(self.column == int(value))


@dataclass(frozen=True)
class Month(Choice):
    """Reviewed in a local month; where that is still to come, put into the queue in it."""

    def read(self, text: str) -> str:
        if not re.fullmatch(r"(20|21)\d\d-(0[1-9]|1[0-2])", text):
            raise ValueError(text)
        return text

    def apply(self, query: Select[Any], value: str) -> Select[Any]:
        first = _first(value)
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        begin, end = (datetime.combine(day, time(), settings().zone).astimezone(UTC) for day in (first, following))
        when = func.coalesce(Review.reviewed_at, Review.created_at)
        return query.where(when >= begin, when < end)

    def show(self, value: str) -> str:
        return month_name(_first(value))


def _stage(list_query: ListQuery) -> str:
    """Return the stage that the list shows, empty where the address names none."""
    return next((str(one.value) for one in list_query.filters if one.filter.name == "state"), "")


def _first(value: str) -> date:
    return date.fromisoformat(f"{value}-01")


def _months() -> Mapping[str, Text]:
    today = clock.local_date(clock.now(), settings().zone)
    return {f"{one:%Y-%m}": month_name(one) for one in reversed(months_until(today, 13, settings().zone).firsts)}


# --- Cells ------------------------------------------------------------------------------------------------------------


_TICKET = Markup('<span class="subject-line"><span class="ref">{}</span> <span class="muted truncate">{}</span></span>')


def _ticket(_view: Any, _context: Any, row: Review, _name: str) -> Markup:
    if row.ticket is not None:
        return _TICKET.format(row.ticket.number, row.ticket.subject)
    number = row.verification.customer.number if row.verification else "—"
    return _TICKET.format(number, gettext("account opened with a reason"))


def _reason(_view: Any, _context: Any, row: Review, _name: str) -> Markup:
    return REASON[row.reason].status()


def _agent(_view: Any, _context: Any, row: Review, _name: str) -> Markup:
    return Markup('<span class="one-line">{}</span>').format(row.agent.name)


def _department(_view: Any, _context: Any, row: Review, _name: str) -> str | Markup:
    return Markup('<span class="muted">—</span>') if row.department_id is None else department_name(row.department_id)


def _result(_view: Any, _context: Any, row: Review, _name: str) -> Markup:
    if row.state is not ReviewState.DONE:
        return STATE[row.state].status()
    by = row.reviewer.name if row.reviewer else ""
    points = Markup('<b class="num" title="{}">{}</b>').format(by, result(row))
    own = row.agent_id == current_actor().id
    if own and row.agent_read_at is None:
        return Markup("{} {}").format(points, NEW.status())
    if row.answered and not own:
        return Markup("{} {}").format(points, ANSWERED.status())
    return points


class ReviewList(BaseModelView):
    """Supervisors see every review; others those of their own work, once they are done."""

    permission = READERS
    group = "oversight"
    letter = "r"
    can_export = True
    permissions = {"pick": Permission.REVIEW, "following": Permission.REVIEW}
    list_template = "admin/reviews/list.html"
    column_list = ("number", "ticket", "reason", "agent", "department", "created_at", "total")
    column_export_list = (
        "number", "ticket", "agent", "department", "reason", "state", "created_at", "reviewed_at", "reviewer", "total",
    )  # fmt: skip
    column_labels = {
        "number": lazy_gettext("Review"),
        "ticket": lazy_gettext("Ticket"),
        "reason": lazy_gettext("Reason"),
        "agent": lazy_gettext("Agent"),
        "department": lazy_gettext("Department"),
        "created_at": lazy_pgettext("reviews", "Since"),
        "state": lazy_gettext("State"),
        "reviewed_at": lazy_gettext("Reviewed"),
        "reviewer": lazy_gettext("Reviewed by"),
        "total": lazy_gettext("Result"),
    }
    column_formatters = {
        "ticket": _ticket,
        "reason": _reason,
        "agent": _agent,
        "department": _department,
        "created_at": formatters.ago,
        "total": _result,
    }
    sort_columns = {"created_at": Review.created_at}
    column_options = (
        joinedload(Review.ticket).load_only(Ticket.subject),
        joinedload(Review.verification)
        .load_only(Verification.customer_id)
        .joinedload(Verification.customer)
        .load_only(Customer.name),
        joinedload(Review.agent, innerjoin=True).load_only(Staff.name),
        joinedload(Review.reviewer).load_only(Staff.name),
    )
    search_index = TICKET_SEARCH
    search_hint = lazy_gettext("Review number, ticket or words in it")
    list_filters = (
        Stage("state", lazy_gettext("State")),
        Choice("reason", lazy_gettext("Reason"), Review.reason, {key.value: REASON[key].text for key in ReviewReason}),
        Person("agent", lazy_gettext("Agent"), Review.agent_id, LazyChoices(colleagues)),
        Where("department", lazy_gettext("Department"), Review.department_id, LazyChoices(departments)),
        Month("month", lazy_gettext("Month"), None, LazyChoices(_months)),
    )
    empty_icon = "star"

    def __init__(self) -> None:
        super().__init__(
            Review, name=lazy_gettext("Quality reviews"), endpoint="reviews", url="reviews", menu_icon_value="star"
        )

    @property
    def reviews(self) -> bool:
        """Return whether the reader reviews others' work."""
        return current_actor().may(Permission.REVIEW)

    def scope(self, query: Any) -> Any:
        actor = current_actor()
        if actor.may(Permission.REVIEW):
            return query
        if actor.id is None:
            return query.where(false())
        return query.where(Review.agent_id == actor.id, Review.state == ReviewState.DONE)

    def badge_query(self) -> Select[int]:
        """Count for the sidebar: what is new to the reader."""
        return queries.count_updates(current_actor(), menu.BADGE_LIMIT + 1)

    # --- the list

    def read_list_query(self) -> ListQuery:
        """Read the query; without a stage, what waits, the oldest first, or all reviews of one's own work."""
        list_query = super().read_list_query()
        stage = _stage(list_query)
        if stage not in self.stages:
            stage = self.stages[0]
            others = tuple(one for one in list_query.filters if one.filter.name != "state")
            stage_filter = ActiveFilter(self.list_filters[0], stage, stage)
            list_query = replace(list_query, filters=(stage_filter, *others))
        oldest_first = stage == "waiting" and "sort" not in request.args
        return replace(list_query, descending=False) if oldest_first else list_query

    @property
    def stages(self) -> tuple[str, ...]:
        """Return the tabs this reader has."""
        return SUPERVISORS if self.reviews else OTHERS

    def matching(self, list_query: ListQuery, *, all_hits: bool = False) -> Select[Any]:
        query = self.filtered(list_query)
        if not list_query.search:
            return query
        number = _NUMBER.fullmatch(list_query.search)
        if number is not None:
            return query.where(Review.id == int(number[1]))
        ticket_id = cast("InstrumentedAttribute[int]", Review.ticket_id)  # of an override alone there is none
        hits = TICKET_SEARCH.matches(db.session(), ticket_id, list_query.search, whole=all_hits)
        return query if hits is None else query.where(hits)

    def list_context(self, list_query: ListQuery, _page: ListPage) -> dict[str, Any]:
        """Return the tabs. A list of one's own reviews has no column and no filter for the agent."""
        stage = _stage(list_query)
        context: dict[str, Any] = {
            "stage": stage,
            "stages": {key: STAGES[key] for key in self.stages},
            "stage_counts": queries.count_states(current_actor(), TAB_COUNT + 1) if self.reviews else {},
            "tab_count": TAB_COUNT,
            "empty_message": EMPTY[stage],
        }
        if not self.reviews:
            context["columns"] = [(name, str(label)) for name, label in self.list_columns if name != "agent"]
            context["filters"] = [one for one in self.list_filters if one.name != "agent"]
        return context

    def row_link(self, row: Any) -> str:
        return review_url(row)

    def row_state(self, row: Any) -> str:
        """Return the row's bar: new to the reader, or passed over."""
        own = row.agent_id == current_actor().id
        if row.state is ReviewState.DONE and (row.agent_read_at is None if own else row.answered):
            return "is-new"
        return "is-void" if row.state is ReviewState.SKIPPED else ""

    def as_json(self, row: Any) -> dict[str, Any]:
        """Return one review for programs: facts and figures, none of its texts."""
        return {
            "id": row.id,
            "number": row.number,
            "reason": row.reason.value,
            "state": row.state.value,
            "ticket": row.ticket.number if row.ticket else None,
            "agent": row.agent.name,
            "department": None if row.department_id is None else department_name(row.department_id),
            "created_at": local_time(row.created_at),
            "reviewed_at": local_time(row.reviewed_at),
            "reviewer": row.reviewer.name if row.reviewer else None,
            "percent": None if row.total is None else row.total / 100,
            "read": row.agent_read_at is not None,
            "answered": row.answered,
        }

    def export_cell(self, row: Any, name: str) -> Any:
        if name == "reason":
            return state_cell(REASON, row.reason)
        if name == "state":
            return state_cell(STATE, row.state)
        written = self.as_json(row)
        if name == "total":
            return Number(f"{row.total / 100:.2f}") if row.total is not None else None
        return getattr(row, name) if name in ("created_at", "reviewed_at") else written[name]

    # --- what supervisors do from elsewhere

    @expose("/next")
    def following(self) -> ResponseReturnValue:
        """Go to what should be reviewed next, behind the review that ``after`` names."""
        found = queries.next_waiting(current_actor(), after=read_key(request.args.get("after")) or 0)
        if wants_json():
            return jsonify(next=None if found is None else found.id)
        if found is None:
            flash(gettext("Nothing else to review."), "success")
            return redirect(self.get_url(".index_view"), 303)
        return redirect(review_url(found), 303)

    @expose("/pick", methods=("POST",))
    def pick(self) -> ResponseReturnValue:
        """Put a ticket into the queue by hand: ``ticket`` (its number), ``agent`` (a key), ``remark``."""
        key = ticket_key(request.form.get("ticket", ""))
        if key is None:
            raise NotFound
        agent = request.form.get("agent", "").strip()
        try:
            with transaction():
                picked = service.pick(
                    current_actor(), key, (read_key(agent) or 0) if agent else None, request.form.get("remark", "")
                )
                review_id, number, subject = picked.id, picked.number, picked.subject
        except Invalid as refusal:
            if wants_json():
                raise
            flash(reason(refusal), "danger")
            return redirect(ticket_url(Series.TICKET.number(TICKET_BASE + key)), 303)
        if wants_json():
            return jsonify(id=review_id, number=number, url=review_url(review_id))
        flash(gettext("%(ticket)s was sent for review as %(number)s.", ticket=subject, number=number), "success")
        return redirect(ticket_url(subject), 303)
