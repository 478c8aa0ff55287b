"""Reading chats: what a member of staff may see, one chat, its messages, the desk's lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.orm import joinedload

from console.chat.models import (
    HEAD,
    LIVE,
    Chat,
    ChatDraft,
    ChatFile,
    ChatMessage,
    ChatSettings,
    ChatStatus,
    MessageKind,
    Presence,
    StaffPresence,
    chat_key,
)
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.customers.models import PersonSession
from console.staff.department_access import in_visible_department, sees_every_department
from console.staff.models import Staff
from console.staff.roles import Permission

PAGE = 200  # messages of one answer
LIST_LIMIT = 200  # rows of a list on the desk


def visible(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "this chat is visible to ``actor``": its department is, or it is their own."""
    actor.require(Permission.CHAT)
    if sees_every_department(actor):
        return true()
    return or_(in_visible_department(actor, Chat.department_id), Chat.assignee_id == actor.id)


def find_chat(actor: Actor, number: object) -> Chat:
    """Return a chat with what a line about it names.

    Raises:
        NotFound: no such chat, or not for this person.
    """
    query = select(Chat).where(Chat.id == (chat_key(number) or 0), visible(actor))
    chat = db.session.scalar(with_names(query))
    if chat is None:
        raise NotFound
    return chat


def lock_chat(actor: Actor, number: object) -> Chat:
    """Return a chat, locked until the transaction ends.

    Raises:
        NotFound: no such chat, or not for this person.
    """
    query = select(Chat).where(Chat.id == (chat_key(number) or 0), visible(actor)).with_for_update(of=Chat)
    chat = db.session.scalar(query.execution_options(populate_existing=True))
    if chat is None:
        raise NotFound
    return chat


def lock_by_key(key: int) -> Chat:
    """Return a chat by its row's key, locked, for callers that need no permission: its visitor, periodic jobs."""
    query = select(Chat).where(Chat.id == key).with_for_update(of=Chat)
    chat = db.session.scalar(query.execution_options(populate_existing=True))
    if chat is None:
        raise NotFound
    return chat


def with_names(query: Select[Chat]) -> Select[Chat]:
    """Load in the same statement what every line about a chat names."""
    return query.options(
        joinedload(Chat.department, innerjoin=True),
        joinedload(Chat.assignee),
        joinedload(Chat.customer),
        joinedload(Chat.ticket),
        joinedload(Chat.person_session).lazyload(PersonSession.person),
    )


def messages(
    chat_id: int, *, after: int = 0, public: bool, limit: int = PAGE
) -> tuple[list[ChatMessage], dict[int, list[ChatFile]], bool]:
    """Return messages with a number above ``after``, their files, and whether there are more.

    Args:
        public: only what the visitor may see.
    """
    query = select(ChatMessage).where(ChatMessage.chat_id == chat_id, ChatMessage.seq > after)
    if public:
        query = query.where(ChatMessage.kind != MessageKind.NOTE)
    found = list(db.session.scalars(query.order_by(ChatMessage.seq).limit(limit + 1)))
    more = len(found) > limit
    found = found[:limit]
    messages = [one for one in found if one.is_public] if public else found
    return messages, files_of(chat_id, [one.seq for one in messages if one.data.get("files")]), more


def files_of(chat_id: int, seqs: Sequence[int]) -> dict[int, list[ChatFile]]:
    """Return the files of some messages by their numbers."""
    found: dict[int, list[ChatFile]] = {}
    if seqs:
        query = select(ChatFile).where(ChatFile.chat_id == chat_id, ChatFile.seq.in_(seqs)).order_by(ChatFile.id)
        for file in db.session.scalars(query):
            found.setdefault(file.seq or 0, []).append(file)
    return found


def live_chats(actor: Actor) -> list[Chat]:
    """Return the chats that are queued or active and for ``actor`` to see, longest waiting first."""
    query = (
        select(Chat).where(Chat.status.in_(LIVE), visible(actor)).order_by(Chat.waits_since, Chat.id).limit(LIST_LIMIT)
    )
    return list(db.session.scalars(with_names(query)))


