"""The query of a report: a period, a department, an agent."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import request

from console.core.context import settings
from console.core.errors import NotFound, Text
from console.core.ids import read_key
from console.core.texts import lazy_gettext
from console.staff.roles import Permission
from console.tickets.stats.periods import Period, read_period
from console.tickets.stats.queries import Scope
from console.views.shared.choices import ME, names
from console.views.shared.labels.states import today
from console.web.identity import current_actor

MOST_TYPED = 40  # letters of a value that the form shows again


@dataclass
class ReportQuery:
    """A period, a department, an agent; and what could not be read.

    Args:
        own: the reader's own figures.
        dated: the request names a period; else it is this week.
        typed: the content of the form.
    """

    period: Period
    department_id: int | None = None
    agent_id: int | None = None
    own: bool = False
    dated: bool = True
    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, list[Text]] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        return Scope(self.department_id, self.agent_id)

    def query(self, **changes: str | None) -> dict[str, str]:
        """Return the query parameters, with ``changes``; ``None`` leaves one out."""
        parameters: dict[str, str | None] = dict(self.period.query())
        if self.department_id is not None:
            parameters["department"] = str(self.department_id)
        if self.agent_id is not None and sees_all():
            parameters["agent"] = str(self.agent_id)
        return {name: value for name, value in (parameters | changes).items() if value}


def read_report_query() -> ReportQuery:
    """Read the query of this request.

    Raises:
        NotFound: a colleague's figures, and these are not for this person to see.
    """
    args = {name: request.args.get(name, "").strip() for name in ("period", "from", "until", "department", "agent")}
    zone, errors = settings().zone, dict[str, list[Text]]()
    try:
        period = read_period(args, today(), zone)
    except ValueError:
        period = read_period({}, today(), zone)
        errors["period"] = [lazy_gettext("Enter a valid period: dates like 2026-11-23, the start before the end.")]
    department = _read_department(args["department"], errors)
    agent, own = _read_agent(args["agent"], errors)
    typed = {name: value[:MOST_TYPED] for name, value in args.items()}
    if period.choice == "custom" and not errors:
        typed |= {"from": period.first.isoformat(), "until": period.last.isoformat()}
    dated = bool(args["period"] or args["from"] or args["until"])
    return ReportQuery(period, department, agent, own, dated, typed, errors)


def _read_department(text: str, errors: dict[str, list[Text]]) -> int | None:
    key = read_key(text)
    if text and key not in names().departments:
        errors["department"] = [lazy_gettext("Department not found.")]
        return None
    return key


def _read_agent(text: str, errors: dict[str, list[Text]]) -> tuple[int | None, bool]:
    """Return the agent, and whether it is the reader."""
    own = current_actor().id
    if not sees_all():
        if text not in ("", ME, str(own)):
            raise NotFound
        return own, True
    if text == ME:
        return own, True
    key = read_key(text)
    if text and key not in names().staff:
        errors["agent"] = [lazy_gettext("Agent not found.")]
        return None, False
    return key, key is not None and key == own


def sees_all() -> bool:
    """Return whether the reader sees the figures of everyone, not their own alone."""
    return current_actor().may(Permission.SEE_REPORTS)
