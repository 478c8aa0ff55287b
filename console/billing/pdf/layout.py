"""A sheet as a PDF of A4 pages, by fpdf2. It knows no database and no time but the sheet's: the same sheet, same bytes.

fpdf2 is loaded with the first document, not when a process starts: it and its fonts take a third of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.billing.pdf.qr import QUIET, Squares
from console.billing.pdf.sheet import Fact, Party, Payment, Sheet
from console.billing.pdf.tables import TableWriter

if TYPE_CHECKING:
    from console.billing.pdf.canvas import Canvas

FONTS = Path(__file__).parents[2] / "static" / "vendor" / "inter"
QR_SIDE = 34.0


def render(sheet: Sheet) -> bytes:
    """Return the PDF of a sheet.

    Raises:
        FileNotFoundError: the fonts were not made: `make assets`.
    """
    from console.billing.pdf.canvas import Canvas

    canvas = Canvas(sheet, FONTS)
    _head(canvas, sheet)
    _parties(canvas, sheet.parties)
    _facts(canvas, sheet.facts)
    for table in sheet.tables:
        TableWriter(canvas, table).write()
    _notes(canvas, sheet.notes)
    if sheet.payment is not None:
        _payment(canvas, sheet.payment)
    if sheet.closing:
        _closing(canvas, sheet.closing)
    return bytes(canvas.output())


def _head(canvas: Canvas, sheet: Sheet) -> None:
    canvas.set_y(canvas.t_margin)
    canvas.put(sheet.brand, canvas.l_margin, width=85, size=14, bold=True, color="accent", height=9)
    canvas.set_y(canvas.t_margin)
    canvas.put(sheet.title, canvas.l_margin + 80, width=canvas.epw - 80, size=20, bold=True, right=True, height=9)
    canvas.put(sheet.number, canvas.l_margin + 80, width=canvas.epw - 80, size=11, color="soft", right=True, height=6)
    canvas.set_y(canvas.get_y() + 8)
    if sheet.lead:
        canvas.put(sheet.lead, canvas.l_margin, width=canvas.epw, size=10.5)
        canvas.set_y(canvas.get_y() + 6)


def _parties(canvas: Canvas, parties: Sequence[Party]) -> None:
    if not parties:
        return
    top = bottom = canvas.get_y()
    width = canvas.epw / 2
    for place, party in enumerate(parties):
        left = canvas.l_margin + place * width
        canvas.set_y(top)
        canvas.put(party.label, left, width=width - 6, size=8, color="faint", height=4.5)
        canvas.put(party.name, left, width=width - 6, size=10.5, bold=True, height=5.5)
        for line in party.lines:
            canvas.put(line, left, width=width - 6, size=9, color="soft", height=4.6)
        bottom = max(bottom, canvas.get_y())
    canvas.set_y(bottom + 7)


def _facts(canvas: Canvas, facts: Sequence[Fact]) -> None:
    """Write a band of values next to each other, the one that is looked for at its end."""
    if not facts:
        return
    height, top = 15.0, canvas.get_y()
    canvas.fill("tint")
    canvas.rect(canvas.l_margin, top, canvas.epw, height, style="F", round_corners=True, corner_radius=1.6)
    width = (canvas.epw - 8) / len(facts)
    for place, fact in enumerate(facts):
        left, last = canvas.l_margin + 4 + place * width, place == len(facts) - 1 and len(facts) > 1
        canvas.set_y(top + 2.6)
        canvas.put(fact.label, left, width=width - (0 if last else 3), size=8, color="soft", height=4.4, right=last)
        canvas.fit(fact.value, left, width - (0 if last else 3), size=12 if fact.strong else 10, right=last)
    canvas.set_y(top + height + 7)


def _notes(canvas: Canvas, notes: Sequence[str]) -> None:
    for note in notes:
        for line in note.split("\n"):  # a note of many lines goes on over the page
            canvas.need(canvas.height_of(line, canvas.epw, size=9) + 2)
            canvas.put(line, canvas.l_margin, width=canvas.epw, size=9, color="soft")
        canvas.set_y(canvas.get_y() + 1.5)
    if notes:
        canvas.set_y(canvas.get_y() + 3)


def _payment(canvas: Canvas, payment: Payment) -> None:
    """Write how it is paid, in one piece: the code and what it says belong together."""
    left = canvas.l_margin + 5 + (QR_SIDE + 7 if payment.code is not None else 0)
    label, value = 34.0, canvas.epw - (left - canvas.l_margin) - 34.0 - 5
    rows = [(fact, max(5.4, canvas.height_of(fact.value, value, size=9.5, bold=fact.strong, line=5.4)))
            for fact in payment.facts]  # fmt: skip
    code = QR_SIDE + 6.5 if payment.code is not None else 0
    height = 9 + max(sum(tall for _fact, tall in rows) + 3, code) + 3
    canvas.need(height + 4)
    top = canvas.get_y()
    canvas.draw("line")
    canvas.set_line_width(0.25)
    canvas.rect(canvas.l_margin, top, canvas.epw, height, style="D", round_corners=True, corner_radius=1.6)
    canvas.set_y(top + 4)
    canvas.put(payment.title, canvas.l_margin + 5, width=canvas.epw - 10, size=10.5, bold=True, height=5)
    y = top + 11.5
    for fact, tall in rows:
        canvas.set_y(y)
        canvas.put(fact.label, left, width=label, size=9, color="soft", height=5.4)
        canvas.set_y(y)
        canvas.put(fact.value, left + label, width=value, size=9.5, bold=fact.strong, height=5.4)
        y += tall
    if payment.code is not None:
        _code(canvas, payment.code, canvas.l_margin + 5, top + 11)
        canvas.set_y(top + 11 + QR_SIDE + 0.8)
        canvas.put(payment.code_label, canvas.l_margin + 3, width=QR_SIDE + 4, size=7.5, color="soft", center=True)
    canvas.set_y(top + height + 5)


def _code(canvas: Canvas, code: Squares, left: float, top: float) -> None:
    """Draw a QR code as bars that overlap by a hair: no viewer shows light between two dark rows."""
    module = QR_SIDE / (code.size + 2 * QUIET)
    canvas.fill("ink")
    for bar in code.bars:
        x, y = left + (bar.column + QUIET) * module, top + (bar.row + QUIET) * module
        canvas.rect(x, y, bar.length * module + 0.01, module + 0.01, style="F")


def _closing(canvas: Canvas, text: str) -> None:
    canvas.need(canvas.height_of(text, canvas.epw, size=9))
    canvas.put(text, canvas.l_margin, width=canvas.epw, size=9, color="soft")
