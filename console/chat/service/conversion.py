"""From chat to ticket: one ticket, no matter who asks for it or how often.

The ticket holds what was said (our notes excepted), its answer goes to the address the visitor gave,
and it names the chat as the chat names it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from console.audit.service import record
from console.chat import notifications
from console.chat import search as chat_search
from console.chat.models import Chat, ChatFile, ChatMessage, ChatStatus, MessageKind
from console.chat.service import timeline
from console.chat.service.verification import end_channel
from console.core import clock
from console.core.actor import Actor
from console.core.context import files as file_store
from console.core.context import settings
from console.core.db import db
from console.core.text import shorten
from console.tickets.models import MAX_BODY, Ticket, TicketSource
from console.tickets.service.attachments import MOST
from console.tickets.service.opening import NewTicket, open_ticket
from console.tickets.service.threads import has_left

SUBJECT = 80
_CUT = "…"


def make_ticket(actor: Actor, chat: Chat, why: str) -> Ticket:
    """Turn a locked chat into a ticket; one that became a ticket before gives that one.

    Args:
        actor: who asked for it; the system and the visitor need no permission.
        why: ``closed_hours``, ``unclaimed``, ``closing``, ``limit``, ``agent`` or ``visitor``.
    """
    if chat.ticket is not None:
        return chat.ticket
    messages = db.session.scalars(
        select(ChatMessage)
        .where(ChatMessage.chat_id == chat.id, ChatMessage.kind.in_([MessageKind.VISITOR, MessageKind.REPLY]))
        .order_by(ChatMessage.seq)
    ).all()
    ticket = open_ticket(
        actor,
        NewTicket(
            subject=_subject(messages),
            body=_body(messages),
            requester_email=chat.email,
            requester_name=chat.name,
            language=chat.language,
            # An account only where the system itself verified the visitor of this chat, and they are still on it.
            customer_id=None if has_left(chat.customer_id, chat.email) else chat.customer_id,
            department_id=chat.department_id,
            source=TicketSource.CHAT,
            assignee_id=chat.assignee_id if why == "agent" else None,
            files=tuple(_files(chat)),
            data={"chat": chat.number},
            continues=True,
            masked=True,
        ),
    )
    chat.ticket = ticket
    _end(chat, ChatStatus.TICKETED, "visitor" if why in ("closed_hours", "visitor") else actor.kind)
    timeline.event(actor, chat, "ticketed", why=why, number=ticket.number)
    notifications.state(chat)
    record(actor, "chat.ticketed", chat.number, customer_id=chat.customer_id, ticket=ticket.number, why=why)
    return ticket


def end_chat(actor: Actor, chat: Chat, by: str) -> bool:
    """Close a locked chat; tell whether it was open."""
    if not chat.is_live:
        return False
    _end(chat, ChatStatus.CLOSED, by)
    timeline.event(actor, chat, "ended", by=by)
    notifications.state(chat)
    record(actor, "chat.closed", chat.number, customer_id=chat.customer_id, by=by)
    return True


def _end(chat: Chat, status: ChatStatus, by: str) -> None:
    """What both endings share: a verification made for the chat ends with it. One that had ended did so then."""
    chat.status = status
    if chat.ended_at is None:
        chat.ended_at, chat.ended_by = clock.now(), by
    chat.unanswered_since = None
    chat.verified_until = None
    end_channel(chat)
    db.session.flush()
    chat_search.index(chat)


def _subject(messages: Sequence[ChatMessage]) -> str:
    first = next((one.body for one in messages if one.body.strip()), "")
    return shorten(first, SUBJECT) or settings().brand


def _body(messages: Sequence[ChatMessage]) -> str:
    """Return what was said: the visitor's words alone where no agent answered, else the conversation with its times.

    Where it is too long, its middle is left out: it begins with the question, and what was said last is not answered.
    """
    if all(one.kind is MessageKind.VISITOR for one in messages):
        text = "\n\n".join(one.body for one in messages)
    else:
        zone = settings().zone
        text = "\n\n".join(f"[{one.at.astimezone(zone):%H:%M}] {one.name}:\n{one.body}" for one in messages)
    if len(text) > MAX_BODY:
        half = (MAX_BODY - 3) // 2
        text = f"{text[:half].rstrip()}\n{_CUT}\n{text[-half:].lstrip()}"
    return text or _CUT


def _files(chat: Chat) -> list[tuple[str, bytes]]:
    """Return the files of the conversation, the newest that a message takes; what the store has lost is left out."""
    query = select(ChatFile).where(ChatFile.chat_id == chat.id, ChatFile.seq.is_not(None))
    found = []
    for file in db.session.scalars(query.order_by(ChatFile.id.desc()).limit(MOST)).all()[::-1]:
        try:
            found.append((file.name, file_store().get(file.digest)))
        except FileNotFoundError:
            continue
    return found
