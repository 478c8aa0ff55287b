"""Events of the chat desk. Each is checked against the live session; none can speak for another."""

from __future__ import annotations

from contextlib import suppress

from console.chat import notifications, queries, rooms, serializers, tokens
from console.chat.models import LIVE, Chat, MessageKind, chat_key
from console.chat.service import assignment, lifecycle, presence
from console.chat.service import verification as chat_verification
from console.chat.service.blocking import block
from console.chat.service.messages import from_staff
from console.chat.service.stored_masking import mask_by_staff
from console.chat.sockets import desk_loops
from console.chat.writer import current_writer
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Invalid, NoSpace, NotFound
from console.core.push import push
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers.masking import MAX_TOKEN, read_choice
from console.customers.verification import cards
from console.staff.models import StaffSession
from console.staff.roles import Permission
from console.web.connections import Answer, Packet, number, text
from console.web.sockets import StaffConnection, ask_session, has_connections, on_desk, on_desk_unasked

_CHAT = Permission.CHAT
MAX_REASON = 200


@on_desk("desk:join", _CHAT)
def join(desk: StaffConnection, _packet: Packet) -> Answer:
    """Come to the desk: be told of every chat one may see from now on, and of how all stands."""
    desk_loops.start()
    chosen = True
    with suppress(NoSpace), transaction():  # without room for a beat one still sees the chats
        signed_in = db.session.get_one(StaffSession, desk.session_id).created_at
        chosen = presence.is_chosen(presence.arrive(desk.actor), signed_in)
    for room in rooms.of(desk.actor):
        desk.join_room(room)
    return _state(desk.actor) | {"availability_chosen": chosen}


@on_desk("desk:state", _CHAT)
def state(desk: StaffConnection, _packet: Packet) -> Answer:
    """Return how all stands at the desk."""
    return _state(desk.actor)


def _state(actor: Actor) -> Answer:
    chats = [serializers.chat_row(chat) for chat in queries.live_chats(actor)]
    rules = queries.desk_settings()
    return {
        "queue": [row for row in chats if row["status"] == "queued"],
        "mine": [row for row in chats if row["assignee"] and row["assignee"]["id"] == actor.id],
        "all": chats,
        "presence": _presence(),
        "hours": serializers.hours_shape(),
        "rules": {"capacity": rules.capacity, "assignment": rules.assignment.value, "wait_minutes": rules.wait_minutes},
        "me": actor.id,
    }


@on_desk("chat:claim", _CHAT)
def claim(desk: StaffConnection, packet: Packet) -> Answer:
    """Take a chat; where another was first, the code is ``conflict``."""
    with transaction():
        chat = assignment.claim(desk.actor, packet.get("chat"))
    return _opened(desk, chat)


@on_desk("chat:next", _CHAT)
def claim_next(desk: StaffConnection, _packet: Packet) -> Answer:
    """Take the chat that waits for the longest."""
    with transaction():
        chat = assignment.claim_next(desk.actor)
    return _opened(desk, chat)


@on_desk("chat:close", _CHAT)
def close(desk: StaffConnection, packet: Packet) -> Answer:
    """End a chat."""
    with transaction():
        chat = lifecycle.close(desk.actor, packet.get("chat"))
    return {"chat": serializers.chat_whole(chat)}


@on_desk("chat:ticket", Permission.WORK_TICKETS)
def to_ticket(desk: StaffConnection, packet: Packet) -> Answer:
    """Make a chat a ticket."""
    with transaction():
        chat = lifecycle.to_ticket(desk.actor, packet.get("chat"))
    return {"chat": serializers.chat_whole(chat)}


@on_desk("chat:step_in", Permission.LEAD_CHAT)
def step_in(desk: StaffConnection, packet: Packet) -> Answer:
    """Take a colleague's chat over, as a supervisor."""
    with transaction():
        chat = lifecycle.step_in(desk.actor, packet.get("chat"))
    return _opened(desk, chat)


