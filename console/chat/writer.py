"""The one writer of chat messages in a process: what waits is stored as one group, in one commit.

A commit costs the same for one row and for hundreds. So handlers put their message down and wait; the writer takes
whatever has gathered, stores it in one transaction in which it asks again whether each may be sent, and only then
are the senders told and the others shown. When a group fails its messages are tried singly, so that one bad row
fails alone.

Where nothing is patched (tests, commands) a message is a group of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import gevent
from flask import Flask, current_app
from gevent.event import AsyncResult, Event
from gevent.monkey import is_module_patched
from sqlalchemy import Connection, Table, bindparam, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from console.chat import notifications, serializers
from console.chat.models import Chat, ChatFile, ChatMessage, ChatStatus, MessageKind, chat_number
from console.chat.service import verification as chat_verification
from console.chat.service.messages import Outgoing
from console.core import bulk, clock
from console.core.context import settings
from console.core.db import db
from console.core.errors import Busy, Invalid, NoSpace, NotFound, Refusal, Reused, SignInNeeded, Unavailable
from console.core.logging import get_logger
from console.core.sessions import is_live
from console.core.text import preview
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers import stored_masking
from console.customers.masking import PinLike, mask_pins
from console.customers.pin_detection import find_pins
from console.staff.models import Staff, StaffSession
from console.staff.roles import PERMISSIONS, Permission
from console.staff.sessions import may_be_in

log = get_logger(__name__)

_MESSAGES: Table = ChatMessage.__table__  # type: ignore[assignment]
_CHATS: Table = Chat.__table__  # type: ignore[assignment]
GROUP = 500
PATIENCE = 30  # seconds a handler waits for its group


@dataclass(slots=True)
class Stored:
    """A message that is in the database. ``again``: it was there before."""

    seq: int
    at: datetime
    again: bool = False


Outcome = Stored | Refusal


@dataclass(slots=True)
class _Earlier:
    """What was stored under a client's id, to be compared with what comes under it again.

    ``files``: their keys, where this group stores it; else how many ``data`` says.
    """

    stored: Stored
    kind: MessageKind
    body: str
    data: dict[str, Any]
    files: tuple[int, ...] | None = None


@dataclass(slots=True)
class _LockedChat:
    """A locked chat as its group finds and leaves it."""

    number: str
    status: ChatStatus
    assignee_id: int | None
    last_seq: int
    unanswered_since: datetime | None
    first_answered_at: datetime | None
    seen_by_staff: int
    changed: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Group:
    """What one transaction stores, and when: ``at`` is the instant as events carry it."""

    at: str | None
    rows: list[dict[str, Any]] = field(default_factory=list)
    pushes: list[tuple[str, serializers.Shape, serializers.Shape | None]] = field(default_factory=list)
    files: list[tuple[list[int], int]] = field(default_factory=list)
    chats: set[int] = field(default_factory=set)


class Writer:
    """Stores messages in groups. One for each process."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._waiting: list[tuple[Outgoing, AsyncResult]] = []
        self._wake = Event()
        self._loop: gevent.Greenlet | None = None

    def submit(self, message: Outgoing) -> Stored:
        """Store a message and return when it is stored.

        Raises:
            Refusal: it may not be said; nothing was stored.
            Busy: it is not known to be stored; sent again with its id, it is stored once.
        """
        if not is_module_patched("socket"):
            (outcome,) = store_messages([message])
        else:
            result = AsyncResult()
            self._waiting.append((message, result))
            if self._loop is None or self._loop.dead:
                self._loop = gevent.spawn(self._run)
            self._wake.set()
            try:
                outcome = result.get(timeout=PATIENCE)
            except gevent.Timeout:
                raise Busy from None
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._waiting:
                gevent.sleep(0)  # what has come in meanwhile is read first: it goes along in this group
                group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
                with self._app.app_context():
                    self._store_and_tell(group)

    def _store_and_tell(self, group: list[tuple[Outgoing, AsyncResult]]) -> None:
        pushes: list[Any] = []
        outcomes = store_messages([message for message, _result in group], pushes)
        for (_message, result), outcome in zip(group, outcomes, strict=True):
            result.set(outcome)
        gevent.sleep(0)  # the senders are told first
        for push in pushes:
            notifications.push_message(*push)


