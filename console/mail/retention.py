"""Mail that has been stored long enough. What still waits to be sent is not over, however old."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import SYSTEM
from console.core.context import settings
from console.core.db import db
from console.core.periods import add_months
from console.core.transaction import transaction
from console.mail.models import Mail, MailState

BATCH = 500
Detach = Callable[[Sequence[int]], None]
_detaching: list[Detach] = []


def is_due(before: datetime) -> ColumnElement[bool]:
    """Return the condition of a mail that is over and was written before an instant."""
    return (Mail.state != MailState.QUEUED) & (Mail.created_at < before)


def on_deletion(detach: Detach) -> None:
    """Let a higher domain cut its rows off mails that are about to be deleted."""
    _detaching.append(detach)


def delete_due() -> int:
    """Delete what is due, a batch in a transaction; return how many mails went."""
    before = add_months(clock.now(), -settings().mail_keep_months, settings().zone)
    gone = 0
    while True:
        with transaction() as session:
            query = select(Mail.id).where(is_due(before)).order_by(Mail.id).limit(BATCH)
            keys = list(session.scalars(query.with_for_update(skip_locked=True)))
            if keys:
                delete_mails(keys)
                record(SYSTEM, "mail.forgotten", "outbox", count=len(keys), written_before=before.isoformat())
        gone += len(keys)
        if len(keys) < BATCH:
            return gone


def delete_mails(keys: Sequence[int]) -> None:
    """Delete mails, and what names them."""
    for detach in _detaching:
        detach(keys)
    db.session.execute(update(Mail).where(Mail.copy_of_id.in_(keys)).values(copy_of_id=None))
    db.session.execute(delete(Mail).where(Mail.id.in_(keys)))
