"""Halcom (Hal E-Bank) and the SAP export of FX Client: lines of 280 characters, at fixed places.

The balances and the statement's number are in a file of their own, ``…_cov.txt``, a line of 147 characters for each
account and day. Both may come in one file, in any order. Hal E-Bank's extended export has columns instead, between
``#``, and no balances at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from console.billing.statements.readers import fields
from console.billing.statements.readers.statement import Flaw, Flaws, Statement, StatementLine, UnreadableStatement
from console.core.texts import lazy_gettext

LINE, RECAP = 280, 147
SHORTEST = 262  # where a program has cut the spaces at the end
_SIGNS = {"10": -1, "20": 1, "30": 1, "40": -1}  # out, in, and each of them cancelled
_REVERSED = ("30", "40")
EXTENDED = "ST_RACUNA#"
_NEEDED = ("ST_RACUNA", "ZNESEK_V_BREME", "ZNESEK_V_DOBRO", "DATUM_KNJ")


@dataclass(frozen=True)
class _Recap:
    account: str
    day: date
    number: str
    opening: int
    closing: int
    count: int
    debits: int
    credits: int


def is_line(text: str) -> bool:
    """Return whether a line of a file is one of a statement."""
    return SHORTEST <= len(text) <= LINE and text[18:20] in _SIGNS and text[22:23] == "." and text[25:26] == "."


def is_recap(text: str) -> bool:
    """Return whether a line of a file has an account's balances."""
    return len(text) == RECAP and text.startswith("01") and text[2:20].isdecimal()


def read(text: str) -> list[Statement]:
    """Read every statement of a file.

    Raises:
        UnreadableStatement: by line.
    """
    flaws, recaps = Flaws(), []
    by_account: dict[str, list[tuple[StatementLine, bool]]] = defaultdict(list)
    for row, line in _rows(text):
        try:
            if is_recap(line):
                recaps.append(_recap(line))
            elif is_line(line):
                account = fields.account(line[72:90])
                found = by_account[account]
                found.append((_line(line, len(found) + 1, row), line[18:20] in _REVERSED))
            else:
                flaws.add(lazy_gettext("Not a line of this format: it has %(count)d characters.", count=len(line)), row)
        except ValueError as error:
            flaws.add(lazy_gettext("This cannot be read: %(value)s", value=str(error)[:60]), row)
    flaws.check()
    if not by_account:
        message = lazy_gettext(
            "These are balances without lines. Choose this file together with the one that has them."
        )
        raise UnreadableStatement(Flaw(message, 1))
    return [one for account, lines in by_account.items() for one in _statements(account, lines, recaps)]


def _statements(account: str, lines: list[tuple[StatementLine, bool]], recaps: list[_Recap]) -> Iterator[Statement]:
    own = [one for one in recaps if one.account == account]
    if len(own) < 2:
        yield _statement(account, lines, own[0] if own else None)
        return
    by_day: dict[date, list[tuple[StatementLine, bool]]] = defaultdict(list)
    for line in lines:
        by_day[line[0].booked_on].append(line)
    stray = next(
        (line for day, lines in by_day.items() for line, _ in lines if day not in {one.day for one in own}), None
    )
    if stray is not None:
        raise UnreadableStatement(Flaw(lazy_gettext("No balances of this line’s day are in the file."), stray.row))
    for one in own:
        yield _statement(account, by_day[one.day], one)


def _statement(account: str, lines: list[tuple[StatementLine, bool]], recap: _Recap | None) -> Statement:
    days = [line.booked_on for line, _ in lines] + ([recap.day] if recap is not None else [])
    simple = recap is not None and not any(
        cancelled for _, cancelled in lines
    )  # else turnovers are counted in two ways
    return Statement(
        account=account,
        number="" if recap is None else recap.number,
        currency="RSD",
        opened_on=min(days),
        closed_on=max(days),
        opening=None if recap is None else recap.opening,
        closing=None if recap is None else recap.closing,
        lines=tuple(line for line, _ in lines),
        count=None if recap is None else recap.count,
        debits=recap.debits if recap is not None and simple else None,
        credits=recap.credits if recap is not None and simple else None,
    )


