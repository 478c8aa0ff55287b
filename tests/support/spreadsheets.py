"""Reading our CSV files as a spreadsheet does: with a byte order mark, delimited as the reader's language has it."""

from __future__ import annotations

import csv
import io

BOM = "\ufeff"


def read(text: str) -> list[list[str]]:
    """Return the rows, the titles first."""
    assert text.startswith(BOM)
    text = text.removeprefix(BOM)
    titles = text.partition("\n")[0]
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=max(",;", key=titles.count)))
