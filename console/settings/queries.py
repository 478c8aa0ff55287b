"""Reading what is set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from console.core.context import environment
from console.core.db import db
from console.settings.live import valid
from console.settings.models import SettingsSection
from console.settings.section import Section, Setting
from console.settings.sections import SECTIONS, value_of


@dataclass(frozen=True)
class Line:
    """One setting as it is now."""

    setting: Setting
    value: Any
    default: Any
    is_set: bool  # on a page; else the environment's value counts


@dataclass(frozen=True)
class State:
    """One section as it is now. ``revision`` is 0 where nothing was ever set."""

    section: Section
    lines: tuple[Line, ...]
    revision: int = 0
    changed_at: datetime | None = None
    changed_by: str = ""


def state(section: Section) -> State:
    """Return how a section is now, from the database itself."""
    query = select(SettingsSection).where(SettingsSection.section == section.key)
    return state_of(section, db.session.scalar(query.execution_options(populate_existing=True)))


def states() -> list[State]:
    """Return how each section is now."""
    rows = {row.section: row for row in db.session.scalars(select(SettingsSection))}
    return [state_of(section, rows.get(key)) for key, section in SECTIONS.items()]


def state_of(section: Section, row: SettingsSection | None) -> State:
    """Return a section as ``row`` has it."""
    stored = {} if row is None else valid(section, row.values)
    defaults = environment()
    lines = []
    for one in section.settings:
        default = value_of(defaults, one.name)
        lines.append(Line(one, stored.get(one.name, default), default, one.name in stored))
    if row is None:
        return State(section, tuple(lines))
    return State(section, tuple(lines), row.revision, row.changed_at, row.changed_by)