def _recap(line: str) -> _Recap:
    # Hal E-Bank has this day before the previous one, FX Client after it.
    return _Recap(
        account=fields.account(line[2:20]),
        day=max(fields.day_by_digits(line[20:28]), fields.day_by_digits(line[28:36])),
        number=line[144:147].strip().lstrip("0"),
        opening=fields.implied_amount(line[36:54]),
        closing=fields.implied_amount(line[102:120]),
        count=int(line[54:60]) + int(line[78:84]),
        debits=abs(fields.implied_amount(line[60:78])),
        credits=abs(fields.implied_amount(line[84:102])),
    )


def _line(line: str, position: int, row: int) -> StatementLine:
    line = line.ljust(LINE)
    # Hal E-Bank has the payee's reference second, FX Client first; where both are filled it is the second.
    number, model = fields.reference(line[137:159], line[135:137])
    if not number:
        number, model = fields.reference(line[113:135], line[111:113])
    return StatementLine(
        position=position,
        booked_on=fields.day_by_digits(line[20:28]),
        amount=_SIGNS[line[18:20]] * fields.implied_amount(line[90:105]),
        currency="RSD",
        reference=number,
        model=model,
        payer=fields.name(line[205:240]),
        payer_account=fields.account(line[0:18].strip() or line[262:280]),
        purpose=fields.purpose(line[159:195]),
        bank_id=fields.bank_id(line[240:262]),
        row=row,
    )


def read_extended(text: str) -> list[Statement]:
    """Read every statement of Hal E-Bank's extended export.

    Raises:
        UnreadableStatement: by line.
    """
    rows = list(_rows(text))
    columns = [name.strip().upper() for name in rows[0][1].split("#")]
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        message = lazy_gettext("Missing column: %(names)s", names=", ".join(missing))
        raise UnreadableStatement(Flaw(message, rows[0][0]))
    flaws = Flaws()
    found: dict[tuple[str, str, str], list[StatementLine]] = defaultdict(list)
    for row, line in rows[1:]:
        cells = line.split("#")
        if len(cells) != len(columns):
            flaws.add(
                lazy_gettext("The line has %(count)d cells, the header %(said)d.", count=len(cells), said=len(columns)),
                row,
            )
            continue
        try:
            _take(dict(zip(columns, cells, strict=True)), row, found)
        except ValueError as error:
            flaws.add(lazy_gettext("This cannot be read: %(value)s", value=str(error)[:60]), row)
    flaws.check()
    return [
        Statement(
            account=account,
            number=number,
            currency=code,
            opened_on=min(line.booked_on for line in lines),
            closed_on=max(line.booked_on for line in lines),
            opening=None,
            closing=None,
            lines=tuple(lines),
        )
        for (account, number, code), lines in found.items()
    ]


def _take(cells: dict[str, str], row: int, found: dict[tuple[str, str, str], list[StatementLine]]) -> None:
    def cell(name: str) -> str:
        return cells.get(name, "").strip()

    code = fields.currency(cell("VALUTA") or "RSD")
    lines = found[fields.account(cell("ST_RACUNA")), cell("ST_IZPISKA")[:20], code]
    debit, credit = (fields.amount(cell(name) or "0") for name in ("ZNESEK_V_BREME", "ZNESEK_V_DOBRO"))
    number, model = fields.reference(cell("SKLIC_ODOBR"), cell("MODEL_ODOBR"))
    if not number:
        number, model = fields.reference(cell("SKLIC_OBREM"), cell("MODEL_OBREM"))
    lines.append(
        StatementLine(
            position=len(lines) + 1,
            booked_on=fields.day(cell("DATUM_KNJ") or cell("DATUM_OBD")),
            amount=credit - debit,
            currency=code,
            reference=number,
            model=model,
            payer=fields.name(cell("NAZIV_NAL_PREJ")),
            payer_account=fields.account(cell("RAC_NAL_PREJ")),
            purpose=fields.purpose(cell("NAMEN") or cell("OPIS")),
            bank_id=fields.bank_id(cell("ID_NALOGA")),
            row=row,
        )
    )


def _rows(text: str) -> Iterator[tuple[int, str]]:
    for row, line in enumerate(text.split("\n"), 1):
        if line.strip("\x1a "):
            yield row, line.strip("\x1a")