@on_desk("chat:transfer", _CHAT)
def transfer(desk: StaffConnection, packet: Packet) -> Answer:
    """Pass a chat on to a colleague, or to a department's queue."""
    to, department = packet.get("to"), packet.get("department")
    if (to is None) == (department is None):
        raise Invalid(lazy_gettext("Choose a colleague or a department."), fields={"to": []})
    note = packet.get("note") or ""
    if not isinstance(note, str):
        raise Invalid(fields={"note": []})
    with transaction():
        chat = assignment.hand_over(
            desk.actor,
            packet.get("chat"),
            None if to is None else number(packet, "to"),
            None if department is None else number(packet, "department"),
            note,
        )
    return {"chat": serializers.chat_whole(chat)}


@on_desk("chat:watch", _CHAT)
def watch(desk: StaffConnection, packet: Packet) -> Answer:
    """Look at a chat: its messages after a number, and all that comes."""
    after = number(packet, "after") if "after" in packet else 0
    chat = _enter(desk, packet.get("chat"))
    found, files, more = queries.messages(chat.id, after=after, public=False)
    draft = queries.draft_of(desk.actor, chat.id)
    card = chat_verification.open_card(chat) if chat.status in LIVE else None
    return {
        "messages": [
            serializers.message_shape(chat.number, one, files.get(one.seq, ()), outside=False) for one in found
        ],
        "more": more,
        "chat": serializers.chat_whole(chat),
        "draft": None if draft is None else {"kind": draft.kind.value, "body": draft.body},
        "card": None if card is None else {"expires_at": serializers.instant(card.expires_at)},
        "online": _visitor_is_here(chat.number),
    }


@on_desk("chat:unwatch", _CHAT)
def unwatch(desk: StaffConnection, packet: Packet) -> None:
    """Look at a chat no more."""
    desk.leave_room(notifications.room(queries.find_chat(desk.actor, packet.get("chat")).number))


@on_desk("chat:read", _CHAT)
def read(desk: StaffConnection, packet: Packet) -> None:
    """Say up to which number one has read one's own chat."""
    seq = number(packet, "seq")
    with transaction():
        chat = lifecycle.read_by_staff(desk.actor, packet.get("chat"), seq)
        payload = {"chat": chat.number, "seq": chat.seen_by_staff, "by": "staff"}
        mine = chat.assignee_id == desk.actor.id
    if mine:
        push("chat:read", payload, namespace=notifications.VISITOR, rooms=[notifications.room(str(payload["chat"]))])


@on_desk("chat:typing", _CHAT)
def typing(desk: StaffConnection, packet: Packet) -> None:
    """Let the visitor and colleagues see that one writes."""
    chat = queries.find_chat(desk.actor, packet.get("chat"))
    writes = packet.get("typing") is not False
    payload: Answer = {"chat": chat.number, "typing": writes}
    inner = payload | {"sender": {"kind": "staff", "id": desk.actor.id, "name": desk.actor.name}}
    push("chat:typing", inner, namespace=notifications.DESK, rooms=[notifications.room(chat.number)])
    if chat.assignee_id == desk.actor.id and packet.get("kind") != "note":
        outer = payload | {"sender": {"kind": "staff", "name": serializers.first_name(desk.actor.name)}}
        push("chat:typing", outer, namespace=notifications.VISITOR, rooms=[notifications.room(chat.number)])


@on_desk("chat:draft", _CHAT)
def draft(desk: StaffConnection, packet: Packet) -> None:
    """Keep what one has begun to write."""
    body = packet.get("body")
    if not isinstance(body, str):
        raise Invalid(fields={"body": []})
    with transaction():
        lifecycle.save_draft(desk.actor, packet.get("chat"), _kind(packet), body)


@on_desk("chat:block", Permission.LEAD_CHAT)
def block_visitor(desk: StaffConnection, packet: Packet) -> None:
    """Keep the visitor out for some days."""
    with transaction():
        block(desk.actor, packet.get("chat"), text(packet, "reason", MAX_REASON), number(packet, "days"))


