"""Changing settings, and going back to their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.context import environment, look_again
from console.core.db import db
from console.core.errors import Conflict, Invalid, Text
from console.core.texts import lazy_gettext
from console.core.transaction import after_commit, pending
from console.core.upsert import insert_missing
from console.settings.live import CHANGED, valid
from console.settings.models import SettingsSection
from console.settings.section import Section
from console.settings.sections import section, value_of
from console.staff.roles import Permission


def change(actor: Actor, key: str, typed: Mapping[str, str], *, seen: int | None = None) -> bool:
    """Set what was typed and tell whether anything became different. What is like its default is not stored.

    Args:
        actor: an administrator.
        key: the section.
        typed: by setting, or by the form's field. What is not in it stays.
        seen: the revision that was looked at.

    Raises:
        NotFound: no such section or setting, or ``actor`` may not.
        Invalid: something is no value of its setting; by the form's field.
        Conflict: another has changed the section after ``seen``.
    """
    actor.require(Permission.MANAGE_SETTINGS)
    place = section(key)
    new_values = _read(place, typed)
    row = _lock(place, seen)
    stored = valid(place, row.values)
    for name, value in new_values.items():
        if value == value_of(environment(), name):
            stored.pop(name, None)
        else:
            stored[name] = value
    return _store(actor, place, row, stored)


def reset(actor: Actor, key: str, name: str, *, seen: int | None = None) -> bool:
    """Put one setting back to its default, the environment's, and tell whether that was different.

    Raises:
        NotFound: no such section or setting, or ``actor`` may not.
        Conflict: another has changed the section after ``seen``.
    """
    actor.require(Permission.MANAGE_SETTINGS)
    place = section(key)
    name = place.setting(name).name
    row = _lock(place, seen)
    stored = {known: value for known, value in valid(place, row.values).items() if known != name}
    return _store(actor, place, row, stored)


def _read(place: Section, typed: Mapping[str, str]) -> dict[str, Any]:
    new_values: dict[str, Any] = {}
    wrong: dict[str, list[Text]] = {}
    for name, text in typed.items():
        setting = place.setting(name)
        try:
            new_values[setting.name] = setting.kind.read(text)
        except ValueError as error:
            wrong[setting.field] = [error.args[0]]
    if wrong:
        raise Invalid(fields=wrong)
    return new_values


def _lock(place: Section, seen: int | None) -> SettingsSection:
    missing = {"section": place.key, "values": {}, "revision": 0, "changed_at": clock.now(), "changed_by": ""}
    insert_missing(SettingsSection, [missing], SettingsSection.section)
    query = select(SettingsSection).where(SettingsSection.section == place.key).with_for_update()
    row = db.session.scalars(query.execution_options(populate_existing=True)).one()
    if seen is not None and seen != row.revision:
        raise Conflict(
            lazy_gettext(
                "Another administrator has changed these settings in the meantime. Your changes were not saved."
            ),
            code="settings_changed",
        )
    return row


def _store(actor: Actor, place: Section, row: SettingsSection, stored: dict[str, Any]) -> bool:
    old = valid(place, row.values)
    defaults = {one.name: value_of(environment(), one.name) for one in place.settings}
    before, after = defaults | old, defaults | stored
    changed = [one.name for one in place.settings if before[one.name] != after[one.name]]
    if stored == old:
        return False
    row.values = stored
    row.revision += 1
    row.changed_at, row.changed_by = clock.now(), actor.name
    db.session.flush()
    record(
        actor,
        "settings.changed",
        place.key,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    pending(CHANGED).append(place.key)
    after_commit(look_again)
    return True