def some(keys: Iterable[int]) -> list[Chat]:
    """Return chats by their keys."""
    return list(db.session.scalars(with_names(select(Chat).where(Chat.id.in_(sorted(set(keys)))))))


def counts() -> tuple[int, datetime | None, int]:
    """Return how many chats are queued, since when the longest waits, how many are active. One statement."""
    queued = Chat.status == ChatStatus.QUEUED
    row = db.session.execute(
        select(
            func.count().filter(queued).label("queued"),
            func.min(Chat.waits_since).filter(queued).label("oldest"),
            func.count().filter(~queued).label("active"),
        ).where(Chat.status.in_(LIVE))
    ).one()
    return row.queued, row.oldest, row.active


def desk_settings(*, lock: bool = False) -> ChatSettings:
    """Return how the desk works; locked, it serialises assignment."""
    query = select(ChatSettings).where(ChatSettings.id == HEAD)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(query).one()


def load_of() -> dict[int, int]:
    """Return how many active chats each member of staff has."""
    query = (
        select(Chat.assignee_id, func.count())
        .where(Chat.status == ChatStatus.ACTIVE, Chat.assignee_id.is_not(None))
        .group_by(Chat.assignee_id)
    )
    return {row[0]: row[1] for row in db.session.execute(query) if row[0] is not None}


def presences() -> list[StaffPresence]:
    """Return the availability of all active staff who have ever opened the desk."""
    query = (
        select(StaffPresence).join(StaffPresence.staff).where(Staff.active.is_(True)).order_by(Staff.name_key, Staff.id)
    )
    return list(db.session.scalars(query))


def available(now: datetime, grace_seconds: int) -> list[StaffPresence]:
    """Return who takes chats now: available, and connected."""
    return [one for one in presences() if one.state is Presence.AVAILABLE and is_here(one, now, grace_seconds)]


def is_here(one: StaffPresence, now: datetime, grace_seconds: int) -> bool:
    """Return whether a colleague has a connection, or lost it no longer than the grace period ago."""
    return one.seen_at is not None and (now - one.seen_at).total_seconds() < grace_seconds


def draft_of(actor: Actor, chat_id: int) -> ChatDraft | None:
    """Return what this member of staff has begun to write there."""
    return db.session.get(ChatDraft, (chat_id, actor.id)) if actor.id is not None else None


def past_chats(person_id: int, *, before: int | None = None, limit: int) -> list[Chat]:
    """Return the chats that a person had while they were signed in, and that are over, newest first."""
    query = select(Chat).where(Chat.person_id == person_id, Chat.ended_at.is_not(None))
    if before is not None:
        query = query.where(Chat.id < before)
    return list(db.session.scalars(with_names(query.order_by(Chat.id.desc()).limit(limit))))


def find_past_chat(person_id: int, number: str) -> Chat:
    """Return one of them.

    Raises:
        NotFound: there is none, it goes on, or it is another person's.
    """
    query = select(Chat).where(
        Chat.id == (chat_key(number) or 0), Chat.person_id == person_id, Chat.ended_at.is_not(None)
    )
    chat = db.session.scalar(with_names(query))
    if chat is None:
        raise NotFound
    return chat


def earlier_chats(
    actor: Actor, chat: Chat, *, customer_id: int | None, person_id: int | None, limit: int = 10
) -> list[Chat]:
    """Return other chats of a verified account or of a person, newest first; an address alone proves nothing."""
    known = []
    if customer_id is not None:
        known.append(Chat.customer_id == customer_id)
    if person_id is not None:
        known.append(Chat.person_id == person_id)
    if not known:
        return []
    query = select(Chat).where(or_(*known), Chat.id != chat.id, visible(actor)).order_by(Chat.id.desc()).limit(limit)
    return list(db.session.scalars(with_names(query)))
