"""What must hold in any statement, whatever it was read from."""

from __future__ import annotations

from collections.abc import Iterable

from console.billing.statements.readers.statement import Flaws, Statement, StatementLine
from console.core import money
from console.core.texts import lazy_gettext


def check(statement: Statement) -> None:
    """Refuse a statement that contradicts itself.

    Raises:
        UnreadableStatement: balances that do not add up, other totals or another number of lines than it says, lines
            that are there twice, or in another currency.
    """
    flaws = Flaws()
    for line in statement.lines:
        if line.currency not in ("", statement.currency):
            flaws.add(
                lazy_gettext(
                    "The line is in %(currency)s, but the statement is in %(own)s.",
                    currency=line.currency,
                    own=statement.currency,
                ),
                line.row,
            )
    flaws.check()
    total = sum(line.amount for line in statement.lines)
    _check_own_totals(statement, flaws)
    proven = statement.opening is not None and statement.closing is not None
    if (
        statement.opening is not None
        and statement.closing is not None
        and statement.opening + total != statement.closing
    ):
        flaws.add(
            lazy_gettext(
                "The balances do not add up: %(opening)s and the lines make %(total)s, but the closing balance is "
                "%(closing)s. A line is missing, duplicated or changed.",
                opening=_words(statement, statement.opening),
                total=_words(statement, statement.opening + total),
                closing=_words(statement, statement.closing),
            )
        )
        proven = False
    if not proven:  # two payments that are alike in everything are told from a doubled line by the balances alone
        for first, second in _doubled(statement.lines):
            flaws.add(lazy_gettext("The same line as line %(row)d: it is there twice.", row=first.row), second.row)
    flaws.check()


def _check_own_totals(statement: Statement, flaws: Flaws) -> None:
    if statement.count is not None and statement.count != len(statement.lines):
        flaws.add(
            lazy_gettext(
                "The file should have %(said)d lines but has %(count)d. It is incomplete or was changed.",
                said=statement.count,
                count=len(statement.lines),
            )
        )
    incoming = sum(line.amount for line in statement.lines if line.amount > 0)
    outgoing = -sum(line.amount for line in statement.lines if line.amount < 0)
    for said, found in ((statement.credits, incoming), (statement.debits, outgoing)):
        if said is not None and said != found:
            flaws.add(
                lazy_gettext(
                    "The file states a turnover of %(said)s in one direction, but its lines make %(total)s.",
                    said=_words(statement, said),
                    total=_words(statement, found),
                )
            )


def _doubled(lines: Iterable[StatementLine]) -> Iterable[tuple[StatementLine, StatementLine]]:
    seen: dict[tuple[object, ...], StatementLine] = {}
    for line in lines:
        key = (
            line.booked_on, line.amount, line.reference, line.payer, line.payer_account, line.purpose, line.bank_id,
        )  # fmt: skip
        first = seen.setdefault(key, line)
        if first is not line:
            yield first, line


def _words(statement: Statement, amount: int) -> str:
    return money.write(amount, statement.currency)
