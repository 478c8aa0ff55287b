"""Importing a statement: once, and with it every payment that came in.

Up to :data:`AT_ONCE` lines are imported in the transaction of the request. More are left to a worker, in groups of
:data:`GROUP`, each its own transaction: the file was read whole and found right before its first line is stored, so
what a crash interrupts goes on where it was, and nothing of a broken file is ever in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from sqlalchemy import Table, select

from console.audit.service import record
from console.billing.payments.models import PaymentSource, PaymentState
from console.billing.payments.service import IncomingPayment, receive_from_bank
from console.billing.statements.files import ReadFile
from console.billing.statements.fingerprints import fingerprints
from console.billing.statements.models import BankLine, BankStatement, StatementState
from console.billing.statements.readers import StatementLine
from console.core import clock
from console.core.actor import Actor
from console.core.bulk import insert_keyed
from console.core.context import files
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.locks import lock_name
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.staff.roles import Permission

AT_ONCE = 1_000
GROUP = 500
MAX_NAME = 140
LOCK = "bank_statements"  # two files may be the same or overlap: who is second sees what the first has stored


@dataclass(frozen=True)
class Imported:
    """What became of a file: its statements, and whether it had been imported before."""

    statements: Sequence[BankStatement]
    known_file: bool

    def totals(self) -> dict[str, int]:
        """Return the sums over its statements; of a file that was known every line is known."""
        rows = self.statements
        lines = sum(row.lines for row in rows)
        if self.known_file:
            return {"lines": lines, "matched": 0, "unmatched": 0, "known": lines, "outgoing": 0}
        names = ("matched", "unmatched", "known", "outgoing")
        return {"lines": lines} | {name: sum(getattr(row, name) for row in rows) for name in names}


def import_statement(actor: Actor, file: ReadFile) -> Imported:
    """Import a file that was read; one that was imported before changes nothing.

    Args:
        file: as :func:`console.billing.statements.files.read_files` gives it.

    Raises:
        NotFound: the role records no payments.
    """
    actor.require(Permission.RECORD_PAYMENTS)
    lock_name(LOCK)
    earlier = select(BankStatement).where(BankStatement.digest == file.digest).order_by(BankStatement.place)
    known = list(db.session.scalars(earlier))
    if known:
        return Imported(known, known_file=True)
    stored = files().put(file.content)
    at_once = sum(len(one.lines) for one in file.parsed.statements) <= AT_ONCE
    rows = [_add(actor, file, stored, place) for place in range(len(file.parsed.statements))]
    db.session.flush()
    for row, statement in zip(rows, file.parsed.statements, strict=True):
        record(actor, "statement.imported", row_name(row), lines=row.lines, account=row.account, file=file.digest)
        if at_once or not statement.lines:
            import_lines(actor, row, zip(statement.lines, fingerprints(statement), strict=True), row.lines)
    return Imported(rows, known_file=False)


def _add(actor: Actor, file: ReadFile, stored: str, place: int) -> BankStatement:
    one = file.parsed.statements[place]
    row = BankStatement(
        digest=file.digest,
        place=place,
        file=stored,
        name=one_line(file.name)[:MAX_NAME] or "—",
        size=len(file.content),
        format=file.parsed.format,
        account=one.account,
        number=one.number,
        currency=one.currency,
        opened_on=one.opened_on,
        closed_on=one.closed_on,
        opening=one.opening,
        closing=one.closing,
        state=StatementState.IMPORTING,
        lines=len(one.lines),
        taken=0,
        matched=0,
        unmatched=0,
        known=0,
        outgoing=0,
        imported_at=clock.now(),
        imported_by_id=actor.id if actor.kind == "staff" else None,
    )
    db.session.add(row)
    return row


def import_lines(
    actor: Actor, row: BankStatement, lines: Iterable[tuple[StatementLine, str]], count: int
) -> BankStatement:
    """Import the next ``count`` lines of a statement, whose row the caller holds; the last of them finish it.

    Args:
        lines: those that are not imported yet, each with its fingerprint.
    """
    group = list(islice(lines, count))
    if group:
        lock_name(LOCK)
        _import_group(actor, row, group)
        row.taken += len(group)
        row.attempts = 0
    if row.taken == row.lines:
        row.state, row.finished_at, row.lease, row.leased_until = StatementState.IMPORTED, clock.now(), None, None
    db.session.flush()
    return row


def _import_group(actor: Actor, row: BankStatement, group: Sequence[tuple[StatementLine, str]]) -> None:
    known = _known(mark for _, mark in group)
    values = [_values(row, line, mark, known.get(mark)) for line, mark in group]
    keys = insert_keyed(db.session(), cast("Table", BankLine.__table__), values)
    incoming = [
        _incoming(row, line, key)
        for (line, mark), key in zip(group, keys, strict=True)
        if mark not in known and line.amount > 0
    ]
    matched = receive_from_bank(actor, incoming)[PaymentState.MATCHED] if incoming else 0
    already = sum(mark in known for _, mark in group)
    row.matched += matched
    row.unmatched += len(incoming) - matched
    row.known += already
    row.outgoing += len(group) - already - len(incoming)


def _known(marks: Iterable[str]) -> dict[str, int]:
    """Return which lines another file had, by fingerprint, with the line that is theirs."""
    query = select(BankLine.fingerprint, BankLine.id).where(BankLine.fingerprint.in_(list(marks)))
    return {str(mark): key for mark, key in db.session.execute(query)}


def _values(row: BankStatement, line: StatementLine, mark: str, first: int | None) -> dict[str, Any]:
    return {
        "statement_id": row.id,
        "position": line.position,
        "fingerprint": mark if first is None else None,
        "first_id": first,
        "booked_on": line.booked_on,
        "amount": line.amount,
        "reference": line.reference,
        "model": line.model,
        "payer": line.payer,
        "payer_account": line.payer_account,
        "purpose": line.purpose,
        "bank_id": line.bank_id,
    }


def _incoming(row: BankStatement, line: StatementLine, key: int) -> IncomingPayment:
    return IncomingPayment(
        reference=f"{line.model} {line.reference}".strip(),
        amount=line.amount,
        currency=row.currency,
        paid_on=line.booked_on,
        payer=line.payer,
        payer_account=line.payer_account,
        purpose=line.purpose,
        source=PaymentSource.STATEMENT,
        statement_line_id=key,
    )


def resume(actor: Actor, statement_id: int) -> BankStatement:
    """Let a worker go on with a statement whose import stopped.

    Raises:
        NotFound: there is none, or the role records no payments.
        Conflict: it has not stopped.
    """
    actor.require(Permission.RECORD_PAYMENTS)
    row = db.session.get(BankStatement, statement_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    if row.state is not StatementState.STOPPED:
        raise Conflict(lazy_gettext("This import has not stopped."))
    row.state, row.attempts = StatementState.IMPORTING, 0
    record(actor, "statement.resumed", row_name(row))
    db.session.flush()
    return row


def row_name(row: BankStatement) -> str:
    """Return how the audit log calls a statement."""
    return f"bank_statement:{row.id}"
