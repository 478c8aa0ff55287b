"""The demo's banner: which time the console believes it is, and buttons that move it.

Only where ``ENV=demo``: elsewhere there is neither the banner nor the address. The clock that is moved is this
process's (:mod:`console.core.clock`). The demo on SQLite is one process, the worker inside it, so all of the console
moves; where Redis says that there are several, the banner shows the time and moves nothing.

A button goes to the *next* such moment after the present one, never back: what was written stays in the past, what
was due meanwhile becomes due, as if the time had passed, and the worker sees to it within seconds. Only "real time"
may go back; what was written meanwhile then has a time to come. Verifications, PINs and links end by the clock as
always. Only sign-ins are carried along: pressing a button signs no one out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint, Flask, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from console.core import clock
from console.core.context import environment, settings
from console.core.db import db
from console.core.errors import Invalid, NotFound, Text
from console.core.logging import get_logger
from console.core.sessions import SignInSession
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.models import PersonSession
from console.hours import queries
from console.hours.calendar import Calendar, Why
from console.staff.models import StaffSession
from console.web import demo_mailbox
from console.web.answers import local_time, wants_json
from console.web.filters import language
from console.web.identity import idle_limit
from console.web.navigation import local_path
from console.web.outage import database_is_away

log = get_logger(__name__)
blueprint = Blueprint("demo_clock", __name__, url_prefix="/demo")

REAL = "real"
ELEVEN = time(11)
BEFORE, AFTER = timedelta(minutes=14), timedelta(minutes=1)  # of closing: 16:46 and 17:01
MOVED = timedelta(seconds=2)
MONDAY, SATURDAY = 0, 5
DAYS_AHEAD = 400  # within which every moment comes, or is not offered
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Stop:
    """A moment one can go to."""

    name: str
    at: datetime
    text: str
    title: str


@dataclass(frozen=True)
class Banner:
    """What the banner shows."""

    now: datetime
    stops: list[Stop]
    moved: bool
    moves: bool
    mailbox: bool
    here: str  # the page to come back to


def init_app(app: Flask) -> None:
    """Give templates the banner, and the demo the address that moves its clock."""
    with app.app_context():
        is_demo = environment().demo
    app.jinja_env.globals["demo_banner"] = banner if is_demo else _no_banner
    app.jinja_env.globals["clock_words"] = clock_words
    if is_demo:
        app.register_blueprint(blueprint)


def _no_banner() -> None:
    return None


def banner() -> Banner:
    """Return what the banner shows; without its moments where the database does not answer."""
    now = clock.now()
    moves = can_move()
    try:
        stops = all_stops(queries.cached_calendar(), now) if moves and not database_is_away() else []
    except SQLAlchemyError:
        stops = []
    return Banner(now, stops, abs(now - clock.machine_now()) > MOVED, moves, demo_mailbox.is_there(), _here())


def _here() -> str:
    """Return the page that is shown. The answer to a query that is no text has it without the query."""
    if request.method != "GET":
        return "/"
    try:
        return request.full_path.rstrip("?")
    except UnicodeDecodeError:
        return request.path


def can_move() -> bool:
    """Return whether moving this process's clock moves the whole console."""
    return not settings().redis_url


@blueprint.post("/clock")
def move() -> ResponseReturnValue:
    """Move the clock to the moment called ``to``, then go back to ``next``."""
    if not can_move():
        raise NotFound
    before = clock.now()
    target = _target(request.form.get("to", ""), before)
    _carry_sign_ins(before, target - before)
    if request.form.get("to") == REAL:
        clock.reset()
    else:
        clock.start_at(target)
    log.info("the demo's clock was moved", to=local_time(target))
    if wants_json():
        return jsonify(now=local_time(clock.now()))
    return redirect(local_path(request.form.get("next"), "/"), 303)


def _target(name: str, now: datetime) -> datetime:
    if name == REAL:
        return clock.machine_now()
    found = next((stop.at for stop in all_stops(queries.cached_calendar(), now) if stop.name == name), None)
    if found is None:
        raise Invalid(fields={"to": [lazy_gettext("Not a valid choice.")]})
    return found


