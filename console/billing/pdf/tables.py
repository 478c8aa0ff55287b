"""A table over several pages: each has the header row, and totals never stand alone on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.billing.pdf.sheet import Column, Fact, Row, Table

if TYPE_CHECKING:
    from console.billing.pdf.canvas import Canvas

SIZE, NOTE, HEAD = 9.0, 7.5, 7.5
PADDING, GUTTER = 1.7, 3.0
TOTALS, TOTAL_LINE = 82.0, 6.2
BREAKDOWN = (22.0, 28.0, 26.0)
TOGETHER = 2  # rows that stay with the totals


class TableWriter:
    """Writes one table of a sheet."""

    def __init__(self, canvas: Canvas, table: Table) -> None:
        self.canvas, self.table = canvas, table
        fixed = sum(column.width for column in table.columns)
        free = sum(not column.width for column in table.columns)
        rest = (canvas.epw - fixed) / free if free else 0
        self.widths = [column.width or rest for column in table.columns]

    def write(self) -> None:
        """Write heading, rows and totals."""
        rows, heights = self.table.rows, [self._height(row) for row in self.table.rows]
        below = self._totals_height()
        start = self._head_height() + (9 if self.table.heading else 0)
        if not rows:
            self._heading()
            self.canvas.put(self.table.empty, self.canvas.l_margin, width=self.canvas.epw, size=SIZE, color="soft")
            self.canvas.set_y(self.canvas.get_y() + 6)
            return
        last = heights[-TOGETHER:]
        self.canvas.need(start + (sum(last) + below if len(rows) <= TOGETHER else heights[0] + heights[1]))
        self._heading()
        self._head()
        for place, (row, tall) in enumerate(zip(rows, heights, strict=True)):
            left = len(rows) - place
            needed = sum(heights[place:]) + below if left <= TOGETHER else tall
            if place and self.canvas.need(needed):
                self._head()
            self._row(row, tall)
        self._totals()

    def _heading(self) -> None:
        if self.table.heading:
            self.canvas.put(
                self.table.heading, self.canvas.l_margin, width=self.canvas.epw, size=11, bold=True, height=6
            )
            self.canvas.set_y(self.canvas.get_y() + 1.5)

    def _head_height(self) -> float:
        tall = [
            self.canvas.height_of(column.title, self._inner(place), size=HEAD, bold=True)
            for place, column in enumerate(self.table.columns)
        ]
        return max(tall) + 2.4

    def _head(self) -> None:
        height, top = self._head_height(), self.canvas.get_y()
        for place, column in enumerate(self.table.columns):
            tall = self.canvas.height_of(column.title, self._inner(place), size=HEAD, bold=True)
            self._cell(place, column, column.title, top + height - 1.4 - tall, HEAD, color="soft", bold=True)
        self.canvas.draw("ink")
        self.canvas.set_line_width(0.35)
        self.canvas.line(self.canvas.l_margin, top + height, self.canvas.w - self.canvas.r_margin, top + height)
        self.canvas.set_y(top + height)

    def _height(self, row: Row) -> float:
        tall = max(
            self.canvas.height_of(text, self._inner(place), size=self._size(place, text))
            for place, text in enumerate(row.cells)
        )
        first = self.canvas.height_of(row.cells[0], self._inner(0), size=SIZE)
        if row.note:
            first += self.canvas.height_of(row.note, self._inner(0), size=NOTE)
        return max(tall, first) + 2 * PADDING

    def _row(self, row: Row, height: float) -> None:
        top = self.canvas.get_y()
        for place, (column, text) in enumerate(zip(self.table.columns, row.cells, strict=True)):
            self._cell(place, column, text, top + PADDING, self._size(place, text))
            if place == 0 and row.note:
                self._cell(0, column, row.note, self.canvas.get_y(), NOTE, color="faint")
        self.canvas.draw("line")
        self.canvas.set_line_width(0.15)
        self.canvas.line(self.canvas.l_margin, top + height, self.canvas.w - self.canvas.r_margin, top + height)
        self.canvas.set_y(top + height)

    def _cell(
        self, place: int, column: Column, text: str, top: float, size: float, *, color: str = "ink", bold: bool = False
    ) -> None:
        left = self.canvas.l_margin + sum(self.widths[:place]) + (GUTTER if place else 0)
        self.canvas.set_y(top)
        self.canvas.put(text, left, width=self._inner(place), size=size, color=color, bold=bold, right=column.numbers)

    def _size(self, place: int, text: str) -> float:
        """Return how large a cell is written: an amount that is too long gets smaller, for it must not be cut."""
        if not self.table.columns[place].numbers:
            return SIZE
        return self.canvas.fitting_size(text, self._inner(place), SIZE)

    def _inner(self, place: int) -> float:
        return self.widths[place] - (GUTTER if place else 0)

    def _totals_height(self) -> float:
        lines = max(len(self.table.totals), len(self.table.breakdown))
        return lines * TOTAL_LINE + 8 if lines else 4

    def _totals(self) -> None:
        top = self.canvas.get_y() + 3
        if self.table.breakdown:
            self._breakdown(top)
        y = top
        for total in self.table.totals:
            self._total(total, y)
            y += TOTAL_LINE + (1.2 if total.strong else 0)
        lines = max(y - top, len(self.table.breakdown) * 5.0)
        self.canvas.set_y(top + lines + (5 if lines else 3))

    def _total(self, total: Fact, top: float) -> None:
        canvas, left = self.canvas, self.canvas.w - self.canvas.r_margin - TOTALS
        if total.strong:
            canvas.draw("ink")
            canvas.set_line_width(0.35)
            canvas.line(left, top + 0.6, canvas.w - canvas.r_margin, top + 0.6)
            top += 1.4
        size = 11.5 if total.strong else SIZE
        canvas.set_y(top)
        canvas.put(
            total.label, left, width=TOTALS / 2, size=size, bold=total.strong,
            color="ink" if total.strong else "soft", height=TOTAL_LINE,
        )  # fmt: skip
        canvas.set_y(top)
        canvas.put(
            total.value, left + TOTALS / 2 - 8, width=TOTALS / 2 + 8, size=size, bold=total.strong, right=True,
            height=TOTAL_LINE,
        )  # fmt: skip

    def _breakdown(self, top: float) -> None:
        y = top + 0.6
        for place, cells in enumerate(self.table.breakdown):
            left = self.canvas.l_margin
            for column, (text, width) in enumerate(zip(cells, BREAKDOWN, strict=True)):
                self.canvas.set_y(y)
                self.canvas.put(
                    text, left, width=width, size=NOTE, color="soft", right=column > 0, bold=place == 0, height=5
                )
                left += width
            y += 5.0
