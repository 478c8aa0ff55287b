"""States of tax documents that payments make due, in words."""

from __future__ import annotations

from console.billing.duties.models import Duty, DutyState
from console.core.texts import lazy_pgettext
from console.views.shared.labels.states import Label, today

STATE = {
    DutyState.OPEN: Label(lazy_pgettext("duty", "due"), "clock"),
    DutyState.DONE: Label(lazy_pgettext("duty", "issued"), "ok", "ok"),
    DutyState.WITHDRAWN: Label(lazy_pgettext("duty", "withdrawn"), "ban", "void"),
}
LATE = Label(lazy_pgettext("duty", "overdue"), "alert", "danger")
NOW = Label(lazy_pgettext("duty", "due today"), "clock", "warn")


def label_of(duty: Duty) -> Label:
    """Return a duty's state: of an open one, whether it is late."""
    if duty.state is not DutyState.OPEN or duty.due_on > today():
        return STATE[duty.state]
    return NOW if duty.due_on == today() else LATE
