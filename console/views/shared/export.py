"""Lists as CSV and XLSX: whole however many rows, harmless in a spreadsheet, as its reader writes numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from flask import Response, send_file, stream_with_context
from sqlalchemy import Select

from console.audit.service import record
from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.errors import Text
from console.core.sheets import neutral
from console.core.texts import gettext
from console.core.transaction import transaction
from console.views.shared.labels.states import Label
from console.web.answers import local_time
from console.web.filters import language
from console.web.identity import current_actor

if TYPE_CHECKING:
    from console.views.shared.base import BaseModelView
    from console.views.shared.paging import ListQuery

EXPORT_BATCH = 1_000
XLSX = "xlsx"
SHEET_NAME = 28  # characters of a sheet's name, with room for a number
TYPED = "…"  # in the audit log, for what was typed into a filter
BOM = "\ufeff"  # without it Excel reads č as two letters


@dataclass(frozen=True)
class Style:
    """How a spreadsheet of one language has it: Excel reads what differs from it as text, or in one column."""

    delimiter: str = ","
    decimal: str = "."
    day: str = "%Y-%m-%d"
    moment: str = ""  # RFC 3339 where empty


PLAIN = Style()
# Excel shows the days of a Serbian Windows like this, and takes them as days; `console import` reads them too.
SERBIAN = Style(";", ",", "%d.%m.%Y.", "%d.%m.%Y. %H:%M:%S")


def style() -> Style:
    """Return how the reader of this request has it."""
    return SERBIAN if language() == "sr_Latn" else PLAIN


class Number(str):
    """A number that we wrote ourselves, with a decimal point: it stays one in a spreadsheet."""

    __slots__ = ()


def amount_cell(minor: int) -> Number:
    """Write an amount in whole minor units as a plain number: ``1234.50``."""
    whole, cents = divmod(abs(minor), 100)
    return Number(f"{'-' if minor < 0 else ''}{whole}.{cents:02d}")


def state_cell(labels: Mapping[Any, Label | Text], value: Any) -> str:
    """Write a state with its label, as the page does."""
    if value is None:
        return ""
    label = labels.get(value, value)
    return str(label.text if isinstance(label, Label) else label)


def harmless(value: Any, style: Style = PLAIN) -> str:
    """Write one cell so that no spreadsheet runs it. Numbers stay numbers: they are ours, no one typed them."""
    if value is None:
        return ""
    if isinstance(value, Number):
        return value.replace(".", style.decimal)
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime):
        return _moment(value, style)
    if isinstance(value, date):
        return value.strftime(style.day)
    text = str(value.value if isinstance(value, Enum) else value)
    return neutral(text)


def _moment(instant: datetime, style: Style) -> str:
    if style.moment:
        return instant.astimezone(settings().zone).strftime(style.moment)
    return local_time(instant) or ""


def export_list(view: BaseModelView, list_query: ListQuery, export_type: str) -> Response:
    """Answer the rows that ``list_query`` leaves as a file; the audit log says that they left the console."""
    filters = {one.filter.name: TYPED if one.filter.is_free_text else one.text for one in list_query.filters}
    with transaction():
        record(current_actor(), "list.exported", str(view.endpoint), filters=filters, searched=bool(list_query.search))
    batches = _read_batches(view, view.matching(list_query, all_hits=True), export_type)
    if export_type == XLSX:
        return _workbook(str(view.endpoint), str(view.name), view.export_titles(XLSX), batches)
    what = view.endpoint if export_type == "csv" else f"{view.endpoint}-{export_type}"
    return Response(
        stream_with_context(write_csv(view.export_titles(export_type), batches)),
        mimetype="text/csv",
        headers=_named(what, "csv"),
    )


def export_table(
    what: str, name: str, titles: Sequence[str], rows: Sequence[Sequence[Any]], export_type: str
) -> Response:
    """Answer rows that are at hand as a file, CSV or XLSX. Who calls it writes the audit log.

    Args:
        what: how its file's name begins.
        name: of the sheet.
    """
    if export_type == XLSX:
        return _workbook(what, name, titles, [rows])
    return Response("".join(write_csv(titles, [rows])), mimetype="text/csv", headers=_named(what, "csv"))


def _workbook(what: str, name: str, titles: Sequence[str], batches: Iterable[Sequence[Sequence[Any]]]) -> Response:
    from console.views.shared import workbook  # late: a tenth of a second, for who exports

    file = workbook.write_workbook(titles, batches, name[:SHEET_NAME], style())
    return send_file(file, mimetype=workbook.MIMETYPE, as_attachment=True, download_name=file_name(what, XLSX))


def _named(what: str, kind: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename={file_name(what, kind)}"}


def file_name(what: str, kind: str) -> str:
    """Return what a file that is exported now is called."""
    return f"{what}-{clock.now().astimezone(settings().zone):%Y%m%d-%H%M}.{kind}"


def _read_batches(view: BaseModelView, query: Select[Any], export_type: str) -> Iterator[list[list[Any]]]:
    """Yield the rows by key, oldest first, a batch at a time; no batch stays in memory with the next one."""
    key, last = view.model.id, 0
    while True:
        batch = view.export_query(query, export_type).where(key > last).order_by(key).limit(EXPORT_BATCH)
        rows = view.read_rows(batch)
        if not rows:
            return
        last = rows[-1].id
        yield [cells for row in rows for cells in view.export_rows(row, export_type)]
        db.session.expunge_all()
        db.session.rollback()  # no reading transaction stays open while the client takes its time


def write_csv(
    titles: Sequence[str], batches: Iterable[Iterable[Sequence[Any]]], reader: Style | None = None
) -> Iterator[str]:
    """Return the file piece by piece: the titles, then a piece a batch.

    Args:
        reader: how its reader has it; that of this request where it is left out.
    """
    # Decided now: when the pieces are made, the session no longer knows who is signed in.
    return _pieces(titles, batches, reader or style())


def _pieces(titles: Sequence[str], batches: Iterable[Iterable[Sequence[Any]]], reader: Style) -> Iterator[str]:
    yield BOM + _rows([titles], reader)
    for batch in batches:
        yield _rows(batch, reader)


def _rows(rows: Iterable[Sequence[Any]], style: Style) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=style.delimiter)
    writer.writerows([harmless(value, style) for value in row] for row in rows)
    return buffer.getvalue()
