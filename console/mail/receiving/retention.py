"""Raw messages that have served: deleted after a set time, and their rows when sent mail of that age goes.

What still waits for an agent, or could not be read, stays: its raw message is all there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import SYSTEM
from console.core.context import settings
from console.core.db import db
from console.core.periods import add_months
from console.core.transaction import transaction
from console.mail import retention as mails
from console.mail.mailboxes.models import UnreadMessage
from console.mail.receiving.models import IncomingMail, IncomingState, StoppedAddress

BATCH = 500
DONE = (IncomingState.TICKET, IncomingState.IGNORED, IncomingState.SPAM)


def is_raw_due(before: datetime) -> ColumnElement[bool]:
    """Return the condition of a message whose raw form is no longer needed."""
    return IncomingMail.raw_file.is_not(None) & IncomingMail.state.in_(DONE) & (IncomingMail.received_at < before)


def delete_due() -> tuple[int, set[str]]:
    """Delete what is due; return how many raw messages went, and the digests of their files."""
    before = clock.now() - timedelta(days=settings().raw_mail_keep_days)
    gone, digests = 0, set[str]()
    while True:
        with transaction() as session:
            query = select(IncomingMail).where(is_raw_due(before)).order_by(IncomingMail.id).limit(BATCH)
            rows = list(session.scalars(query.with_for_update(skip_locked=True, of=IncomingMail)))
            for row in rows:
                digests.add(row.raw_file or "")
                row.raw_file = row.sealed_key = None
            if rows:
                record(SYSTEM, "mail.raw_forgotten", "mail", count=len(rows), received_before=before.isoformat())
        gone += len(rows)
        if len(rows) < BATCH:
            break
    _delete_old_rows()
    return gone, digests


def _delete_old_rows() -> None:
    before = add_months(clock.now(), -settings().mail_keep_months, settings().zone)
    old = IncomingMail.raw_file.is_(None) & (IncomingMail.received_at < before)
    while True:
        with transaction() as session:
            keys = list(session.scalars(select(IncomingMail.id).where(old).limit(BATCH)))
            delete_rows(keys)
        if len(keys) < BATCH:
            return


def delete_rows(keys: Sequence[int]) -> set[str]:
    """Delete rows of incoming mail and return the digests of their raw messages, whose files are no longer needed."""
    session = db.session()
    if not keys:
        return set()
    for model, column in (
        (IncomingMail, IncomingMail.duplicate_of_id),
        (StoppedAddress, StoppedAddress.incoming_id),
        (UnreadMessage, UnreadMessage.incoming_id),
    ):
        session.execute(update(model).where(column.in_(keys)).values({column.key: None}))
    removed = delete(IncomingMail).where(IncomingMail.id.in_(keys)).returning(IncomingMail.raw_file)
    return {digest for digest in session.scalars(removed) if digest}


def _cut_mails(keys: Sequence[int]) -> None:
    db.session.execute(update(IncomingMail).where(IncomingMail.bounced_id.in_(keys)).values(bounced_id=None))


def rows_from(addresses: Sequence[str], tickets: Sequence[int] = ()) -> list[int]:
    """Return the messages of addresses, and those in tickets."""
    query = select(IncomingMail.id).where(
        or_(IncomingMail.from_address.in_(addresses), IncomingMail.ticket_id.in_(tickets))
    )
    return list(db.session.scalars(query))


mails.on_deletion(_cut_mails)
