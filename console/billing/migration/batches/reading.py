"""Reading a file of services and their new owners: CSV, comma or semicolon, UTF-8."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass

from console.core.errors import Invalid, Text
from console.core.sheets import as_meant
from console.core.texts import lazy_gettext

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 20_000
MAX_SERVICE, MAX_TARGET = 60, 254
_SERVICE = frozenset({"service", "usluga", "service_number", "broj usluge"})
_TARGET = frozenset(
    {"new_owner", "new owner", "owner", "to_customer", "customer", "email", "novi vlasnik", "novi_vlasnik"}
)


@dataclass(frozen=True)
class Row:
    """One row as it was typed. ``number`` is the one a spreadsheet shows: the header is 1."""

    number: int
    service: str
    target: str


@dataclass(frozen=True)
class File:
    """A file's rows and the digest that names them."""

    rows: tuple[Row, ...]
    digest: str


def read_file(content: bytes) -> File:
    """Return the rows of a file.

    Raises:
        Invalid: it is too large, no UTF-8, has not the two columns, a broken quote, or no rows.
    """
    if len(content) > MAX_BYTES:
        raise _refused(lazy_gettext("The file is too large. Divide it into files of at most 5 MB."))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refused(
            lazy_gettext("Line %(line)d is not UTF-8. Save the file as “CSV UTF-8” and upload it again.", line=line)
        ) from error
    head = text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",", strict=True
    )
    rows: list[Row] = []
    try:
        service_at, target_at = _columns(next(reader, []))
        for number, cells in enumerate(reader, start=2):
            if any(cell.strip() for cell in cells):
                rows.append(_row(number, cells, service_at, target_at))
            if len(rows) > MAX_ROWS:
                raise _refused(
                    lazy_gettext(
                        "The file has too many rows. Divide it into files of at most %(count)d.", count=MAX_ROWS
                    )
                )
    except csv.Error as error:
        raise _refused(
            lazy_gettext("Line %(line)d cannot be read: its quotes do not match.", line=reader.line_num)
        ) from error
    if not rows:
        raise _refused(lazy_gettext("The file has no rows below its first line."))
    return File(tuple(rows), digest_of(rows))


def digest_of(rows: list[Row]) -> str:
    """Return the digest of what rows say."""
    said = "\n".join(f"{row.number}\t{row.service}\t{row.target}" for row in rows)
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()


def _columns(header: list[str]) -> tuple[int, int]:
    names = [cell.strip().casefold() for cell in header]
    service = next((place for place, name in enumerate(names) if name in _SERVICE), None)
    target = next((place for place, name in enumerate(names) if name in _TARGET), None)
    if service is None or target is None:
        raise _refused(
            lazy_gettext("The first line must name the columns “service” and “new_owner” (number or e-mail address).")
        )
    return service, target


def _row(number: int, cells: list[str], service_at: int, target_at: int) -> Row:
    def cell(place: int, most: int) -> str:
        text = as_meant(cells[place].strip()) if place < len(cells) else ""
        return "".join(char for char in text if char.isprintable())[:most]

    return Row(number, cell(service_at, MAX_SERVICE), cell(target_at, MAX_TARGET))


def _refused(message: Text) -> Invalid:
    return Invalid(message, fields={"file": [message]}, code="bad_file")