def current_writer() -> Writer:
    """Return this application's writer."""
    found: Writer = current_app.extensions.setdefault("chat_writer", None) or Writer(current_app._get_current_object())  # type: ignore[attr-defined]
    current_app.extensions["chat_writer"] = found
    return found


def store_messages(messages: Sequence[Outgoing], pushes: list[Any] | None = None) -> list[Outcome]:
    """Store messages as one group; where that fails, singly.

    Args:
        pushes: gathers what is to be shown; without it, it is shown at once.
    """
    try:
        outcomes, group = _store_group(messages)
    except (Unavailable, NoSpace) as refusal:  # singly they would fare no better; their senders try again by their ids
        log.warning("messages cannot be stored", count=len(messages), code=refusal.code)
        return [refusal] * len(messages)
    except Exception as error:
        db.session.rollback()
        if len(messages) == 1:
            if isinstance(error, Refusal):
                return [error]
            log.exception("a message could not be stored")
            return [Busy()]
        log.warning("a group of messages failed; each is tried separately", count=len(messages))
        return [outcome for one in messages for outcome in store_messages([one], pushes)]
    for key in group.chats:
        notifications.touched(key)
    if pushes is None:
        for push in group.pushes:
            notifications.push_message(*push)
    else:
        pushes.extend(group.pushes)
    return outcomes


def _store_group(messages: Sequence[Outgoing]) -> tuple[list[Outcome], _Group]:
    """Store a group. That one of it is there already is rare: the table's own constraint finds it, then all look."""
    try:
        return _write_group(messages, look_up=False)
    except IntegrityError:
        return _write_group(messages, look_up=True)


def _write_group(messages: Sequence[Outgoing], *, look_up: bool) -> tuple[list[Outcome], _Group]:
    """Store a group in one transaction.

    Args:
        look_up: which of them are stored already is asked first; else only where one of them is refused, because
            what was stored before its chat ended is not refused when it is sent again.
    """
    with transaction() as session:
        connection = session.connection()
        staff = _permissions_by_session(connection, messages)
        files = _load_files(messages)
        now = clock.now()
        earlier = _stored_earlier(connection, messages) if look_up else {}
        with_card = _chats_with_card(messages)
        states, group = _lock_chats(connection, messages), _Group(serializers.instant(now))
        outcomes = [_append(one, states, earlier, staff, files, with_card, now, group) for one in messages]
        if not look_up and any(isinstance(outcome, Refusal) for outcome in outcomes):
            earlier = _stored_earlier(connection, messages)
            states, group = _lock_chats(connection, messages), _Group(serializers.instant(now))
            outcomes = [_append(one, states, earlier, staff, files, with_card, now, group) for one in messages]
        if group.rows:
            bulk.insert_and_update(connection, _MESSAGES, group.rows, _CHATS, *_chat_updates(states))
        for keys, seq in group.files:
            session.execute(update(ChatFile).where(ChatFile.id.in_(keys)).values(seq=seq))
    return outcomes, group


