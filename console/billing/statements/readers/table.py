"""The CSV that ``docs/statements.md`` documents: a row a line, what is the statement's in the first row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from console.billing.statements.readers import fields
from console.billing.statements.readers.statement import Flaw, Flaws, Statement, StatementLine, UnreadableStatement
from console.core import sheets
from console.core.errors import Text
from console.core.text import fold
from console.core.texts import lazy_gettext

OF_STATEMENT = ("account", "statement", "currency", "opening", "closing")
OF_LINE = ("date", "amount", "reference", "model", "payer", "payer_account", "purpose", "bank_id")
COLUMNS = (*OF_STATEMENT, *OF_LINE)
_NEEDED = ("account", "currency", "opening", "closing", "date", "amount", "reference")
_DELIMITERS = (",", ";", "\t")
# What people call the columns, folded.
_TITLES = {
    "racun": "account", "izvod": "statement", "broj izvoda": "statement", "valuta": "currency",
    "pocetno stanje": "opening", "opening balance": "opening", "krajnje stanje": "closing",
    "closing balance": "closing", "datum": "date", "iznos": "amount", "poziv na broj": "reference",
    "platilac": "payer", "racun platioca": "payer_account", "payer account": "payer_account",
    "svrha": "purpose", "svrha uplate": "purpose", "oznaka banke": "bank_id", "bank id": "bank_id",
}  # fmt: skip


def columns_of(line: str) -> list[str]:
    """Return the columns that a header names, by our names."""
    delimiter = max(_DELIMITERS, key=line.count)
    cells = next(csv.reader([line], delimiter=delimiter), [])
    return [_TITLES.get(_plain(cell), _plain(cell).replace(" ", "_")) for cell in cells]


def is_table(text: str) -> bool:
    """Return whether a file begins with a header of this format."""
    return {"amount", "date"} <= set(columns_of(text.split("\n", 1)[0]))


def read(text: str) -> list[Statement]:
    """Read the statement of a file.

    Raises:
        UnreadableStatement: by line.
    """
    first = text.split("\n", 1)[0]
    columns = columns_of(first)
    _check_columns(columns)
    flaws = Flaws()
    head: dict[str, str] = {}
    head_row = 2
    lines: list[StatementLine] = []
    for row, cells in _rows(text, max(_DELIMITERS, key=first.count)):
        if len(cells) != len(columns):
            flaws.add(
                lazy_gettext("The line has %(count)d cells, the header %(said)d.", count=len(cells), said=len(columns)),
                row,
            )
            continue
        values = {name: sheets.as_meant(cell.strip()) for name, cell in zip(columns, cells, strict=True)}
        if not head:
            head, head_row = values, row
        _check_head(head, values, row, flaws)
        if values["date"] or values["amount"]:
            line = _line(values, head, len(lines) + 1, row, flaws)
            if line is not None:
                lines.append(line)
    flaws.check()
    if not head:
        raise UnreadableStatement(Flaw(lazy_gettext("There is no line under the header."), 1))
    return [_statement(head, head_row, lines)]


def _check_columns(columns: list[str]) -> None:
    missing = [name for name in _NEEDED if name not in columns]
    unknown = [name for name in columns if name not in COLUMNS]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    for names, message in (
        (missing, lazy_gettext("Missing column: %(names)s", names=", ".join(missing))),
        (unknown, lazy_gettext("Unknown column: %(names)s", names=", ".join(unknown))),
        (twice, lazy_gettext("Column named twice: %(names)s", names=", ".join(twice))),
    ):
        if names:
            raise UnreadableStatement(Flaw(message, 1))


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    last = 0
    try:
        for cells in reader:
            row, last = last + 1, reader.line_num
            if row > 1 and any(cell.strip() for cell in cells):
                yield row, cells
    except csv.Error as error:
        message = lazy_gettext(
            "The quotes or line ends are not those of a CSV file. The file is incomplete or damaged."
        )
        raise UnreadableStatement(Flaw(message, last + 1)) from error


def _check_head(head: dict[str, str], values: dict[str, str], row: int, flaws: Flaws) -> None:
    for name in OF_STATEMENT:
        said = values.get(name, "")
        if said and said != head[name]:
            flaws.add(lazy_gettext("%(column)s is not the same as in the first line.", column=name), row)


def _line(values: dict[str, str], head: dict[str, str], position: int, row: int, flaws: Flaws) -> StatementLine | None:
    try:
        booked_on = fields.day(values["date"])
    except ValueError:
        flaws.add(_wrong("date", values), row)
        return None
    try:
        amount = fields.amount(values["amount"])
    except ValueError:
        flaws.add(_wrong("amount", values), row)
        return None
    try:
        currency = fields.currency(values["currency"] or head["currency"])
        account = fields.account(values.get("payer_account", ""))
    except ValueError as error:
        flaws.add(lazy_gettext("This cannot be read: %(value)s", value=str(error)[:60]), row)
        return None
    number, model = fields.reference(values["reference"], values.get("model", ""))
    return StatementLine(
        position=position,
        booked_on=booked_on,
        amount=amount,
        currency=currency,
        reference=number,
        model=model,
        payer=fields.name(values.get("payer", "")),
        payer_account=account,
        purpose=fields.purpose(values.get("purpose", "")),
        bank_id=fields.bank_id(values.get("bank_id", "")),
        row=row,
    )


def _statement(head: dict[str, str], row: int, lines: list[StatementLine]) -> Statement:
    flaws = Flaws()
    read_head: dict[str, int] = {}
    for name in ("opening", "closing"):
        try:
            read_head[name] = fields.amount(head[name])
        except ValueError:
            flaws.add(_wrong(name, head), row)
    try:
        account, currency = fields.account(head["account"]), fields.currency(head["currency"])
    except ValueError as error:
        flaws.add(lazy_gettext("This cannot be read: %(value)s", value=str(error)[:60]), row)
        account = currency = ""
    if not head["account"]:
        flaws.add(lazy_gettext("The statement names no account."), row)
    if not lines:
        flaws.add(lazy_gettext("There is no line under the header."), row)
    flaws.check()
    return Statement(
        account=account,
        number=head.get("statement", "")[:20],
        currency=currency,
        opened_on=min(line.booked_on for line in lines),
        closed_on=max(line.booked_on for line in lines),
        opening=read_head["opening"],
        closing=read_head["closing"],
        lines=tuple(lines),
    )


def _wrong(name: str, values: dict[str, str]) -> Text:
    return lazy_gettext("%(column)s cannot be read: %(value)s", column=name, value=values[name][:60] or "—")


def _plain(cell: str) -> str:
    return " ".join(fold(cell).replace("_", " ").split())
