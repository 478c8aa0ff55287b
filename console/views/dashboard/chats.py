"""The dashboard's part about the chat desk: the queue, chats in progress, available agents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, func, select, true

from console.chat.models import HEAD, Chat, ChatSettings, ChatStatus, Presence, StaffPresence
from console.chat.queries import visible
from console.core.actor import Actor
from console.core.db import db
from console.core.texts import gettext, ngettext
from console.staff.models import Staff
from console.staff.roles import Permission
from console.tickets.list_queries import MAX_COUNT
from console.views.dashboard.tiles import Tile
from console.views.shared.labels.chats import desk_url, duration
from console.views.shared.menu import link

LATE = timedelta(minutes=5)  # a wait as the desk draws it at its worst
SOON = timedelta(minutes=3)


def count_queries(actor: Actor) -> dict[str, Select[int]]:
    """Return the selects to count, by name: only of what this person may see."""
    chats = select(Chat.id).where(visible(actor))
    active = chats.where(Chat.status == ChatStatus.ACTIVE)
    return {
        "chat_queue": chats.where(Chat.status == ChatStatus.QUEUED),
        "chat_active": active,
        "chat_mine": active.where(Chat.assignee_id == actor.id),
    }


@dataclass(frozen=True)
class _Now:
    waits_since: datetime | None
    available: int


def tiles(actor: Actor, counts: dict[str, int], now: datetime) -> list[Tile]:
    """Return the figures, for those who answer chats. One statement besides the counts."""
    if not actor.may(Permission.CHAT):
        return []
    desk = _read(actor, now)
    mine = counts["chat_mine"]
    return [
        _queue(counts["chat_queue"], desk, now),
        Tile(
            "active",
            gettext("Chats in progress"),
            "chat",
            _number(counts["chat_active"]),
            ngettext("%(num)d assigned to me", "%(num)d assigned to me", mine)
            if mine
            else gettext("none assigned to me"),
            link("chats", status="active"),
        ),
        Tile(
            "mine",
            gettext("My chats"),
            "user",
            _number(mine),
            gettext("in live chat"),
            desk_url(),
        ),
        Tile(
            "available",
            gettext("Available agents"),
            "users",
            str(desk.available),
            gettext("online and taking chats") if desk.available else gettext("no one is taking chats"),
            desk_url(),
            "" if desk.available or not counts["chat_queue"] else "danger",
        ),
    ]


def _queue(count: int, desk: _Now, now: datetime) -> Tile:
    words, mark = gettext("no one waiting"), ""
    if count and desk.waits_since is not None:
        wait = now - desk.waits_since
        words = gettext("the longest for %(time)s", time=duration(wait))
        mark = "danger" if wait >= LATE else "warn" if wait >= SOON else "ok"
    return Tile("queue", gettext("Waiting in chat"), "clock", _number(count), words, desk_url(), mark)


def _number(count: int) -> str:
    return f"{MAX_COUNT}+" if count > MAX_COUNT else str(count)


def _read(actor: Actor, now: datetime) -> _Now:
    """Read since when the longest waits and who is there, in one statement."""
    oldest = select(func.min(Chat.waits_since)).where(Chat.status == ChatStatus.QUEUED, visible(actor))
    working = select(Staff.id).where(Staff.active.is_(True))
    taking = and_(StaffPresence.state == Presence.AVAILABLE, StaffPresence.staff_id.in_(working))
    rows = db.session.execute(
        select(ChatSettings.grace_seconds, oldest.scalar_subquery().label("oldest"), StaffPresence.seen_at)
        .outerjoin(StaffPresence, and_(true(), taking))
        .where(ChatSettings.id == HEAD)
    ).all()
    here = [row for row in rows if row.seen_at is not None and (now - row.seen_at).total_seconds() < row.grace_seconds]
    return _Now(rows[0].oldest if rows else None, len(here))