@on_desk_unasked("message:send")
def send(desk: StaffConnection, packet: Packet) -> Answer:
    """Say something: a reply to the visitor, or a note among ourselves. Acknowledged, it is stored.

    Who may say it is asked in the writer's transaction, for the whole group at once; a note, whose chat need not be
    one's own, is asked for here.
    """
    kind = _kind(packet)
    key = chat_key(packet.get("chat"))
    if key is None:
        raise NotFound
    if kind is MessageKind.NOTE:
        queries.find_chat(ask_session(desk), packet.get("chat"))
    pins = read_choice(packet.get("mask"), packet.get("not_pin"))
    message = from_staff(
        desk.actor, desk.session_id, key, kind, packet.get("body"), packet.get("client_id"), packet.get("files"), pins
    )
    stored = current_writer().submit(message)
    return {"seq": stored.seq, "at": serializers.instant(stored.at)}


@on_desk("message:mask", _CHAT)
def mask(desk: StaffConnection, packet: Packet) -> Answer:
    """Mask a number in a message that is stored already."""
    token = text(packet, "token", MAX_TOKEN) if "token" in packet else None
    with transaction():
        message = mask_by_staff(desk.actor, packet.get("chat"), number(packet, "seq"), token)
        return {"seq": message.seq, "body": message.body}


@on_desk("verification:request", Permission.VERIFY)
def ask(desk: StaffConnection, packet: Packet) -> Answer:
    """Put a sealed card before the visitor."""
    with transaction():
        chat = queries.find_chat(desk.actor, packet.get("chat"))
        card, _token = cards.ask(desk.actor, chat_verification.channel(chat))
        known = tokens.known_person(chat) is not None
        payload = {"chat": chat.number, "expires_at": serializers.instant(card.expires_at), "known": known}
    places = [notifications.room(str(payload["chat"]))]
    push("verification:requested", payload, namespace=notifications.VISITOR, rooms=places)
    push("verification:requested", payload, namespace=notifications.DESK, rooms=places)
    return payload


@on_desk("verification:withdraw", Permission.VERIFY)
def withdraw(desk: StaffConnection, packet: Packet) -> Answer:
    """Take the sealed card back."""
    with transaction():
        chat = queries.find_chat(desk.actor, packet.get("chat"))
        cards.withdraw(desk.actor, chat_verification.channel(chat))
    return {"chat": serializers.chat_whole(chat)}


@on_desk("presence:set", _CHAT)
def set_presence(desk: StaffConnection, packet: Packet) -> Answer:
    """Say whether one takes chats."""
    with transaction():
        presence.set_state(desk.actor, packet.get("state"), packet.get("reason"))
    return {"presence": _presence()}


def _kind(packet: Packet) -> MessageKind:
    kinds = {"reply": MessageKind.REPLY, "note": MessageKind.NOTE}
    kind = packet.get("kind", "reply")
    if not isinstance(kind, str) or kind not in kinds:
        raise Invalid(fields={"kind": []})
    return kinds[kind]


def _enter(desk: StaffConnection, name: object) -> Chat:
    """Come into a chat's room, then look whether one may: who is shut out meanwhile is in already, and leaves.

    Raises:
        NotFound: no such chat for this person.
    """
    chat = queries.find_chat(desk.actor, name)
    room = notifications.room(chat.number)
    desk.join_room(room)
    try:
        return queries.find_chat(desk.actor, name)
    except NotFound:
        desk.leave_room(room)
        raise


def _opened(desk: StaffConnection, chat: Chat) -> Answer:
    desk.join_room(notifications.room(chat.number))
    return {"chat": serializers.chat_whole(chat)}


def _presence() -> list[serializers.Shape]:
    load, now = queries.load_of(), clock.now()
    grace = queries.desk_settings().grace_seconds
    return [
        serializers.presence_shape(one, load.get(one.staff_id, 0), here=queries.is_here(one, now, grace))
        for one in queries.presences()
    ]


def _visitor_is_here(number: str) -> bool | None:
    """Return whether the visitor has the chat open; ``None``: not in this process, but there may be others."""
    here = has_connections(notifications.room(number), notifications.VISITOR)
    return None if not here and settings().redis_url else here
