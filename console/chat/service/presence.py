"""Who is at the desk.

A process says every few seconds whose connections it holds; connections not heard of
for the grace period is gone, whatever took them: their chats go back to the queue.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, update

from console.audit.service import record
from console.chat import notifications, queries
from console.chat.models import Presence, StaffPresence
from console.chat.service import assignment
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Invalid, NotFound
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.core.transaction import after_commit
from console.core.upsert import insert_missing
from console.staff.roles import Permission

BEAT_SECONDS = 10
MAX_REASON = 80
LAPSES = timedelta(minutes=10)  # the longest grace period: after it an agent is back only by opening the desk


def arrive(actor: Actor) -> StaffPresence:
    """Note a connection to the desk. People are as they last were; a new one is away, and is asked."""
    one = _row(actor)
    one.seen_at = clock.now()
    db.session.flush()
    after_commit(notifications.presence_changed)
    if one.state is Presence.AVAILABLE:
        assignment.assign_waiting()
    return one


def set_state(actor: Actor, state: object, reason: object = "") -> StaffPresence:
    """Say whether one takes chats.

    Raises:
        Invalid: no such state.
    """
    if not isinstance(state, str) or state not in set(Presence):
        raise Invalid(fields={"state": [lazy_gettext("Not a valid choice.")]})
    one = _row(actor)
    one.state = Presence(state)
    one.reason = one_line(str(reason or ""))[:MAX_REASON] if one.state is not Presence.AVAILABLE else ""
    one.changed_at = one.chosen_at = one.seen_at = clock.now()
    db.session.flush()
    record(actor, "chat.presence", str(actor.id), state=one.state.value, reason=one.reason)
    after_commit(notifications.presence_changed)
    if one.state is Presence.AVAILABLE:
        assignment.assign_waiting()
    return one


def is_chosen(one: StaffPresence, since: datetime) -> bool:
    """Return whether an agent chose their state since then, as since their sign-in; else the desk asks them."""
    return one.chosen_at is not None and one.chosen_at >= since


def leave(staff_id: int) -> None:
    """Note that a colleague signed out or was disabled: no grace period for them."""
    one = db.session.get(StaffPresence, staff_id)
    if one is not None:
        one.seen_at = None
        db.session.flush()
        after_commit(notifications.presence_changed)


def beat(at_desk: Collection[int], elsewhere: Collection[int] = ()) -> None:
    """Note whose connections this process holds.

    The desk brings people here. Another page of the console keeps them here and no more: who signs in to work on
    tickets, available since yesterday, is given no chats that they do not look for.
    """
    now = clock.now()
    here = StaffPresence.staff_id.in_(sorted(at_desk))
    held = and_(StaffPresence.staff_id.in_(sorted(elsewhere)), StaffPresence.seen_at > now - LAPSES)
    if at_desk or elsewhere:
        db.session.execute(update(StaffPresence).where(or_(here, held)).values(seen_at=now))


def of(actor: Actor) -> StaffPresence | None:
    """Return one's own presence."""
    return db.session.get(StaffPresence, actor.id) if actor.id is not None else None


def gone_since(now: datetime, grace_seconds: int) -> list[int]:
    """Return who has not been heard of for longer than the grace period."""
    return [one.staff_id for one in queries.presences() if not queries.is_here(one, now, grace_seconds)]


def _row(actor: Actor) -> StaffPresence:
    actor.require(Permission.CHAT)
    if actor.kind != "staff" or actor.id is None:
        raise NotFound
    row = {"staff_id": actor.id, "state": Presence.AWAY, "reason": "", "changed_at": clock.now()}
    insert_missing(StaffPresence, [row], StaffPresence.staff_id)
    lock = {"of": StaffPresence}
    return db.session.get_one(StaffPresence, actor.id, with_for_update=lock, populate_existing=True)