# Made once: building and compiling a statement costs as much as running it.
_CHATS_TO_LOCK = bulk.ByKeys(
    select(
        Chat.id,
        Chat.status,
        Chat.assignee_id,
        Chat.last_seq,
        Chat.unanswered_since,
        Chat.first_answered_at,
        Chat.seen_by_staff,
    )
    .order_by(Chat.id)
    .with_for_update(),
    Chat.id,
)
_BY_CLIENT_KEY = select(
    ChatMessage.chat_id,
    ChatMessage.client_key,
    ChatMessage.seq,
    ChatMessage.at,
    ChatMessage.kind,
    ChatMessage.body,
    ChatMessage.data,
).where(tuple_(ChatMessage.chat_id, ChatMessage.client_key).in_(bindparam("pairs", expanding=True)))
_SESSIONS = bulk.ByKeys(
    select(
        StaffSession.id,
        StaffSession.revoked_at,
        StaffSession.expires_at,
        StaffSession.seen_at,
        Staff.active,
        Staff.password_temporary,
        Staff.totp_secret,
        Staff.role,
    ).join(Staff, Staff.id == StaffSession.staff_id),
    StaffSession.id,
)


def _lock_chats(connection: Connection, messages: Sequence[Outgoing]) -> dict[int, _LockedChat]:
    rows = _CHATS_TO_LOCK.read(connection, (one.chat_id for one in messages))
    return {row[0]: _LockedChat(chat_number(row[0]), *row[1:]) for row in rows}


def _stored_earlier(connection: Connection, messages: Sequence[Outgoing]) -> dict[tuple[int, str], _Earlier]:
    """Return which of the messages' ids are stored already, and with what."""
    rows = connection.execute(_BY_CLIENT_KEY, {"pairs": [(one.chat_id, one.client_key) for one in messages]})
    return {(row[0], row[1]): _Earlier(Stored(row[2], row[3], again=True), *row[4:]) for row in rows}


def _chats_with_card(messages: Sequence[Outgoing]) -> frozenset[int]:
    """Return the chats with an open card in which a message claims that a number is no PIN. Nearly always none."""
    keys = {one.chat_id for one in messages if one.data.get("not_pin")}
    return chat_verification.with_open_card(keys) if keys else frozenset()


def _permissions_by_session(connection: Connection, messages: Sequence[Outgoing]) -> dict[int, frozenset[str]]:
    """Return what each sign-in session may do now: one that has ended, nothing."""
    keys = {one.staff_session for one in messages if one.staff_session is not None}
    if not keys:
        return {}
    now, idle = clock.now(), timedelta(minutes=settings().session_idle_minutes)
    return {
        row.id: PERMISSIONS[row.role]
        for row in _SESSIONS.read(connection, keys)
        if is_live(row, now, idle) and may_be_in(row)
    }


def _load_files(messages: Sequence[Outgoing]) -> dict[int, ChatFile]:
    keys = {key for one in messages for key in one.files}
    if not keys:
        return {}
    return {file.id: file for file in db.session.scalars(select(ChatFile).where(ChatFile.id.in_(keys)))}


def _append(
    one: Outgoing,
    states: dict[int, _LockedChat],
    earlier: dict[tuple[int, str], _Earlier],
    staff: dict[int, frozenset[str]],
    files: dict[int, ChatFile],
    with_card: frozenset[int],
    now: datetime,
    group: _Group,
) -> Outcome:
    """Give a message its place in its chat, or say why it has none."""
    again = earlier.get((one.chat_id, one.client_key))
    state = states.get(one.chat_id)
    refusal = _refuse(one, state, staff)
    if isinstance(refusal, SignInNeeded):
        return refusal
    disbelieved = one.chat_id in with_card and bool(one.data.get("not_pin"))
    if disbelieved and one.mask:
        one.body, count = mask_pins(one.body)
        one.data, disbelieved = {"masked": one.data.get("masked", 0) + count}, False
    if again is not None:
        return again.stored if _is_the_same(one, again, files) else Reused()
    if refusal is not None or state is None:
        return refusal or NotFound()
    if disbelieved:
        return PinLike("body", [token.text for token in find_pins(one.body)], only_mask=True, card=True)
    held = one.attachments(files)
    if held is None:
        return Invalid(fields={"files": [lazy_gettext("A file is missing. Attach it again.")]})
    state.last_seq += 1
    seq = state.last_seq
    data = one.data | ({"files": len(held)} if held else {})
    group.rows.append(
        {
            "chat_id": one.chat_id,
            "seq": seq,
            "kind": one.kind,
            "staff_id": one.staff_id,
            "name": one.name,
            "body": one.body,
            "data": data,
            "client_key": one.client_key,
            "at": now,
        }
    )
    if held:
        group.files.append(([file.id for file in held], seq))
    _update_chat(state, one, seq, now, held)
    _add_pushes(one, state, seq, data, held, group)
    stored = Stored(seq, now)
    earlier[one.chat_id, one.client_key] = _Earlier(Stored(seq, now, again=True), one.kind, one.body, data, one.files)
    group.chats.add(one.chat_id)
    return stored


