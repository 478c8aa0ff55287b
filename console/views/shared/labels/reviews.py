"""Labels of reviews: reasons, states, points and results."""

from __future__ import annotations

from flask import Flask, url_for

from console.core.texts import gettext, lazy_pgettext
from console.tickets.reviews.labels import POINTS
from console.tickets.reviews.models import Review, ReviewReason, ReviewState
from console.tickets.service.ratings import WORDS
from console.views.shared.labels.periods import month_name
from console.views.shared.labels.states import Label
from console.web.filters import language

REASON: dict[ReviewReason, Label] = {
    ReviewReason.SAMPLE: Label(lazy_pgettext("review", "random sample"), "sparkle"),
    ReviewReason.RATING: Label(lazy_pgettext("review", "low rating"), "star", "danger"),
    ReviewReason.SLA_TARGET: Label(lazy_pgettext("review", "missed SLA target"), "clock", "warn"),
    ReviewReason.OVERRIDE: Label(lazy_pgettext("review", "opened without verification"), "key", "warn"),
    ReviewReason.PICKED: Label(lazy_pgettext("review", "picked manually"), "tag", "info"),
}
STATE: dict[ReviewState, Label] = {
    ReviewState.WAITING: Label(lazy_pgettext("review", "waiting"), "circle"),
    ReviewState.DONE: Label(lazy_pgettext("review", "done"), "ok", "ok"),
    ReviewState.SKIPPED: Label(lazy_pgettext("review", "skipped"), "ban", "void"),
}
NEW = Label(lazy_pgettext("review", "new"), "dot", "info")
ANSWERED = Label(lazy_pgettext("review", "new answer"), "reply", "info")


def init_app(app: Flask) -> None:
    """Give templates these words."""
    app.jinja_env.filters.update(review_percent=percent, month_name=month_name)
    app.jinja_env.globals.update(
        review_reasons=REASON, review_states=STATE, review_points=POINTS, review_url=review_url, rating_words=WORDS
    )


def review_url(review: Review | int) -> str:
    """Return the address of a review's page."""
    return url_for("reviews.index_view") + str(review if isinstance(review, int) else review.id)


def percent(value: float | None) -> str:
    """Write a share in percent, whole; a dash for none."""
    if value is None:
        return "—"
    return f"{round(value)} %" if language() == "sr_Latn" else f"{round(value)}%"


def result(review: Review) -> str:
    """Write what a review came to."""
    return gettext("no points") if review.total is None else percent(review.total / 100)
