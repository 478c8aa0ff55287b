"""Labels of tickets: state, priority, source, and the time left of an SLA target."""

from __future__ import annotations

from datetime import datetime, timedelta

from markupsafe import Markup, escape

from console.core import clock
from console.core.context import settings
from console.core.texts import gettext, lazy_pgettext, ngettext
from console.tickets.list_queries import AT_RISK
from console.tickets.models import NO_DUE, Priority, Ticket, TicketStatus
from console.views.shared.labels.states import Label
from console.web.addresses import url_for
from console.web.filters import icon, moment

STATUS: dict[TicketStatus, Label] = {
    TicketStatus.OPEN: Label(lazy_pgettext("ticket", "open"), "circle", "info"),
    TicketStatus.WAITING: Label(lazy_pgettext("ticket", "waiting for customer"), "clock"),
    TicketStatus.HOLD: Label(lazy_pgettext("ticket", "on hold"), "pause", "warn"),
    TicketStatus.SOLVED: Label(lazy_pgettext("ticket", "solved"), "ok", "ok"),
    TicketStatus.CLOSED: Label(lazy_pgettext("ticket", "closed"), "lock", "void"),
}
MERGED = Label(lazy_pgettext("ticket", "merged"), "link", "void")
PRIORITY: dict[Priority, Label] = {
    Priority.LOW: Label(lazy_pgettext("priority", "low"), "minus", "void"),
    Priority.NORMAL: Label(lazy_pgettext("priority", "normal"), "equal"),
    Priority.HIGH: Label(lazy_pgettext("priority", "high"), "arrow-up", "warn"),
    Priority.URGENT: Label(lazy_pgettext("priority", "urgent"), "alert", "danger"),
}
SOON = timedelta(hours=4)
_ICONS = {1: "circle", 2: "clock", 3: "half", 4: "alert"}


def ticket_url(number: str) -> str:
    """Return the address of a ticket's page."""
    return url_for("tickets.index_view") + number


def status_label(ticket: Ticket) -> Label:
    """Return a ticket's state, "merged" where it went into another."""
    return MERGED if ticket.merged_into_id is not None else STATUS[ticket.status]


def due_step(due_at: datetime, now: datetime) -> int:
    """Return how near an SLA target is: 1 far, 2 within hours, 3 at risk, 4 missed."""
    if due_at <= now:
        return 4
    if due_at <= now + AT_RISK:
        return 3
    return 2 if due_at <= now + SOON else 1


def due_label(due_at: datetime, now: datetime) -> str:
    """Return the time left of an SLA target, or how late it is."""
    late = due_at <= now
    minutes = int(abs(due_at - now).total_seconds()) // 60
    hours, days = minutes // 60, minutes // 1_440
    if late:
        if days:
            return ngettext("%(num)d day overdue", "%(num)d days overdue", days)
        if hours:
            return ngettext("%(num)d h overdue", "%(num)d h overdue", hours)
        return ngettext("%(num)d min overdue", "%(num)d min overdue", max(1, minutes))
    if days:
        return ngettext("%(num)d day left", "%(num)d days left", days)
    if hours:
        return ngettext("%(num)d h left", "%(num)d h left", hours)
    return ngettext("%(num)d min left", "%(num)d min left", max(1, minutes))


def due(due_at: datetime) -> Markup:
    """Draw when the next SLA target is due; a dash where none is running."""
    if due_at >= NO_DUE:
        none = escape(gettext("No SLA target is running"))
        return Markup(f'<span class="muted" title="{none}">—</span>')
    now = clock.now()
    step = due_step(due_at, now)
    exact = due_at.astimezone(settings().zone).isoformat(timespec="seconds")
    return Markup(
        f'<span class="wait" data-step="{step}" data-due>{icon(_ICONS[step])}<time datetime="{exact}" '
        f'title="{moment(due_at)}" data-fixed>{escape(due_label(due_at, now))}</time></span>'
    )
