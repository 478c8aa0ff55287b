"""How the chat desk works, as supervisors and administrators set it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from console.audit.service import record
from console.chat import notifications, queries, serializers
from console.chat.models import Assignment, ChatSettings
from console.chat.service import assignment
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, Text
from console.core.push import push
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.core.transaction import after_commit
from console.customers.masking import refuse_pins
from console.staff.roles import Permission

MAX_ANNOUNCEMENT = 300
RANGES = {
    "capacity": (1, 20),
    "wait_minutes": (1, 60),
    "notice_minutes": (1, 120),
    "limit_minutes": (0, 240),
    "grace_seconds": (15, 600),
}


@dataclass(frozen=True)
class DeskRules:
    """What a form has. ``seen``: the revision it was filled in from."""

    assignment: Assignment
    capacity: int
    wait_minutes: int
    notice_minutes: int
    limit_minutes: int
    grace_seconds: int
    seen: int | None = None


def set_rules(actor: Actor, rules: DeskRules) -> ChatSettings:
    """Change how the desk works.

    Raises:
        NotFound: ``actor`` may not set the desk's rules.
        Invalid: a number out of its range.
        Conflict: a colleague has changed it meanwhile.
    """
    actor.require(Permission.SET_CHAT)
    wrong: dict[str, list[Text]] = {}
    for name, (least, most) in RANGES.items():
        if not least <= getattr(rules, name) <= most:
            wrong[name] = [lazy_gettext("Enter a number from %(least)d to %(most)d.", least=least, most=most)]
    if wrong:
        raise Invalid(fields=wrong)
    row = queries.desk_settings(lock=True)
    if rules.seen is not None and rules.seen != row.revision:
        raise Conflict
    values = {name: getattr(rules, name) for name in RANGES} | {"assignment": rules.assignment}
    before = {name: getattr(row, name) for name, new in values.items() if getattr(row, name) != new}
    for name in before:
        setattr(row, name, values[name])
    row.revision += 1
    db.session.flush()
    if before:
        record(
            actor,
            "chat.rules_changed",
            "desk",
            before={name: str(value) for name, value in before.items()},
            after={name: str(values[name]) for name in before},
        )
    assignment.assign_waiting()
    return row


def announce(
    actor: Actor, serbian: str, english: str, until: datetime | None, *, seen: int | None = None
) -> ChatSettings:
    """Put words before every visitor, as of an outage; empty words take them away.

    Args:
        until: when they go by themselves.
        seen: the revision they were written over.

    Raises:
        NotFound: ``actor`` may not set the desk's rules.
        Invalid: too long, in one language only, or until a time that is over.
        Conflict: a colleague has changed the settings meanwhile.
    """
    actor.require(Permission.SET_CHAT)
    serbian, english = one_line(serbian), one_line(english)
    wrong: dict[str, list[Text]] = {}
    for name, text in (("announcement_sr", serbian), ("announcement_en", english)):
        if len(text) > MAX_ANNOUNCEMENT:
            wrong[name] = [lazy_gettext("At most 300 characters.")]
        refuse_pins(text, name)
    if bool(serbian) != bool(english):
        missing = "announcement_en" if serbian else "announcement_sr"
        wrong[missing] = [lazy_gettext("Write it in both languages.")]
    until = until if serbian else None
    if until is not None and until <= clock.now():
        wrong["announced_until"] = [lazy_gettext("This time is in the past.")]
    if wrong:
        raise Invalid(fields=wrong)
    row = queries.desk_settings(lock=True)
    if seen is not None and seen != row.revision:
        raise Conflict
    row.announcement_sr, row.announcement_en, row.announced_until = serbian, english, until
    row.revision += 1
    db.session.flush()
    record(actor, "chat.announced", "desk", serbian=serbian, english=english)
    said = _said(row)
    after_commit(lambda: push("announcement", said, namespace=notifications.VISITOR, rooms=[notifications.VISITORS]))
    return row


def announcement(row: ChatSettings, now: datetime) -> dict[str, str | None] | None:
    """Return what is announced now, in both languages, and until when: a page may be open for longer."""
    over = row.announced_until is not None and row.announced_until <= now
    return None if over or not row.announcement_sr else _said(row)


def _said(row: ChatSettings) -> dict[str, str | None]:
    return {"sr": row.announcement_sr, "en": row.announcement_en, "until": serializers.instant(row.announced_until)}
