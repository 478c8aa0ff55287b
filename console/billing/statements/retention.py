"""Files of imported statements that have been stored long enough. The lines stay: they are business records."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, select

from console.billing.statements.models import BankStatement, StatementState
from console.core import clock
from console.core.context import files, settings
from console.core.db import db
from console.core.periods import add_months
from console.core.transaction import transaction

BATCH = 100


def file_is_due(before: datetime) -> ColumnElement[bool]:
    """Return the condition of a statement whose file goes: the lines stay as long as the law says."""
    return and_(
        BankStatement.file.is_not(None),
        BankStatement.finished_at < before,
        BankStatement.state == StatementState.IMPORTED,
    )


def delete_files() -> int:
    """Delete the files that were stored for as long as the setting says; return how many."""
    before = add_months(clock.now(), -settings().statement_keep_months, settings().zone)
    count = 0
    while True:
        with transaction() as session:
            query = select(BankStatement).where(file_is_due(before)).order_by(BankStatement.id).limit(BATCH)
            rows = session.scalars(query.with_for_update(skip_locked=True)).all()
            digests = {row.file for row in rows if row.file}
            for row in rows:
                row.file = None
        with_rows = select(BankStatement.file).where(BankStatement.file.in_(digests))
        needed = set(db.session.scalars(with_rows)) if digests else set()
        for digest in digests - needed:
            files().remove(digest)
        count += len(digests)
        if len(rows) < BATCH:
            return count