def _carry_sign_ins(before: datetime, by: timedelta) -> None:
    """Move what a live sign-in counts by as far as the clock: it lasts as long as it would have."""
    with transaction():
        for kind in (StaffSession, PersonSession):
            _carry(kind, before, by)


def _carry(kind: type[SignInSession], before: datetime, by: timedelta) -> None:
    live = select(kind).where(kind.revoked_at.is_(None), kind.expires_at > before, kind.seen_at > before - idle_limit())
    for row in db.session.scalars(live):
        row.seen_at += by
        row.expires_at += by


# --- The moments ------------------------------------------------------------------------------------------------------


def all_stops(calendar: Calendar, now: datetime) -> list[Stop]:
    """Return the moments one can go to, each the next of its kind after ``now``."""
    kinds: list[tuple[str, Callable[[Calendar, date], datetime | None], Text | None]] = [
        ("monday", _monday, None),
        ("closing", _before_closing, lazy_gettext("shortly before closing")),
        ("closed", _after_closing, lazy_gettext("just closed")),
        ("holiday", _holiday, lazy_gettext("a public holiday")),
        ("saturday", _saturday, None),
    ]
    found = ((name, _next(calendar, now, moment), note) for name, moment, note in kinds)
    return [_stop(calendar, name, at, note) for name, at, note in found if at is not None]


def _next(calendar: Calendar, now: datetime, moment: Callable[[Calendar, date], datetime | None]) -> datetime | None:
    day = clock.local_date(now, calendar.zone)
    for number in range(DAYS_AHEAD):
        at = moment(calendar, day + number * _DAY)
        if at is not None and at > now:
            return at
    return None


def _eleven(calendar: Calendar, day: date) -> datetime:
    return datetime.combine(day, ELEVEN, calendar.zone).astimezone(UTC)


def _monday(calendar: Calendar, day: date) -> datetime | None:
    """A Monday at eleven that is a working day."""
    at = _eleven(calendar, day)
    return at if day.weekday() == MONDAY and calendar.is_open(at) else None


def _before_closing(calendar: Calendar, day: date) -> datetime | None:
    spans = calendar.day(day).spans
    return spans[-1][1] - BEFORE if spans else None


def _after_closing(calendar: Calendar, day: date) -> datetime | None:
    spans = calendar.day(day).spans
    at = spans[-1][1] + AFTER if spans else None
    return at if at is not None and not calendar.is_open(at) else None


def _holiday(calendar: Calendar, day: date) -> datetime | None:
    """A holiday on which one would be there otherwise."""
    made = calendar.day(day)
    ordinary = any(one.weekday == day.weekday() for one in calendar.weekly)
    return _eleven(calendar, day) if made.why is Why.HOLIDAY and ordinary else None


def _saturday(calendar: Calendar, day: date) -> datetime | None:
    return _eleven(calendar, day) if day.weekday() == SATURDAY else None


def _stop(calendar: Calendar, name: str, at: datetime, note: Text | None) -> Stop:
    local = at.astimezone(calendar.zone)
    hour = f"{local:%H:%M}"
    if name == "holiday":
        holiday = calendar.holidays.get(local.date())
        text, note = gettext("holiday"), holiday.name(language()) if holiday is not None else note
    elif name in ("monday", "saturday"):
        text = f"{format_date(local.date(), 'EEE')} {hour}"
    else:
        text = hour
    title = clock_words(at)
    return Stop(name, at, text, f"{title}, {note}" if note is not None else title)


def clock_words(at: datetime) -> str:
    """Write an instant as the banner does: ``sre 25. nov 11:18``."""
    local = at.astimezone(settings().zone)
    pattern = "EEE d. MMM" if language() == "sr_Latn" else "EEE d MMM"
    return f"{format_date(local.date(), pattern)} {local:%H:%M}"
