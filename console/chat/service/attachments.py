"""Files in a chat: checked like a ticket's, kept outside of the web root, only ever downloaded."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import and_, delete, func, or_, select

from console.chat.models import Chat, ChatFile
from console.chat.tokens import check_readable
from console.core import clock
from console.core.context import files as store
from console.core.context import sealer
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.ids import same_token
from console.core.texts import lazy_gettext
from console.tickets.service.attachments import check

MOST_PENDING = 20  # uploaded and not sent, of one side of a chat
MOST_UNSENT = 10 * 1024 * 1024  # bytes of these together, of a visitor: one file of the largest size, or several small
LEFT = timedelta(hours=1)  # what a visitor never sent is then deleted
LEFT_BY_STAFF = timedelta(days=2)


def attach(chat: Chat, name: str, content: bytes, *, staff_id: int | None = None) -> ChatFile:
    """Keep a file for a message that is being written.

    Args:
        staff_id: who uploads it; ``None``: the visitor.

    Raises:
        Invalid: field ``file``: empty, too large, of a type that is not taken, or too many.
        Conflict: the chat has ended.
    """
    if not chat.is_live:
        raise Conflict(lazy_gettext("This chat has ended. Your text is saved."), code="ended")
    name, content_type = check(name, content)
    _check_unsent(chat, len(content), staff_id)
    file = ChatFile(
        chat_id=chat.id,
        staff_id=staff_id,
        name=name,
        content_type=content_type,
        size=len(content),
        digest=store().put(content),
        created_at=clock.now(),
    )
    db.session.add(file)
    db.session.flush()
    return file


def _check_unsent(chat: Chat, size: int, staff_id: int | None) -> None:
    whose = ChatFile.staff_id.is_(None) if staff_id is None else ChatFile.staff_id == staff_id
    pending = select(func.count(), func.coalesce(func.sum(ChatFile.size), 0)).where(
        ChatFile.chat_id == chat.id, ChatFile.seq.is_(None), whose
    )
    files, together = db.session.execute(pending).one()
    if files >= MOST_PENDING:
        raise Invalid(fields={"file": [lazy_gettext("Send the files you have attached first.")]})
    if staff_id is None and together + size > MOST_UNSENT:
        words = lazy_gettext(
            "Attachments can total at most %(num)d MB. Send those you have attached first, then this one.",
            num=MOST_UNSENT // 1024**2,
        )
        raise Invalid(fields={"file": [words]})


def file_link(file: ChatFile) -> str:
    """Return the end of the address under which the visitor downloads a file: it opens this one and no other."""
    return f"{file.id}/{_proof(file)}"


def find_for_visitor(key: int, proof: str) -> ChatFile:
    """Return a file by the address the visitor was given.

    Raises:
        NotFound: no such file, or not this address.
        Gone: its chat ended too long ago.
    """
    file = db.session.get(ChatFile, key)
    if file is None or not same_token(_proof(file), proof):
        raise NotFound
    check_readable(db.session.get_one(Chat, file.chat_id))
    return file


def find_for_staff(chat: Chat, key: int, staff_id: int | None) -> ChatFile:
    """Return a file of a chat that the reader may see; one not sent yet, to its uploader alone.

    Raises:
        NotFound: it is none of them.
    """
    file = db.session.get(ChatFile, key)
    if file is None or file.chat_id != chat.id or (file.seq is None and file.staff_id != staff_id):
        raise NotFound
    return file


def delete_unsent() -> set[str]:
    """Delete what was uploaded and never sent; return its digests, whose bytes another row may need."""
    now = clock.now()
    theirs = and_(ChatFile.staff_id.is_(None), ChatFile.created_at < now - LEFT)
    old = delete(ChatFile).where(ChatFile.seq.is_(None), or_(theirs, ChatFile.created_at < now - LEFT_BY_STAFF))
    return set(db.session.scalars(old.returning(ChatFile.digest)))


def _proof(file: ChatFile) -> str:
    return sealer().keyed_digest("chat-file", f"{file.chat_id}:{file.id}")[:40]
