"""The file of refused rows: as they came, with the reason, to be corrected and imported again."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from console.core.sheets import neutral
from console.imports.reader import REASON_COLUMN, ROW_COLUMN, Row, Source

SUFFIX = ".refused.csv"


class RefusedRows:
    """Writes refused rows next to the file they came from. Nothing is there until :meth:`keep`.

    The columns are the file's own, then the row's number in it and the reason.
    UTF-8 with a byte order mark, so that Excel shows č as č; no cell is a formula.
    """

    def __init__(self, source: Source) -> None:
        self.path = source.path.with_name(source.path.name + SUFFIX)
        self._draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        self._file: TextIO = self._draft.open("w", encoding="utf-8-sig", newline="")
        self._width = len(source.columns)
        self._ours = [place for place, name in enumerate(source.columns) if name in (ROW_COLUMN, REASON_COLUMN)]
        self._writer = csv.writer(self._file, delimiter=source.delimiter)
        self._write(self._own(source.header), ROW_COLUMN, REASON_COLUMN)
        self.count = 0

    def add(self, row: Row, reason: str) -> None:
        """Add one row with its reason."""
        cells = [*row.cells, *[""] * (self._width - len(row.cells))][: self._width]
        self._write(self._own(cells), str(row.number), reason)
        self.count += 1

    def keep(self) -> Path | None:
        """Put the file in its place; with no row in it, take away an older one."""
        self._file.close()
        if self.count:
            self._draft.replace(self.path)
            return self.path
        self._draft.unlink()
        self.path.unlink(missing_ok=True)
        return None

    def drop(self) -> None:
        """Leave no trace."""
        self._file.close()
        self._draft.unlink(missing_ok=True)

    def _own(self, cells: Iterable[str]) -> list[str]:
        return [cell for place, cell in enumerate(cells) if place not in self._ours]

    def _write(self, cells: Sequence[str], number: str, reason: str) -> None:
        self._writer.writerow([neutral(_one_line(cell)) for cell in (*cells, number, reason)])


def _one_line(cell: str) -> str:
    """Drop what no spreadsheet shows and some programs stumble over."""
    return cell.replace("\0", "\N{REPLACEMENT CHARACTER}")
