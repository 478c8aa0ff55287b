"""The dashboard's part about tickets: what waits for this person, or for the whole desk, and what needs attention.

Every figure is a link to the list it counts, and counts it by the list's own conditions, as far as a tile can say.
All of them are one statement, and what is due next is read in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import url_for
from sqlalchemy import Select, false, select

from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.errors import Text
from console.core.texts import gettext, lazy_gettext, ngettext
from console.identity.queries import undecided_recoveries
from console.mail.models import Mail, MailState
from console.mail.queries import LATELY
from console.staff.models import DepartmentMember
from console.staff.roles import Permission
from console.tickets import list_queries
from console.tickets.list_queries import BUILT_IN, MAX_COUNT, count_query
from console.tickets.models import Ticket, TicketStatus
from console.tickets.queries import visible
from console.tickets.reviews.models import Review, ReviewState
from console.tickets.sla.models import SlaTarget
from console.tickets.sla.queries import overdue
from console.tickets.stats import queries
from console.tickets.stats.now import Load, waiting, workload
from console.tickets.stats.periods import Period, latest_days, midnight
from console.tickets.stats.queries import Scope, Stats
from console.views.dashboard import chats as chat_tiles
from console.views.dashboard.tiles import Tile
from console.views.shared.charts import Chart
from console.views.shared.flow_chart import flow_chart
from console.views.shared.labels.hours import hours_warning
from console.views.shared.labels.states import today
from console.views.shared.menu import BadgeCounts, BadgeQueries, link

DUE_SHOWN = 6
WEEK, FORTNIGHT = 7, 14  # days of the charts
Counts = dict[str, int]


@dataclass(frozen=True)
class Need:
    """Something that needs attention, and its count."""

    key: str
    label: Text
    note: Text
    icon: str
    count: str
    url: str
    urgent: bool = False


@dataclass(frozen=True)
class Board:
    """What changes while one looks at it.

    Args:
        due: the tickets whose SLA targets are due first.
        whole: the whole desk's, not one's own.
        chat: the chat desk now.
        badge_counts: of the sidebar, where they were asked for.
    """

    tiles: list[Tile]
    needs: list[Need]
    due: list[Ticket]
    whole: bool
    chat: list[Tile] = field(default_factory=list)
    badge_counts: BadgeCounts = field(default_factory=dict)


def sees_desk(actor: Actor) -> bool:
    """Return whether this person looks after the whole desk."""
    return actor.may(Permission.SEE_REPORTS) and actor.may(Permission.READ_TICKETS)


def board(actor: Actor, *, badges: BadgeQueries = ()) -> Board:
    """Return what waits: for the whole desk where it is one's to look after, else one's own. One statement.

    Args:
        actor: the reader.
        badges: what counts the badges of the sidebar, to be read along.
    """
    now, whole = clock.now(), sees_desk(actor)
    count_selects = {name: count_query(keys) for name, keys in _queries(actor, now, whole=whole).items()}
    desk = chat_tiles.desk_queries(actor, now) if actor.may(Permission.CHAT) else {}
    badge_names = {f"badge_{endpoint}": endpoint for endpoint, _query in badges}
    scalars = count_selects | desk | {f"badge_{endpoint}": query for endpoint, query in badges}
    works = actor.may(Permission.WORK_TICKETS)
    conditions = (
        ([visible(actor)] if whole else [visible(actor), Ticket.assignee_id == actor.id]) if works else [false()]
    )
    found = waiting(DUE_SHOWN, *conditions, scalars=scalars)
    counts: Counts = {name: found.values[name] for name in count_selects}
    badge_counts = {endpoint: found.values[name] for name, endpoint in badge_names.items()}
    needs = _needs(actor, counts, whole=whole)
    if not works:
        return Board([], needs, [], whole, badge_counts=badge_counts)
    tiles = _desk_tiles(counts, found.oldest, now) if whole else _own_tiles(counts, found.oldest, now)
    chat = chat_tiles.tiles(counts, found.values, now) if desk else []
    return Board(tiles, needs, found.due, whole, chat, badge_counts)


# --- Counting ---------------------------------------------------------------------------------------------------------


def _queries(actor: Actor, now: datetime, *, whole: bool) -> dict[str, Select[int]]:
    """Return the selects to count, by name: only of what this person may see."""
    found: dict[str, Select[int]] = {}
    if actor.may(Permission.WORK_TICKETS):
        found |= _ticket_queries(actor, now, whole=whole)
    if actor.may(Permission.CHAT):
        found |= chat_tiles.count_queries(actor)
    if actor.may(Permission.REVIEW):
        found["reviews"] = select(Review.id).where(Review.state == ReviewState.WAITING)
    if actor.may(Permission.WORK_TICKETS):
        mine = (Review.agent_id == actor.id, Review.state == ReviewState.DONE, Review.agent_read_at.is_(None))
        found["my_reviews"] = select(Review.id).where(*mine)
    if actor.may(Permission.REVIEW_RECOVERY):
        found["recoveries"] = undecided_recoveries()
    if actor.may(Permission.RESEND_MAIL):
        failed = (Mail.state == MailState.FAILED, Mail.failed_at > now - LATELY)
        found["mail"] = select(Mail.id).where(*failed)
    return found


def _ticket_queries(actor: Actor, now: datetime, *, whole: bool) -> dict[str, Select[int]]:
    tickets = select(Ticket.id).where(visible(actor))
    mine = Ticket.assignee_id == actor.id
    ours = tickets if whole else tickets.where(mine)

    def view(name: str, start: Select[int] = ours) -> Select[int]:
        return start.where(BUILT_IN[name].condition(actor, now))

    found = {
        "open": view("open"),
        "risk": view("risk"),
        "late": ours.where(overdue(now)),
        "waiting": view("waiting"),
        "asked": ours.where(Ticket.status == TicketStatus.OPEN, Ticket.last_by == "requester"),
        "unassigned": view("unassigned", tickets),
        "mentions": tickets.where(list_queries.mentioned(actor)),
    }
    if whole:
        broken_today = SlaTarget.broken_at >= midnight(today(), settings().zone)
        found["mine"] = tickets.where(mine, Ticket.is_open.is_(True))
        found["broken_today"] = select(SlaTarget.id).where(broken_today)
    else:
        found["departments"] = select(DepartmentMember.department_id).where(DepartmentMember.staff_id == actor.id)
        found["unassigned_mine"] = view("unassigned", tickets).where(list_queries.of_my_departments(actor))
    return found


def number(count: int, most: int = MAX_COUNT) -> str:
    """Write a count; beyond ``most`` only that there are more."""
    return f"{most}+" if count > most else str(count)


# --- Tiles ------------------------------------------------------------------------------------------------------------


def _own_tiles(counts: Counts, oldest: Ticket | None, now: datetime) -> list[Tile]:
    awaiting = counts["asked"]
    return [
        Tile(
            "open",
            gettext("My open tickets"),
            "ticket",
            number(counts["open"]),
            ngettext("%(num)d waiting for my reply", "%(num)d waiting for my reply", awaiting)
            if awaiting
            else gettext("none waiting for my reply"),
            link("tickets", view="mine"),
        ),
        _risk_tile(counts, link("tickets", view="risk", assignee="me")),
        _waiting_tile(counts, link("tickets", view="waiting", assignee="me")),
        _oldest_tile(oldest, now, link("tickets", view="mine", status="open", sort="updated_at")),
    ]


def _desk_tiles(counts: Counts, oldest: Ticket | None, now: datetime) -> list[Tile]:
    awaiting = counts["asked"]
    return [
        Tile(
            "open",
            gettext("Open tickets"),
            "ticket",
            number(counts["open"]),
            ngettext("%(num)d waiting for our reply", "%(num)d waiting for our reply", awaiting)
            if awaiting
            else gettext("none waiting for our reply"),
            link("tickets", view="open"),
        ),
        _risk_tile(counts, link("tickets", view="risk")),
        _waiting_tile(counts, link("tickets", view="waiting")),
        _oldest_tile(oldest, now, link("tickets", view="open", status="open", sort="updated_at")),
    ]


def _risk_tile(counts: Counts, url: str) -> Tile:
    late = counts["late"]
    words = ngettext("%(num)d overdue", "%(num)d overdue", late)
    mark = "danger" if late else "warn" if counts["risk"] else "ok"
    if not late:
        words = gettext("due within the hour") if counts["risk"] else gettext("none overdue")
    return Tile("risk", gettext("SLA targets at risk"), "alert", number(counts["risk"]), words, url, mark)


def _waiting_tile(counts: Counts, url: str) -> Tile:
    words = gettext("for the customer’s reply")
    return Tile("waiting", gettext("Waiting"), "clock", number(counts["waiting"]), words, url)


def _oldest_tile(oldest: Ticket | None, now: datetime, url: str) -> Tile:
    if oldest is None:
        return Tile("oldest", gettext("Longest inactive"), "history", "—", gettext("no open tickets"), url)
    note = f"{oldest.number} · {oldest.subject}"
    return Tile("oldest", gettext("Longest inactive"), "history", age_label(now - oldest.updated_at), note, url)


def age_label(age: timedelta) -> str:
    """Write an age: ``3 d``, ``5 h``, ``12 min``."""
    minutes = max(0, int(age.total_seconds())) // 60
    hours, days = minutes // 60, minutes // 1_440
    if days:
        return ngettext("%(num)d day", "%(num)d days", days)
    if hours:
        return gettext("%(num)d h", num=hours)
    return gettext("%(num)d min", num=minutes)


# --- What needs attention ---------------------------------------------------------------------------------------------


def _report_of_today() -> str:
    query: dict[str, Any] = {"from": today().isoformat(), "until": today().isoformat()}
    return url_for("reports.index", **query)


@dataclass(frozen=True)
class _Kind:
    """A line of the card: shown while its count is not nothing, or ``always``."""

    label: Text
    note: Text
    icon: str
    url: Callable[[], str]
    urgent: bool = False
    always: bool = False


_KINDS: dict[str, _Kind] = {
    "unassigned_mine": _Kind(
        lazy_gettext("Unassigned"),
        lazy_gettext("in my departments"),
        "inbox",
        lambda: link("tickets", view="unassigned", department="mine"),
        always=True,
    ),
    "unassigned": _Kind(
        lazy_gettext("Unassigned"),
        lazy_gettext("in all departments"),
        "inbox",
        lambda: link("tickets", view="unassigned"),
        always=True,
    ),
    "mentions": _Kind(
        lazy_gettext("Mentions"),
        lazy_gettext("unread notes that mention me"),
        "note",
        lambda: link("tickets", view="all", mentioned="1"),
        always=True,
    ),
    "mine": _Kind(lazy_gettext("My own tickets"), lazy_gettext("open"), "user", lambda: link("tickets", view="mine")),
    "broken_today": _Kind(
        lazy_gettext("SLA targets missed today"),
        lazy_gettext("open today’s report"),
        "alert",
        _report_of_today,
        urgent=True,
        always=True,
    ),
    "reviews": _Kind(
        lazy_gettext("Pending quality reviews"),
        lazy_gettext("in the queue"),
        "star",
        lambda: link("reviews"),
        always=True,
    ),
    "my_reviews": _Kind(
        lazy_gettext("Reviews of my work"),
        lazy_gettext("unread"),
        "star",
        lambda: link("reviews", state="unread"),
    ),
    "recoveries": _Kind(
        lazy_gettext("Lost devices"),
        lazy_gettext("customers’ requests to review"),
        "phone",
        lambda: url_for("recoveries.index"),
        urgent=True,
    ),
    "mail": _Kind(
        lazy_gettext("Failed e-mails"),
        lazy_gettext("in the last 2 weeks"),
        "mail",
        lambda: link("mail", state="failed"),
        urgent=True,
    ),
}


def _needs(actor: Actor, counts: Counts, *, whole: bool) -> list[Need]:
    left_out = set() if whole else {"unassigned" if counts.get("departments") else "unassigned_mine"}
    found = [
        Need(key, kind.label, kind.note, kind.icon, number(counts[key]), kind.url(), kind.urgent and counts[key] > 0)
        for key, kind in _KINDS.items()
        if key in counts and key not in left_out and (kind.always or counts[key])
    ]
    year = hours_warning() if actor.may(Permission.EDIT_HOURS) else None
    if year is not None:
        words = gettext("No public holidays for %(year)d", year=year)
        note = gettext("SLA targets would count them as working days")
        found.append(Need("holidays", words, note, "calendar", "", url_for("hours.index"), urgent=True))
    return found


# --- Lately -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Week:
    """The agent's last seven days: first responses, SLA targets, and volume as a chart."""

    figures: Stats
    chart: Chart
    period: Period


def my_week(actor: Actor) -> Week:
    """Return how one's own last seven days went, in three statements."""
    period, scope = latest_days(WEEK, today(), settings().zone), Scope(agent_id=actor.id)
    flow, figures = queries.flow(period, scope), queries.brief(period, scope)
    figures.created, figures.solved = sum(one.created for one in flow), sum(one.solved for one in flow)
    return Week(figures, flow_chart(flow, period.grain, "week"), period)


@dataclass(frozen=True)
class Desk:
    """The whole desk's last fortnight as a chart, and the workload now."""

    chart: Chart
    loads: list[Load]
    most: int  # the longest bar


def desk() -> Desk:
    """Return the state of the desk, in two statements. For those who oversee it."""
    period = latest_days(FORTNIGHT, today(), settings().zone)
    loads = workload(clock.now())
    most = max((one.open + one.waiting for one in loads), default=0)
    return Desk(flow_chart(queries.flow(period), period.grain, "fortnight"), loads, max(1, most))
