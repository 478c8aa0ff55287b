"""Deleting by age: ended chats, what was uploaded and never sent, blocks that are over.

Whole chats go, with their messages, files and drafts. What came of one stays: its ticket, the audit
log, the mail that was sent. The bytes of a file go when nothing else needs them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, select

from console.audit.service import record
from console.billing.pdf.models import DocumentFile
from console.chat.models import LIVE, Chat, ChatBlock, ChatDraft, ChatFile, ChatMessage, StaffPresence, chat_key
from console.chat.search import CHAT_SEARCH
from console.chat.service import attachments
from console.core import clock
from console.core.actor import SYSTEM
from console.core.context import files as store
from console.core.context import settings
from console.core.db import db
from console.core.logging import get_logger
from console.core.periods import add_months
from console.core.transaction import transaction
from console.staff.models import Staff
from console.tickets.models import TicketAttachment
from console.tickets.service.attachments import clear_left

log = get_logger(__name__)

BATCH = 500
UNTOUCHED = 60.0  # seconds: as long as an upload's transaction may take
KEEP_BLOCKS = timedelta(days=365)  # after their end: a visitor who comes back is recognised


def delete_due() -> int:
    """Delete what is due, a batch in a transaction; return how many chats went."""
    ended_before = retained_since()
    deleted = 0
    while True:
        with transaction():
            keys, digests = _delete_chats(ended_before)
        remove_unused_files(digests)
        deleted += keys
        if keys < BATCH:
            break
    with transaction():
        digests = clear_left()
        _delete_rows()
    remove_unused_files(digests)
    delete_unsent()
    if deleted:
        log.info("chats deleted", count=deleted)
    return deleted


def delete_unsent() -> None:
    """Delete what was uploaded and not sent in its time."""
    with transaction():
        digests = attachments.delete_unsent()
    remove_unused_files(digests)


def retained_since() -> datetime:
    """Return the instant since when ended chats are retained."""
    return add_months(clock.now(), -settings().chat_keep_months, settings().zone)


def was_deleted(number: object) -> bool:
    """Return whether a chat was here once and has been deleted: its number was given, its row is gone."""
    key = chat_key(number)
    newest = db.session.scalar(select(func.max(Chat.id))) or 0
    return key is not None and key < newest and db.session.get(Chat, key) is None


def is_due(before: datetime) -> ColumnElement[bool]:
    """Return the condition of a chat that ended before an instant.

    The newest of all stays: SQLite would give its number, which a visitor's token opens, to the next one.
    """
    newest = select(func.max(Chat.id)).scalar_subquery()
    return and_(Chat.ended_at < before, Chat.status.not_in(LIVE), Chat.id < newest)


def _delete_chats(ended_before: datetime) -> tuple[int, set[str]]:
    """Delete a batch of chats; return how many, and the digests of their files."""
    query = select(Chat.id).where(is_due(ended_before))
    keys = list(db.session.scalars(query.order_by(Chat.ended_at).limit(BATCH).with_for_update(skip_locked=True)))
    if not keys:
        return 0, set()
    digests = set(db.session.scalars(delete(ChatFile).where(ChatFile.chat_id.in_(keys)).returning(ChatFile.digest)))
    for model in (ChatDraft, ChatMessage):
        db.session.execute(delete(model).where(model.chat_id.in_(keys)))
    db.session.execute(delete(Chat).where(Chat.id.in_(keys)))
    CHAT_SEARCH.remove_many(db.session(), keys)
    record(SYSTEM, "chat.forgotten", "desk", count=len(keys), ended_before=ended_before.isoformat())
    return len(keys), digests


def _delete_rows() -> None:
    """Delete blocks that are long over, and the presence of staff who no longer work here."""
    over = clock.now() - KEEP_BLOCKS
    db.session.execute(delete(ChatBlock).where(ChatBlock.until < over))
    gone = select(Staff.id).where(Staff.active.is_(False))
    db.session.execute(delete(StaffPresence).where(StaffPresence.staff_id.in_(gone)))
    db.session.execute(delete(ChatDraft).where(ChatDraft.staff_id.in_(gone)))


def remove_unused_files(digests: Iterable[str]) -> None:
    """Remove from the store what no row names. After the commit: a row whose bytes are gone would be worse."""
    unused = set(digests)
    if not unused:
        return
    with transaction():
        for column in (ChatFile.digest, TicketAttachment.digest, DocumentFile.sha256):
            unused -= set(db.session.scalars(select(column).where(column.in_(sorted(unused)))))
        for digest in unused:
            store().remove(digest, untouched=UNTOUCHED)
