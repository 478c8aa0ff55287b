"""Text of FX Client: records of 220 characters, the first of a statement with its balances, the others its lines."""

from __future__ import annotations

from console.billing.statements.readers import fields
from console.billing.statements.readers.statement import Flaws, Statement, StatementLine
from console.core.texts import lazy_gettext

LENGTH = 220
HEAD, DETAIL = "1", "2"
_SIGNS = {"D": -1, "P": 1}


def is_record(text: str) -> bool:
    """Return whether a line of a file is a record of this format."""
    return len(text) == LENGTH and text[-1] in (HEAD, DETAIL) and text[:8].isdecimal()


def read(text: str) -> list[Statement]:
    """Read every statement of a file.

    Raises:
        UnreadableStatement: by line.
    """
    flaws = Flaws()
    blocks: list[tuple[int, str, list[tuple[int, str]]]] = []
    for row, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if len(line) != LENGTH or line[-1] not in (HEAD, DETAIL):
            flaws.add(lazy_gettext("Not a line of this format: it has %(count)d characters.", count=len(line)), row)
        elif line[-1] == HEAD:
            blocks.append((row, line, []))
        elif blocks:
            blocks[-1][2].append((row, line))
        else:
            flaws.add(lazy_gettext("A line outside of any statement."), row)
    flaws.check()
    statements = [_statement(row, head, lines, flaws) for row, head, lines in blocks]
    flaws.check()
    return [one for one in statements if one is not None]


def _statement(row: int, head: str, records: list[tuple[int, str]], flaws: Flaws) -> Statement | None:
    try:
        account, code = fields.account(head[12:30]), fields.currency(head[30:33])
        day = fields.day_by_digits(head[0:8])
        opening, debits, credits_, closing = (
            fields.implied_amount(head[start : start + 18]) for start in (33, 51, 69, 87)
        )
    except ValueError as error:
        flaws.add(lazy_gettext("The header of the statement cannot be read: %(value)s", value=str(error)[:60]), row)
        return None
    lines: list[StatementLine] = []
    for place, record in records:
        try:
            lines.append(_line(record, len(lines) + 1, place, account, code))
        except (ValueError, KeyError) as error:
            flaws.add(lazy_gettext("This cannot be read: %(value)s", value=str(error)[:60]), place)
    days = [day, *(line.booked_on for line in lines)]
    return Statement(
        account=account,
        number=head[147:150].strip().lstrip("0"),
        currency=code,
        opened_on=min(days),
        closed_on=max(days),
        opening=opening,
        closing=closing,
        lines=tuple(lines),
        debits=abs(debits),
        credits=abs(credits_),
    )


def _line(record: str, position: int, row: int, own: str, currency: str) -> StatementLine:
    number, model = fields.reference(record[168:188], record[166:168])
    if not number:
        number, model = fields.reference(record[76:96], record[74:76])
    accounts = [fields.account(text) for text in (record[0:18], record[148:166]) if text.strip()]
    return StatementLine(
        position=position,
        booked_on=fields.day_by_digits(record[188:196]),
        amount=_SIGNS[record[147]] * fields.implied_amount(record[134:147]),
        currency=currency,
        reference=number,
        model=model,
        payer=fields.name(record[18:53]),
        payer_account=next((one for one in accounts if one != own), ""),
        purpose=fields.purpose(record[99:134]),
        bank_id=fields.bank_id(record[200:215]),
        row=row,
    )
