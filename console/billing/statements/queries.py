"""Reading statements: one of them, its lines, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import aliased, defer, joinedload

from console.billing.models import Proforma
from console.billing.payments.models import Payment, PaymentState
from console.billing.statements.models import BankLine, BankStatement
from console.core.db import db
from console.customers.models import Customer

PAGE = 100


class LineState(StrEnum):
    """What became of a line."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    RETURNED = "returned"
    KNOWN = "known"  # another file had it first
    OUTGOING = "outgoing"


@dataclass(frozen=True)
class LineRow:
    """One line with its payment, where it is one; ``first``: the statement that had it first."""

    line: BankLine
    payment: Payment | None
    first: BankStatement | None

    @property
    def state(self) -> LineState:
        """Return what became of it, as it is now."""
        if self.line.first_id is not None:
            return LineState.KNOWN
        if self.payment is None:
            return LineState.OUTGOING
        return _STATES.get(self.payment.state, LineState.RETURNED)


_STATES = {PaymentState.MATCHED: LineState.MATCHED, PaymentState.UNMATCHED: LineState.UNMATCHED}
_OVER = (PaymentState.RETURNED, PaymentState.VOID)
_CONDITIONS: dict[LineState, ColumnElement[bool]] = {
    LineState.MATCHED: Payment.state == PaymentState.MATCHED,
    LineState.UNMATCHED: Payment.state == PaymentState.UNMATCHED,
    LineState.RETURNED: Payment.state.in_(_OVER),
    LineState.KNOWN: BankLine.first_id.is_not(None),
    LineState.OUTGOING: and_(BankLine.first_id.is_(None), Payment.id.is_(None)),
}


def find_statement(key: int) -> BankStatement | None:
    """Return one statement with who imported it."""
    query = select(BankStatement).options(joinedload(BankStatement.imported_by)).where(BankStatement.id == key)
    return db.session.scalar(query)


def count_lines(statement_id: int) -> dict[LineState, int]:
    """Return how many lines of a statement are in each state, as it is now."""
    sums = [func.sum(case((condition, 1), else_=0)).label(state) for state, condition in _CONDITIONS.items()]
    query = (
        select(*sums)
        .select_from(BankLine)
        .outerjoin(Payment, Payment.statement_line_id == BankLine.id)
        .where(BankLine.statement_id == statement_id)
    )
    return {LineState(state): count or 0 for state, count in db.session.execute(query).mappings().one().items()}


def list_lines(statement_id: int, state: LineState | None, *, after: int = 0, limit: int = PAGE) -> list[LineRow]:
    """Return a page of a statement's lines in the bank's order, each with what became of it.

    Args:
        after: the place of the last one of the page before.
    """
    earlier, earlier_line = aliased(BankStatement), aliased(BankLine)
    documents = joinedload(Payment.proforma).options(
        joinedload(Proforma.customer).load_only(Customer.name), defer(Proforma.buyer), defer(Proforma.issuer)
    )
    query = (
        select(BankLine, Payment, earlier)
        .select_from(BankLine)
        .outerjoin(Payment, Payment.statement_line_id == BankLine.id)
        .outerjoin(earlier_line, earlier_line.id == BankLine.first_id)
        .outerjoin(earlier, earlier.id == earlier_line.statement_id)
        .where(BankLine.statement_id == statement_id, BankLine.position > after)
        .options(documents, joinedload(Payment.customer).load_only(Customer.name))
        .order_by(BankLine.position)
        .limit(limit)
    )
    if state is not None:
        query = query.where(_CONDITIONS[state])
    return [LineRow(line, payment, first) for line, payment, first in db.session.execute(query)]
