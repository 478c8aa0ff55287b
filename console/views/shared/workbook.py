"""Lists as XLSX: cells with their types, whole however many rows, in bounded memory, and none of them a formula."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from tempfile import TemporaryFile
from typing import IO, Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from console.core.context import settings
from console.core.hub import off_the_hub
from console.core.sheets import neutral
from console.core.texts import gettext
from console.views.shared.export import SERBIAN, Number, Style

MIMETYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET_ROWS = 1_000_000  # below the limit of a sheet; what is more goes to the next one
LONGEST = 32_767  # characters of a cell
NARROW, WIDE = 9, 48  # of a column, in characters
_OPTIONS = {
    "constant_memory": True,  # rows go to a file as they come
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_AMOUNT = "#,##0.00"  # drawn with the marks of the spreadsheet's own language
_DAYS = {True: "dd.mm.yyyy.", False: "yyyy-mm-dd"}
_MOMENTS = {True: "dd.mm.yyyy. hh:mm:ss", False: "yyyy-mm-dd hh:mm:ss"}

Cell = str | int | float | date | None


class Sheets:
    """A workbook that is being written: the titles, then the rows as they come."""

    def __init__(self, titles: Sequence[str], name: str, reader: Style) -> None:
        self.file: IO[bytes] = TemporaryFile()  # noqa: SIM115  closed by who reads it
        self._titles, self._name = titles, name
        serbian = reader == SERBIAN
        self._book = Workbook(self.file, _OPTIONS)
        self._head = self._book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self._amount = self._book.add_format({"num_format": _AMOUNT})
        self._day = self._book.add_format({"num_format": _DAYS[serbian]})
        self._moment = self._book.add_format({"num_format": _MOMENTS[serbian]})
        self._text = self._book.add_format({"num_format": "@"})
        self._marked = self._book.add_format({"num_format": "@", "quote_prefix": True})
        self._sheet: Worksheet | None = None
        self._row = 0

    def add(self, rows: Sequence[Sequence[Cell]]) -> None:
        """Write rows below those that are there."""
        for row in rows:
            if self._sheet is None or self._row > SHEET_ROWS:
                self._begin(rows)
            for place, value in enumerate(row):
                self._write(place, value)
            self._row += 1

    def close(self) -> None:
        """Finish the workbook; its file then begins at its first byte."""
        if self._sheet is None:
            self._begin([])
        self._book.close()
        self.file.seek(0)

    def _begin(self, rows: Sequence[Sequence[Cell]]) -> None:
        number = len(self._book.worksheets()) + 1
        sheet = self._sheet = self._book.add_worksheet(self._name if number == 1 else f"{self._name} {number}")
        for place, title in enumerate(self._titles):
            widths = [len(str(row[place])) for row in rows if row[place] is not None]
            sheet.set_column(place, place, min(WIDE, max(NARROW, len(title), *widths, 0) + 2))
        sheet.freeze_panes(1, 0)
        for place, title in enumerate(self._titles):
            sheet.write_string(0, place, title, self._head)
        self._row = 1

    def _write(self, place: int, value: Cell) -> None:
        sheet, row = self._sheet, self._row
        if sheet is None or value is None or value == "":
            return
        if isinstance(value, float):
            sheet.write_number(row, place, value, self._amount)
        elif isinstance(value, int):
            sheet.write_number(row, place, value)
        elif isinstance(value, datetime):
            sheet.write_datetime(row, place, value, self._moment)
        elif isinstance(value, date):
            sheet.write_datetime(row, place, datetime.combine(value, datetime.min.time()), self._day)
        else:
            # Marked as text: else one who edits the cell makes a formula of it.
            sheet.write_string(row, place, value[:LONGEST], self._text if neutral(value) == value else self._marked)


def to_cell(value: Any) -> Cell:
    """Return a value of an export as a cell has it: numbers and days as such, everything else as text."""
    if isinstance(value, Number):
        return float(Decimal(value)) if "." in value else int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, datetime):
        return value.astimezone(settings().zone).replace(tzinfo=None)
    if isinstance(value, date):
        return value
    return str(value.value if isinstance(value, Enum) else value)


def write_workbook(
    titles: Sequence[str], batches: Iterable[Sequence[Sequence[Any]]], name: str, reader: Style
) -> IO[bytes]:
    """Write a workbook and return its file, from the first byte. Other requests go on meanwhile.

    Args:
        name: of its sheet.
        reader: how days are written.
    """
    sheets = Sheets(titles, name, reader)
    try:
        for batch in batches:
            off_the_hub(sheets.add, [[to_cell(value) for value in row] for row in batch])
        off_the_hub(sheets.close)
    except BaseException:
        sheets.file.close()
        raise
    return sheets.file
