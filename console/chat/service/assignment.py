"""Who gets a chat: the longest waiting first, to an agent of the department who is available and has room.

Taking one is exclusive: the row is locked, and the second to come learns who was first. Where the console gives
chats out by itself, the one settings row is the lock, so that two processes never give one chat twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from console.audit.service import record
from console.chat import notifications, queries, rooms
from console.chat.models import Assignment, Chat, ChatSettings, ChatStatus, StaffPresence
from console.chat.serializers import first_name
from console.chat.service import timeline
from console.chat.service.verification import end_channel
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.text import is_blank
from console.core.texts import lazy_gettext
from console.staff.models import Department, DepartmentMember, Staff
from console.staff.roles import Permission

BATCH = 50


def claim(actor: Actor, number: object) -> Chat:
    """Take a queued chat; one that is one's own already stays so.

    Raises:
        NotFound: no such chat for this person.
        Conflict: another has it, or it is no longer in the queue.
    """
    actor.require(Permission.CHAT)
    chat = queries.lock_chat(actor, number)
    if chat.status is ChatStatus.ACTIVE and chat.assignee_id == actor.id:
        return chat
    if chat.status is ChatStatus.ACTIVE and chat.assignee is not None:
        raise Conflict(
            lazy_gettext("%(name)s has already taken this chat.", name=chat.assignee.name),
            details={"assignee": {"id": chat.assignee.id, "name": chat.assignee.name}},
        )
    if chat.status is not ChatStatus.QUEUED:
        raise Conflict(lazy_gettext("This chat has ended."), code="ended")
    give(actor, chat, actor.id, "claimed")
    return chat


def claim_next(actor: Actor) -> Chat:
    """Take the chat that waits for the longest and is for this person to answer.

    Raises:
        NotFound: no chat waits.
    """
    actor.require(Permission.CHAT)
    query = (
        select(Chat)
        .where(Chat.status == ChatStatus.QUEUED, queries.visible(actor))
        .order_by(Chat.waits_since, Chat.id)
        .limit(1)
        .with_for_update(of=Chat, skip_locked=True)
    )
    chat = db.session.scalar(query.execution_options(populate_existing=True))
    if chat is None:
        raise NotFound(lazy_gettext("No one is waiting."), code="empty")
    give(actor, chat, actor.id, "claimed")
    return chat


def assign_waiting() -> int:
    """Assign waiting chats to agents with room, where the desk works so; return how many were assigned."""
    settings = queries.desk_settings()
    if settings.assignment is not Assignment.PUSH:
        return 0
    settings = queries.desk_settings(lock=True)
    waiting = _waiting()
    if not waiting:
        return 0
    free = _free(settings)
    assigned = 0
    for chat in waiting:
        staff_id = _choose(chat, free)
        if staff_id is not None:
            give(SYSTEM, chat, staff_id, "assigned")
            free[staff_id] -= 1
            assigned += 1
    return assigned


def hand_over(actor: Actor, number: object, to: int | None, department: int | None, note: str) -> Chat:
    """Pass a chat on: to a colleague, or back to the queue of a department. What was verified in it ends.

    Raises:
        NotFound: no such chat for this person, or no such colleague or department.
        Conflict: ``not_yours``: it is another's chat.
    """
    from console.chat.service.messages import clean, write_note

    actor.require(Permission.CHAT)
    chat = queries.lock_chat(actor, number)
    mine = chat.assignee_id == actor.id or actor.may(Permission.LEAD_CHAT)
    if not chat.is_live or not mine:
        raise Conflict(lazy_gettext("You can only transfer your own chats."), code="not_yours")
    rooms.leave_hidden(chat)  # before the note, which is for those it is passed to
    if not is_blank(note):
        write_note(actor, chat, clean(note))
    if department is not None:
        place = db.session.get(Department, department)
        if place is None or not place.active:
            raise NotFound
        chat.department_id = place.id
        db.session.flush()
        db.session.refresh(chat, ["department"])
    if to is None:
        requeue(actor, chat, "passed_on")
        assign_waiting()
    else:
        if to not in works_on(chat, [to]):
            raise NotFound(lazy_gettext("This colleague does not take chats in that department."))
        give(actor, chat, to, "transferred")
    return chat


def requeue(actor: Actor, chat: Chat, why: str) -> None:
    """Put a locked chat back into the queue, at the place its waiting has earned."""
    rooms.leave_hidden(chat)
    end_channel(chat)
    before = chat.assignee.name if chat.assignee is not None else None
    chat.status = ChatStatus.QUEUED
    chat.assignee = None
    chat.queued_at = clock.now()
    chat.waits_since = chat.unanswered_since or chat.queued_at
    timeline.event(actor, chat, "requeued", why=why, staff=before)
    record(actor, "chat.requeued", chat.number, why=why)
    notifications.state(chat)


def works_on(chat: Chat, staff: Sequence[int]) -> set[int]:
    """Return which of ``staff`` work at the chat desk and in the chat's department.

    A department without members is open to all agents.
    """
    members = set(
        db.session.scalars(
            select(DepartmentMember.staff_id).where(DepartmentMember.department_id == chat.department_id)
        )
    )
    people = db.session.scalars(select(Staff).where(Staff.id.in_(staff), Staff.active.is_(True)))
    return {
        one.id
        for one in people
        if one.actor().may(Permission.CHAT) and (not members or one.id in members or one.actor().may(Permission.REVIEW))
    }


def give(actor: Actor, chat: Chat, staff_id: int | None, what: str) -> None:
    """Assign a locked chat."""
    rooms.leave_hidden(chat)
    if chat.assignee_id is not None and chat.assignee_id != staff_id:
        end_channel(chat)
    staff = db.session.get_one(Staff, staff_id)
    chat.status = ChatStatus.ACTIVE
    chat.assignee = staff
    chat.claimed_at = chat.claimed_at or clock.now()
    timeline.event(actor, chat, what, staff=staff.name, to=first_name(staff.name))
    record(actor, f"chat.{what}", chat.number, to=staff.id)
    notifications.state(chat)


def _waiting() -> list[Chat]:
    query = (
        select(Chat)
        .where(Chat.status == ChatStatus.QUEUED)
        .order_by(Chat.waits_since, Chat.id)
        .limit(BATCH)
        .with_for_update(of=Chat, skip_locked=True)
    )
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def _free(settings: ChatSettings) -> dict[int, int]:
    """Return how many chats more each available colleague can take."""
    load = queries.load_of()
    here: list[StaffPresence] = queries.available(clock.now(), settings.grace_seconds)
    room = {one.staff_id: settings.capacity - load.get(one.staff_id, 0) for one in here}
    return {staff: left for staff, left in room.items() if left > 0}


def _choose(chat: Chat, free: dict[int, int]) -> int | None:
    """Return who has the most room among those who answer the chat's department."""
    able = works_on(chat, [staff for staff, left in free.items() if left > 0])
    return max(sorted(able), key=lambda staff: free[staff], default=None)
