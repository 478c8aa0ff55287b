"""Chats as events carry them: the same shape in an answer and in a push."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from console.chat.models import Chat, ChatFile, ChatMessage, ChatStatus, MessageKind, StaffPresence
from console.chat.service.attachments import file_link
from console.chat.tokens import known_person
from console.core import clock
from console.core.context import settings
from console.hours.queries import current_calendar

Shape = dict[str, Any]


def instant(at: datetime | None) -> str | None:
    """Write an instant as RFC 3339 in the configured zone."""
    return None if at is None else _written(at, settings().zone)


@lru_cache(maxsize=64)  # a message's instant is written for the sender, for the desk and for the visitor
def _written(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="milliseconds")


def message_shape(number: str, message: ChatMessage, files: Sequence[ChatFile] = (), *, outside: bool) -> Shape:
    """Return a message.

    Args:
        outside: for the visitor, who reads the first name of the agent.
    """
    return plain_shape(
        number,
        seq=message.seq,
        kind=message.kind,
        name=message.name,
        staff_id=message.staff_id,
        body=message.body,
        data=message.data,
        client_key=message.client_key,
        at=instant(message.at),
        files=files,
        outside=outside,
    )


def plain_shape(
    number: str,
    *,
    seq: int,
    kind: MessageKind,
    name: str,
    staff_id: int | None,
    body: str,
    data: Shape,
    client_key: str,
    at: str | None,
    files: Sequence[ChatFile] = (),
    outside: bool,
) -> Shape:
    """Return a message from its parts: the writer has no rows in hand. ``at`` is what :func:`instant` wrote."""
    sender: Shape = {"kind": "staff" if kind in (MessageKind.REPLY, MessageKind.NOTE) else _sender(kind), "name": name}
    if outside:
        if sender["kind"] == "staff":
            sender["name"] = first_name(name)
    elif staff_id is not None:
        sender["id"] = staff_id
    shape: Shape = {
        "chat": number,
        "seq": seq,
        "kind": kind.value,
        "sender": sender,
        "body": body,
        "at": at,
        "client_id": client_key.partition(":")[2] or None,
    }
    if data:
        shape |= pin_shape(data)
    if kind is MessageKind.EVENT:
        shape["event"] = {key: value for key, value in data.items() if not (outside and key in _INSIDE)}
    if files:
        shape["files"] = [_file(number, file, outside=outside) for file in files]
    return shape


def pin_shape(data: Shape) -> Shape:
    """Return what is told of PINs in a message: how many were masked, how many its writer said are none."""
    return {name: data[name] for name in ("masked", "not_pin") if data.get(name)}


def turned_outside(shape: Shape, number: str, files: Sequence[ChatFile] = ()) -> Shape:
    """Return what the visitor gets of something said, made of what the desk gets: most of it is the same."""
    if shape["sender"]["kind"] == "staff":
        shape = shape | {"sender": {"kind": "staff", "name": first_name(shape["sender"]["name"])}}
    if files:
        shape = shape | {"files": [_file(number, file, outside=True) for file in files]}
    return shape


def _file(number: str, file: ChatFile, *, outside: bool) -> Shape:
    url = f"/chat/files/{file_link(file)}" if outside else f"/console/desk/{number}/files/{file.id}"
    return {"id": file.id, "name": file.name, "size": file.size, "url": url}


_INSIDE = ("inside", "note", "staff", "person", "customer", "to_id", "source")


def _sender(kind: MessageKind) -> str:
    return "visitor" if kind is MessageKind.VISITOR else "system"


def first_name(name: str) -> str:
    """Return what a visitor calls a member of staff."""
    return name.split(maxsplit=1)[0] if name.split() else name


def chat_row(chat: Chat) -> Shape:
    """Return a chat as the desk's lists show it.

    ``name`` is what the visitor wrote; while a verification lasts ``verified_name`` is who they are, and
    ``wrote_as`` the written name where it is another.
    """
    verified = chat.verified_until is not None and chat.verified_until > clock.now()
    return {
        "chat": chat.number,
        "status": chat.status.value,
        "name": chat.name,
        "department": {"id": chat.department_id, "sr": chat.department.name_sr, "en": chat.department.name_en},
        "assignee": None if chat.assignee is None else {"id": chat.assignee.id, "name": chat.assignee.name},
        "waits_since": instant(chat.waits_since),
        "unanswered_since": instant(chat.unanswered_since),
        "last_at": instant(chat.last_at),
        "last_by": chat.last_by,
        "preview": chat.preview,
        "seq": chat.last_seq,
        "seen": chat.seen_by_staff,
        "verified": verified,
        "verified_until": instant(chat.verified_until),
        "verified_name": chat.verified_name if verified else None,
        "wrote_as": chat.wrote_as if verified else None,
        "known": known_person(chat) is not None,
        "ticket": None if chat.ticket is None else chat.ticket.number,
    }


def chat_whole(chat: Chat) -> Shape:
    """Return everything about a chat that the desk may read without a verification."""
    return chat_row(chat) | {
        "email": chat.email,
        "language": chat.language,
        "page": chat.page,
        "created_at": instant(chat.created_at),
        "ended_at": instant(chat.ended_at),
        "seen_by_visitor": chat.seen_by_visitor,
        "customer": None if chat.customer is None else chat.customer.number,
        "rating": chat.rating,
        "rating_comment": chat.rating_comment,
    }


def visitor_state(chat: Chat) -> Shape:
    """Return a chat as its visitor knows it."""
    return {
        "id": chat.number,
        "status": chat.status.value,
        "seq": chat.last_seq,
        "seen": chat.seen_by_staff,
        "mine": chat.seen_by_visitor,
        "agent": None if chat.assignee is None else first_name(chat.assignee.name),
        "verified": chat.verified_until is not None and chat.verified_until > clock.now(),
        "requeued": chat.status is ChatStatus.QUEUED and chat.claimed_at is not None,
        "ended_by": chat.ended_by,
        "ticket": None if chat.ticket is None else chat.ticket.number,
        "rated": chat.rating,
        "name": chat.name,
        "email": chat.email,
        "known": known_person(chat) is not None,
    }


def hours_shape() -> Shape:
    """Return whether it is open, until when, and when it opens next."""
    calendar, _revision = current_calendar()
    now = clock.now()
    closes = calendar.closes_at(now)
    is_open = calendar.is_open(now)
    opens = None if is_open else calendar.next_open(now)
    return {"open": is_open, "closes_at": instant(closes), "next_open": instant(opens), "now": instant(now)}


def presence_shape(one: StaffPresence, active: int, *, here: bool) -> Shape:
    """Return a colleague's presence."""
    return {
        "id": one.staff_id,
        "name": one.staff.name,
        "state": one.state.value,
        "reason": one.reason,
        "here": here,
        "active": active,
        "since": instant(one.changed_at),
    }
