"""The settings as they are now, for ``console.core.context.settings``: read hundreds of times a page."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from time import monotonic
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from console.core.db import db
from console.core.settings import Settings
from console.core.transaction import is_writing, pending
from console.settings.models import SettingsSection
from console.settings.section import Section
from console.settings.sections import SECTIONS, with_value

log = logging.getLogger(__name__)

CHANGED = "settings"  # what a transaction that changes settings has pending
MAX_AGE = 3.0  # seconds that settings are cached; at most five, so that a change reaches every process in time
_QUERY = select(SettingsSection.section, SettingsSection.revision, SettingsSection.values)
Rows = Sequence[tuple[str, int, dict[str, Any]]]


class LiveSettings:
    """Calling it returns the settings: the environment's, over them what is set on pages.

    What this process sets it sees at once, what another sets within :data:`MAX_AGE` seconds. Where the database does
    not answer, or has no table yet, they stay as they were.
    """

    def __init__(self, environment: Settings) -> None:
        self.environment = environment
        self._current = environment
        self._revisions: dict[str, int] = {}
        self._fresh_until = 0.0
        self._generation = 0

    def __call__(self) -> Settings:
        return self._current if monotonic() < self._fresh_until else self._refresh()

    def invalidate(self) -> None:
        """Read again at the next call."""
        self._generation += 1
        self._fresh_until = 0.0

    def keep(self) -> None:
        """Do not read again for :data:`MAX_AGE` seconds."""
        self._fresh_until = monotonic() + MAX_AGE

    def _refresh(self) -> Settings:
        if "sqlalchemy" not in current_app.extensions:  # the application is still being built
            return self._current
        generation, self._fresh_until = self._generation, monotonic() + MAX_AGE  # others use the current ones meanwhile
        try:
            rows = _read()
        except SQLAlchemyError as error:
            log.debug("settings cannot be read: %s", type(error).__name__)
            return self._current
        if rows is None or generation != self._generation:  # changed while we read: the rows may be old
            self._fresh_until = 0.0
        if rows is not None:
            self._take(rows)
        return self._current

    def _take(self, rows: Rows) -> None:
        revisions = {name: revision for name, revision, _values in rows}
        if revisions != self._revisions:
            self._current, self._revisions = overlay(self.environment, rows), revisions


def _read() -> Rows | None:
    """Return the rows; ``None`` while the open transaction itself changes them, because it may yet roll back."""
    if is_writing():
        if pending(CHANGED):
            return None
        # By its own connection: on SQLite nothing may wait for another one while the write lock is held.
        return [(row.section, row.revision, row[2]) for row in db.session.connection().execute(_QUERY)]
    # By another: no reading transaction begins in a session that may not want one.
    with db.engine.connect() as connection:
        return [(row.section, row.revision, row[2]) for row in connection.execute(_QUERY)]


def overlay(environment: Settings, rows: Rows) -> Settings:
    """Return ``environment`` with what is stored over it; what this release does not know, or not so, is left out."""
    found = environment
    for name, _revision, values in rows:
        if name in SECTIONS:
            for setting, value in valid(SECTIONS[name], values).items():
                found = with_value(found, setting, value)
    return found


def valid(section: Section, values: dict[str, Any]) -> dict[str, Any]:
    """Return those of ``values`` that are settings of ``section``."""
    there = [one for one in section.settings if one.name in values]
    return {one.name: values[one.name] for one in there if one.kind.is_valid(values[one.name])}
