"""Reading a CSV file from outside, a row at a time: memory does not grow with the file.

RFC 4180, UTF-8 with or without a byte order mark, comma or (Excel's) semicolon.
What spoils the file's structure ends the reading; what is wrong with one row is
for the row's own checks.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from console.core import sheets
from console.core.text import is_blank

MAX_LINE = 1024 * 1024  # bytes; far above any honest row
DELIMITERS = (",", ";")
# Excel's own first line, which names the delimiter and is no row: it does not count it, so we do not.
_NAMED_DELIMITER = re.compile(r'"?sep=([,;\t|])"?[,;\s]*', re.IGNORECASE)
# Written by ourselves into files of refused rows, and passed over when such a file comes back.
ROW_COLUMN, REASON_COLUMN = "refused_row", "refused_reason"
_OURS = (ROW_COLUMN, REASON_COLUMN)


class FileError(Exception):
    """The file as a whole cannot be read. The message says where and what to do."""


@dataclass(frozen=True)
class Row:
    """One row as it is in the file. ``number`` is the one a spreadsheet shows: the header is 1."""

    number: int
    cells: Sequence[str]
    values: dict[str, str]
    flaw: str | None = None


class Source:
    """An open file of rows (a context manager).

    Args:
        path: a regular file.
        known: the columns that are understood.
        required: those among them that must be there, each with the column that may stand in for it, or "".
        titles: columns by what else they may be called, in small letters.

    Raises:
        FileError: empty, no UTF-8, a column missing, unknown or there twice.
    """

    def __init__(
        self,
        path: Path,
        *,
        known: Sequence[str],
        required: Mapping[str, str],
        titles: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.position = 0
        self._digest = hashlib.sha256()
        self._line = 0
        self._file: BinaryIO = path.open("rb")
        try:
            self._start(known, required, titles)
        except BaseException:
            self._file.close()
            raise

    def _start(self, known: Sequence[str], required: Mapping[str, str], titles: Mapping[str, str]) -> None:
        self._lines = self._read_lines()
        first = next(self._lines, "")
        named = _NAMED_DELIMITER.fullmatch(first)
        if named:
            first = next(self._lines, "")
        if not first.strip():
            raise FileError("the file is empty: its first row must name the columns")
        self.delimiter = named[1] if named else max(DELIMITERS, key=first.count)
        self._rows = csv.reader(self._with(first), delimiter=self.delimiter, strict=True)
        self.header = _without_blank_end([_clean(cell) for cell in self._next_cells(1) or []])
        self.columns = [_column(name.casefold(), known, titles) for name in self.header]
        _check_columns(self.columns, known, required)

    def _with(self, first: str) -> Iterator[str]:
        yield first
        yield from self._lines

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def rows(self) -> Iterator[Row]:
        """Yield the rows that are not blank.

        Raises:
            FileError: a line is no UTF-8 or endless, or quotes do not match.
        """
        number = 1
        while (cells := self._next_cells(number + 1)) is not None:
            number += 1
            if not all(map(is_blank, cells)):
                yield self._row(number, cells)

    def digest(self) -> str:
        """Return the SHA-256 of what was read so far."""
        return self._digest.hexdigest()

    def _row(self, number: int, cells: list[str]) -> Row:
        if len(cells) > len(self.columns) and not any(cell.strip() for cell in cells[len(self.columns) :]):
            cells = cells[: len(self.columns)]  # columns that a spreadsheet once had something in
        if len(cells) != len(self.columns):
            flaw = f"the row has {len(cells)} cells, the header has {len(self.columns)}"
            return Row(number, cells, {}, flaw)
        values = {name: _plain(cell) for name, cell in zip(self.columns, cells, strict=True) if name not in _OURS}
        return Row(number, cells, values)

    def _next_cells(self, number: int) -> list[str] | None:
        try:
            return next(self._rows, None)
        except csv.Error as error:
            raise FileError(f"row {number}: {_explain(error)}") from error

    def _read_lines(self) -> Iterator[str]:
        while line := self._file.readline(MAX_LINE + 1):
            self._line += 1
            self.position += len(line)
            self._digest.update(line)
            if len(line) > MAX_LINE:
                raise FileError(f"line {self._line} is longer than {MAX_LINE:,} bytes")
            try:
                yield line.decode("utf-8-sig" if self._line == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise FileError(
                    f"line {self._line} is not UTF-8 (byte {error.start + 1}): "
                    "save the file as CSV UTF-8, in Excel under Save as"
                ) from error


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(cell: str) -> str:
    """Undo what made a cell harmless, so that a corrected file of refused rows reads as it was."""
    return sheets.as_meant(cell.strip())


def _clean(cell: str) -> str:
    return cell.strip()


def _without_blank_end(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _column(name: str, known: Sequence[str], titles: Mapping[str, str]) -> str:
    return name if name in known or name in _OURS else titles.get(name, name)


def _check_columns(columns: list[str], known: Sequence[str], required: Mapping[str, str]) -> None:
    unknown = [name for name in columns if name not in known and name not in _OURS]
    missing = [name for name, instead in required.items() if name not in columns and instead not in columns]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    problems = []
    if missing:
        problems.append(f"missing column: {', '.join(missing)}")
    if unknown:
        problems.append(f"unknown column: {', '.join(name or '(no name)' for name in unknown)}")
    if twice:
        problems.append(f"column named twice: {', '.join(twice)}")
    if problems:
        raise FileError(f"row 1: {'; '.join(problems)}. Known columns: {', '.join(known)}")


def _explain(error: csv.Error) -> str:
    if "field larger" in str(error):
        return f"a cell is longer than {csv.field_size_limit():,} characters (is a quote not closed?)"
    return f"the quotes or line ends are not those of a CSV file ({error})"
