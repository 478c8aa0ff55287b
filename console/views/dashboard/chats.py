"""The dashboard's part about the chat desk: the queue, chats in progress, available agents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select

from console.chat.models import HEAD, Chat, ChatSettings, ChatStatus, Presence, StaffPresence
from console.chat.queries import visible
from console.core.actor import Actor
from console.core.db import seconds_of
from console.core.texts import gettext, ngettext
from console.staff.models import Staff
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


def desk_queries(actor: Actor, now: datetime) -> dict[str, Select[Any]]:
    """Return the selects of one value each, by name: since when the longest waits, and how many agents are available.

    Available is who takes chats and has a connection, or lost it no longer than the grace period ago.
    """
    oldest = select(func.min(Chat.waits_since)).where(Chat.status == ChatStatus.QUEUED, visible(actor))
    available = (
        select(func.count())
        .select_from(StaffPresence)
        .join(Staff, Staff.id == StaffPresence.staff_id)
        .join(ChatSettings, ChatSettings.id == HEAD)
        .where(
            Staff.active.is_(True),
            StaffPresence.state == Presence.AVAILABLE,
            int(now.timestamp()) - seconds_of(StaffPresence.seen_at) < ChatSettings.grace_seconds,
        )
    )
    return {"chat_waits_since": oldest, "chat_available": available}


def tiles(counts: Mapping[str, int], desk: Mapping[str, Any], now: datetime) -> list[Tile]:
    """Return the figures, for those who answer chats.

    Args:
        counts: the results of :func:`count_queries`, by name.
        desk: those of :func:`desk_queries`.
        now: the present.
    """
    mine, available = counts["chat_mine"], desk["chat_available"]
    return [
        _queue(counts["chat_queue"], desk["chat_waits_since"], now),
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
            str(available),
            gettext("online and taking chats") if available else gettext("no one is taking chats"),
            desk_url(),
            "" if available or not counts["chat_queue"] else "danger",
        ),
    ]


def _queue(count: int, waits_since: datetime | None, now: datetime) -> Tile:
    words, mark = gettext("no one waiting"), ""
    if count and waits_since is not None:
        wait = now - waits_since
        words = gettext("the longest for %(time)s", time=duration(wait))
        mark = "danger" if wait >= LATE else "warn" if wait >= SOON else "ok"
    return Tile("queue", gettext("Waiting in chat"), "clock", _number(count), words, desk_url(), mark)


def _number(count: int) -> str:
    return f"{MAX_COUNT}+" if count > MAX_COUNT else str(count)
