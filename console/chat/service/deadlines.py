"""What time does to chats: a wait or a verification that ends, closing time, the hard limit, an agent who is gone.

Any number of workers may sweep at once. Each chat is looked at again under its lock, in a transaction of its own, so
that two sweepers make one ticket, and one that is killed in the middle leaves the rest to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, String, cast, exists, literal, or_, select

from console.chat import notifications, queries, serializers
from console.chat.models import CHAT_BASE, LIVE, Chat, ChatSettings, ChatStatus
from console.chat.service import assignment, conversion, presence, timeline, verification
from console.chat.service.verification import ChatChannel
from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.errors import Busy, NoSpace, Unavailable
from console.core.logging import get_logger
from console.core.push import push
from console.core.series import Series
from console.core.transaction import after_commit, transaction
from console.customers.models import Verification
from console.hours.calendar import Calendar
from console.hours.queries import current_calendar

log = get_logger(__name__)

BATCH = 500
LOOKS_BACK = timedelta(days=7)
Act = Callable[[Chat, datetime], bool]


def sweep() -> int:
    """Do everything that is due now; return how many chats were changed."""
    # A look without locks: on most runs there is nothing to do.
    rules = _Rules(queries.desk_settings(), current_calendar()[0], clock.now())
    db.session.rollback()
    changed = 0
    for due, act in (
        (rules.unclaimed, rules.convert_unclaimed),
        (rules.closing_soon, rules.notice),
        (rules.over_limit, rules.to_ticket),
        (rules.of_the_gone, rules.put_back),
        (rules.of_ended_verifications, rules.note_ended),
    ):
        changed += _each(due(), act)
    if rules.calendar.is_open(rules.now):
        with transaction():
            changed += assignment.assign_waiting()
    if changed:
        log.info("chats swept", changed=changed)
    return changed


class _Rules:
    """What is due, and what is done about it."""

    def __init__(self, settings: ChatSettings, calendar: Calendar, now: datetime) -> None:
        self.wait = timedelta(minutes=settings.wait_minutes)
        self.ahead = timedelta(minutes=settings.notice_minutes)
        self.limit = timedelta(minutes=settings.limit_minutes)
        self.grace = settings.grace_seconds
        self.calendar = calendar
        self.now = now

    # --- the queue ---

    def unclaimed(self) -> list[int]:
        """Return the queued chats that waited too long, or all of them where it is closed."""
        query = select(Chat.id).where(Chat.status == ChatStatus.QUEUED)
        if self.calendar.is_open(self.now):
            query = query.where(Chat.queued_at <= self.now - self.wait)
        return _keys(query)

    def convert_unclaimed(self, chat: Chat, now: datetime) -> bool:
        if chat.status is not ChatStatus.QUEUED:
            return False
        is_open = self.calendar.is_open(now)
        if is_open and chat.queued_at > now - self.wait:
            return False
        conversion.make_ticket(SYSTEM, chat, "unclaimed" if is_open else "closing")
        return True

    # --- the end of the day ---

    def closing_soon(self) -> list[int]:
        """Return the open chats that are to be told that closing time is near."""
        closes = self.calendar.closes_at(self.now)
        if closes is None or closes - self.now > self.ahead:
            return []
        not_noticed = or_(Chat.noticed_at.is_(None), Chat.noticed_at < closes - self.ahead)
        return _keys(select(Chat.id).where(Chat.status.in_(LIVE), not_noticed))

    def notice(self, chat: Chat, now: datetime) -> bool:
        closes = self.calendar.closes_at(now)
        if not chat.is_live or closes is None:
            return False
        if chat.noticed_at is not None and chat.noticed_at >= closes - self.ahead:
            return False
        chat.noticed_at = now
        timeline.event(SYSTEM, chat, "closing_soon", closes_at=serializers.instant(closes))
        payload = {"chat": chat.number, "closes_at": serializers.instant(closes)}
        number = chat.number
        after_commit(
            lambda: push("hours:closing", payload, namespace=notifications.VISITOR, rooms=[notifications.room(number)])
        )
        after_commit(
            lambda: push("hours:closing", payload, namespace=notifications.DESK, rooms=[notifications.room(number)])
        )
        return True

    def over_limit(self) -> list[int]:
        """Return the active chats that have gone on for too long after closing."""
        if self.closed_for() < self.limit:
            return []
        return _keys(select(Chat.id).where(Chat.status == ChatStatus.ACTIVE))

    def to_ticket(self, chat: Chat, _now: datetime) -> bool:
        if chat.status is not ChatStatus.ACTIVE or self.closed_for() < self.limit:
            return False
        conversion.make_ticket(SYSTEM, chat, "limit")
        return True

    def closed_for(self) -> timedelta:
        """Return for how long it has been closed; less than nothing while it is open."""
        if self.calendar.is_open(self.now):
            return timedelta(-1)
        spans = self.calendar.spans(self.now - LOOKS_BACK, self.now)
        return self.now - spans[-1][1] if spans else LOOKS_BACK

    # --- agents who are gone ---

    def of_the_gone(self) -> list[int]:
        """Return the active chats whose agent lost the connection longer ago than the grace period."""
        gone = presence.gone_since(self.now, self.grace)
        return (
            _keys(select(Chat.id).where(Chat.status == ChatStatus.ACTIVE, Chat.assignee_id.in_(gone))) if gone else []
        )

    def put_back(self, chat: Chat, now: datetime) -> bool:
        if chat.status is not ChatStatus.ACTIVE or chat.assignee_id not in presence.gone_since(now, self.grace):
            return False
        if self.calendar.is_open(now):
            assignment.requeue(SYSTEM, chat, "agent_gone")
        else:
            conversion.make_ticket(SYSTEM, chat, "agent_gone")
        return True

    # --- verifications that ended elsewhere: the person left the account, or has a new PIN ---

    def of_ended_verifications(self) -> list[int]:
        """Return the active chats that say their visitor is verified, who no longer is."""
        query = select(Chat.id).where(Chat.status == ChatStatus.ACTIVE, Chat.verified_until > self.now)
        return _keys(query.where(~_verified(self.now)))

    def note_ended(self, chat: Chat, now: datetime) -> bool:
        still = select(Chat.id).where(Chat.id == chat.id, _verified(now))
        if chat.verified_until is None or db.session.scalar(still) is not None:
            return False
        ChatChannel(chat).note_ended(SYSTEM)
        return True


def _verified(now: datetime) -> ColumnElement[bool]:
    """Return "a verification made in this chat is live"."""
    return exists().where(
        Verification.channel
        == literal(f"{verification.KIND}:{Series.CHAT.value}-") + cast(Chat.id + CHAT_BASE, String),
        Verification.ended_at.is_(None),
        Verification.expires_at > now,
    )


def _keys(query: Select[int]) -> list[int]:
    found = list(db.session.scalars(query.order_by(Chat.id).limit(BATCH)))
    db.session.rollback()
    return found


def _each(keys: Iterable[int], act: Act) -> int:
    """Do something to each chat, under its lock, in its own transaction. One that another holds is left to it.

    One that cannot be dealt with stops no other.
    """
    changed = 0
    for key in keys:
        try:
            with transaction():
                query = select(Chat).where(Chat.id == key).with_for_update(of=Chat, skip_locked=True)
                chat = db.session.scalar(query.execution_options(populate_existing=True))
                changed += chat is not None and act(chat, clock.now())
        except (Busy, NoSpace, Unavailable):
            raise
        except Exception:
            log.exception("a chat was not swept", chat=key)
    return changed