def _is_the_same(one: Outgoing, earlier: _Earlier, files: dict[int, ChatFile]) -> bool:
    """Return whether a message says what was stored under its id. Both are compared as they are stored: masked."""
    if one.kind is not earlier.kind or not stored_masking.had_text(earlier.body, earlier.data, one.body):
        return False
    if earlier.files is not None:
        return set(one.files) == set(earlier.files)
    held = [files.get(key) for key in one.files]
    sent = [file for file in held if file is not None and (file.chat_id, file.seq) == (one.chat_id, earlier.stored.seq)]
    return len(sent) == len(held) and len(held) == int(earlier.data.get("files", 0))


def _refuse(one: Outgoing, state: _LockedChat | None, staff: dict[int, frozenset[str]]) -> Refusal | None:
    if one.staff_session is not None:
        may = staff.get(one.staff_session)
        if may is None:
            return SignInNeeded()
        if Permission.CHAT not in may:
            return NotFound(code="not_allowed")
    return NotFound() if state is None else one.refused_in(state.status, state.assignee_id)


def _update_chat(state: _LockedChat, one: Outgoing, seq: int, now: datetime, held: list[ChatFile]) -> None:
    """Bring what the chat repeats of its messages up to date."""
    state.changed["seq"] = seq
    if one.kind is MessageKind.NOTE:
        return
    state.changed |= {
        "last_at": now,
        "last_by": "visitor" if one.kind is MessageKind.VISITOR else "staff",
        "preview": preview(one.body or (held[0].name if held else "")),
    }
    if one.kind is MessageKind.VISITOR:
        state.unanswered_since = state.unanswered_since or now
    else:
        state.unanswered_since = None
        state.first_answered_at = state.first_answered_at or now
        state.seen_by_staff = seq


def _add_pushes(
    one: Outgoing, state: _LockedChat, seq: int, data: dict[str, Any], held: list[ChatFile], group: _Group
) -> None:
    inner = serializers.plain_shape(
        state.number,
        seq=seq,
        kind=one.kind,
        name=one.name,
        staff_id=one.staff_id,
        body=one.body,
        data=data,
        client_key=one.client_key,
        at=group.at,
        files=held,
        outside=False,
    )
    outer = None if one.kind is MessageKind.NOTE else serializers.turned_outside(inner, state.number, held)
    group.pushes.append((state.number, inner, outer))


def _chat_updates(states: dict[int, _LockedChat]) -> tuple[list[bulk.Row], list[bulk.Row]]:
    """Return what is to be written of the chats in which something was said, and of those with a note."""
    rows: list[bulk.Row] = []
    noted: list[bulk.Row] = []
    for key, state in states.items():
        if "last_at" in state.changed:
            rows.append(
                {
                    "id": key,
                    "last_seq": state.last_seq,
                    "last_at": state.changed["last_at"],
                    "last_by": state.changed["last_by"],
                    "preview": state.changed["preview"],
                    "unanswered_since": state.unanswered_since,
                    "first_answered_at": state.first_answered_at,
                    "seen_by_staff": state.seen_by_staff,
                }
            )
        elif state.changed:
            noted.append({"id": key, "last_seq": state.last_seq})
    return rows, noted
