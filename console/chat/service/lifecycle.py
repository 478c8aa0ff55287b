"""What staff and visitors do with a chat besides writing in it."""

from __future__ import annotations

from console.audit.service import record
from console.chat import mails as chat_mails
from console.chat import notifications, queries
from console.chat.models import MAX_BODY, Chat, ChatDraft, ChatStatus, MessageKind
from console.chat.service import conversion, timeline
from console.chat.service.assignment import assign_waiting, give
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid
from console.core.text import clean, paragraphs
from console.core.texts import lazy_gettext
from console.core.upsert import insert_or_find
from console.customers.masking import mask_pins
from console.staff.roles import Permission

MAX_COMMENT = 2_000


def close(actor: Actor, number: object) -> Chat:
    """End a chat without converting it; one that has ended stays as it is.

    Raises:
        NotFound: no such chat for this person.
        Conflict: another agent's, or not assigned yet.
    """
    actor.require(Permission.CHAT)
    chat = queries.lock_chat(actor, number)
    if chat.is_live:
        _check_mine(actor, chat)
        conversion.end_chat(actor, chat, "staff")
        assign_waiting()
    return chat


def to_ticket(actor: Actor, number: object) -> Chat:
    """Make a chat a ticket, with what was said in it. A closed chat can become one, too.

    Raises:
        NotFound: no such chat for this person.
        Conflict: another agent's chat.
    """
    actor.require(Permission.WORK_TICKETS)
    chat = queries.lock_chat(actor, number)
    if chat.ticket_id is None:
        if chat.status is ChatStatus.ACTIVE:
            _check_mine(actor, chat)
        conversion.make_ticket(actor, chat, "agent")
        assign_waiting()
    return chat


def step_in(actor: Actor, number: object) -> Chat:
    """Take an active chat over from a colleague, as a supervisor.

    Raises:
        NotFound: no such chat, or no supervisor.
        Conflict: it has ended.
    """
    actor.require(Permission.LEAD_CHAT)
    chat = queries.lock_chat(actor, number)
    if not chat.is_live:
        raise Conflict(lazy_gettext("This chat has ended."), code="ended")
    if chat.assignee_id != actor.id:
        give(actor, chat, actor.id, "stepped_in")
    return chat


def read_by_staff(actor: Actor, number: object, seq: int) -> Chat:
    """Note how far the chat was read here. Only its own agent's reading counts."""
    chat = queries.lock_chat(actor, number)
    if chat.assignee_id == actor.id and chat.seen_by_staff < min(seq, chat.last_seq):
        chat.seen_by_staff = min(seq, chat.last_seq)
        notifications.touch(chat)
    return chat


def read_by_visitor(chat_id: int, seq: int) -> Chat:
    """Note how far the visitor has read."""
    chat = queries.lock_by_key(chat_id)
    chat.seen_by_visitor = max(chat.seen_by_visitor, min(seq, chat.last_seq))
    return chat


def end_by_visitor(visitor: Actor, chat_id: int) -> Chat:
    """End one's own chat. An unanswered question is not lost: it becomes a ticket."""
    chat = queries.lock_by_key(chat_id)
    if chat.status is ChatStatus.QUEUED:
        conversion.make_ticket(visitor, chat, "visitor")
    else:
        conversion.end_chat(visitor, chat, "visitor")
    assign_waiting()
    return chat


def rate(visitor: Actor, chat_id: int, score: object, comment: object = "") -> Chat:
    """Note how content the visitor was, once, when the chat is over.

    Raises:
        Invalid: no such score, or too much text.
        Conflict: ``rated`` already, or ``open`` still.
    """
    chat = queries.lock_by_key(chat_id)
    if type(score) is not int or not 1 <= score <= 5:
        raise Invalid(fields={"score": [lazy_gettext("Choose a rating from 1 to 5.")]})
    text = mask_pins(paragraphs(comment if isinstance(comment, str) else ""))[0]
    if len(text) > MAX_COMMENT:
        raise Invalid(fields={"comment": [lazy_gettext("The comment is too long.")]})
    if chat.rating is not None:
        raise Conflict(lazy_gettext("You have already rated this chat. Thank you."), code="rated")
    if chat.is_live:
        raise Conflict(lazy_gettext("You can rate the conversation once it has ended."), code="open")
    chat.rating, chat.rating_comment, chat.rated_at = score, text, clock.now()
    timeline.event(visitor, chat, "rated", inside=True, score=score)
    record(visitor, "chat.rated", chat.number, score=score)
    return chat


def mail_transcript(visitor: Actor, chat_id: int) -> Chat:
    """Mail what was said to the address given, once a chat; to an address that was not proven, a link to it.

    Raises:
        Conflict: ``sent`` already, or ``open`` still.
        TooMany: the address got enough mail that strangers can cause.
    """
    chat = queries.lock_by_key(chat_id)
    if chat.is_live:
        raise Conflict(lazy_gettext("The transcript can be sent once the conversation has ended."), code="open")
    if chat.transcript_mailed_at is not None:
        raise Conflict(lazy_gettext("The transcript has already been sent."), code="sent")
    chat_mails.mail(visitor, chat)
    chat.transcript_mailed_at = clock.now()
    record(visitor, "chat.transcript_mailed", chat.number)
    return chat


def save_draft(actor: Actor, number: object, kind: MessageKind, body: str) -> None:
    """Save a draft; an empty text deletes it.

    Raises:
        Invalid: too long.
    """
    chat = queries.find_chat(actor, number)
    body = clean(body)
    if len(body.encode()) > MAX_BODY:
        raise Invalid(fields={"body": [lazy_gettext("The message is too long.")]})
    draft = db.session.get(ChatDraft, (chat.id, actor.id))
    if not body:
        if draft is not None:
            db.session.delete(draft)
        return
    if draft is None:
        row = {"chat_id": chat.id, "staff_id": actor.id or 0, "kind": kind, "body": body, "updated_at": clock.now()}
        draft, _fresh = insert_or_find(ChatDraft, row, ChatDraft.chat_id, ChatDraft.staff_id)
    draft.kind, draft.body, draft.updated_at = kind, body, clock.now()
    db.session.flush()


def _check_mine(actor: Actor, chat: Chat) -> None:
    if chat.assignee_id != actor.id and not actor.may(Permission.LEAD_CHAT):
        raise Conflict(lazy_gettext("This chat is not assigned to you. Take it first."), code="not_yours")
