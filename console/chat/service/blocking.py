"""Keeping abusers out, for a while, with a reason."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from console.audit.service import record
from console.chat import queries
from console.chat.models import Chat, ChatBlock
from console.chat.service import conversion, timeline
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Invalid, NotFound, Text
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers.masking import mask_pins
from console.staff.roles import Permission

MOST_DAYS = 90
MAX_REASON = 200


def block(actor: Actor, number: object, reason: str, days: int) -> ChatBlock:
    """Block where a chat comes from and the address it gives; an open chat of theirs ends.

    Raises:
        NotFound: no such chat, or no supervisor.
        Invalid: no reason, or not 1 to 90 days.
    """
    actor.require(Permission.LEAD_CHAT)
    reason = mask_pins(one_line(reason))[0]
    wrong: dict[str, list[Text]] = {}
    if not 0 < len(reason) <= MAX_REASON:
        wrong["reason"] = [lazy_gettext("Enter a reason of at most 200 characters.")]
    if not 1 <= days <= MOST_DAYS:
        wrong["days"] = [lazy_gettext("Enter a number from %(least)d to %(most)d.", least=1, most=MOST_DAYS)]
    if wrong:
        raise Invalid(fields=wrong)
    chat = queries.lock_chat(actor, number)
    now = clock.now()
    row = ChatBlock(
        source=chat.source,
        email=chat.email,
        reason=reason,
        staff_id=actor.id or 0,
        created_at=now,
        until=now + timedelta(days=days),
    )
    db.session.add(row)
    db.session.flush()
    if chat.is_live:
        conversion.end_chat(actor, chat, "staff")
    timeline.event(actor, chat, "blocked", inside=True, days=days)
    record(actor, "chat.blocked", chat.number, about=chat.person_id, personal={"reason": reason}, days=days)
    return row


def lift(actor: Actor, key: int) -> ChatBlock:
    """End a block before its time.

    Raises:
        NotFound: there is none, or ``actor`` may not.
    """
    actor.require(Permission.SET_CHAT)
    row = db.session.get(ChatBlock, key, with_for_update=True)
    if row is None:
        raise NotFound
    if row.lifted_at is None:
        row.lifted_at = clock.now()
        record(actor, "chat.unblocked", str(row.id))
    return row


def blocks() -> list[ChatBlock]:
    """Return the blocks in force, newest first."""
    query = select(ChatBlock).where(ChatBlock.lifted_at.is_(None), ChatBlock.until > clock.now())
    return list(db.session.scalars(query.order_by(ChatBlock.id.desc()).limit(200)))


def is_blocked(chat: Chat) -> bool:
    """Return whether where a chat comes from is blocked now."""
    query = select(ChatBlock.id).where(
        ChatBlock.source == chat.source, ChatBlock.lifted_at.is_(None), ChatBlock.until > clock.now()
    )
    return db.session.scalar(query.limit(1)) is not None
