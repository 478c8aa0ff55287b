"""Our pages on fpdf2: its fonts, colours, the head and foot of each page, and text in a place. Imported late."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, XPos, YPos

from console.billing.pdf.sheet import Sheet

MARGIN, TOP, BOTTOM = 18.0, 18.0, 22.0
COLORS = {
    "ink": (23, 28, 32), "soft": (82, 92, 98), "faint": (112, 121, 127), "accent": (10, 108, 97),
    "line": (206, 212, 214), "tint": (241, 246, 245),
}  # fmt: skip
POINT = 25.4 / 72
SMALLEST = 5.0
NB = "{nb}"  # fpdf2 puts the number of pages in its place


class Canvas(FPDF):
    """The pages of one sheet. Lengths are millimetres, sizes of letters points."""

    def __init__(self, sheet: Sheet, fonts: Path) -> None:
        super().__init__(format="A4", unit="mm")
        self.sheet = sheet
        self.add_font("Inter", "", fonts / "inter-regular.ttf")
        self.add_font("Inter", "B", fonts / "inter-semibold.ttf")
        self.set_margins(MARGIN, TOP, MARGIN)
        self.set_auto_page_break(False)
        self.c_margin = 0
        self.set_title(f"{sheet.title} {sheet.number}")
        self.set_author(sheet.parties[0].name if sheet.parties else sheet.brand)
        self.set_creator(sheet.brand)
        self.set_producer(sheet.brand)
        self.set_lang(sheet.lang)
        self.set_creation_date(sheet.made_at)
        self.alias_nb_pages(NB)
        self.add_page()

    @property
    def room(self) -> float:
        """Return how much of the page is left."""
        return self.h - BOTTOM - self.get_y()

    def need(self, height: float) -> bool:
        """Begin a page if ``height`` does not fit on this one; tell whether one was begun."""
        if height <= self.room:
            return False
        self.add_page()
        return True

    def header(self) -> None:
        """Say on further pages what document they are of."""
        self.fill("accent")
        self.rect(0, 0, self.w, 2.2, style="F")
        if self.page_no() == 1:
            return
        self.set_y(9)
        self.put(self.sheet.brand, self.l_margin, width=60, size=9, bold=True, color="accent")
        self.set_y(9)
        self.put(self.sheet.continued, self.l_margin + 60, width=self.epw - 60, size=9, color="soft", right=True)
        self.set_y(TOP + 2)

    def footer(self) -> None:
        """Say who issued it, and which page of how many this is."""
        self.set_y(self.h - 15)
        self.draw("line")
        self.set_line_width(0.2)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
        self.set_y(self.h - 13)
        self.put(self.sheet.footer, self.l_margin, width=self.epw - 40, size=7.5, color="faint", height=4)
        self.set_y(self.h - 13)
        words = self.sheet.page_of.replace("{page}", str(self.page_no()))
        self.set_font("Inter", "", 7.5)
        width = self.get_string_width(words.replace("{pages}", "9"))
        self.set_text_color(*COLORS["faint"])
        self.set_x(self.w - self.r_margin - width)
        self.cell(width + 8, 4, words.replace("{pages}", NB))

    def fill(self, name: str) -> None:
        """Fill what is drawn next with a colour."""
        self.set_fill_color(*COLORS[name])

    def draw(self, name: str) -> None:
        """Draw lines in a colour."""
        self.set_draw_color(*COLORS[name])

    def put(
        self,
        text: str,
        left: float,
        *,
        width: float,
        size: float,
        bold: bool = False,
        color: str = "ink",
        height: float = 0,
        right: bool = False,
        center: bool = False,
    ) -> None:
        """Write a text that wraps, and go below it.

        Args:
            height: of a line; by the size of the letters where not given.
        """
        self.set_font("Inter", "B" if bold else "", size)
        self.set_text_color(*COLORS[color])
        self.set_x(left)
        align = Align.R if right else Align.C if center else Align.L
        self.multi_cell(width, height or line_height(size), text, align=align, new_x=XPos.LEFT, new_y=YPos.NEXT)

    def fit(self, text: str, left: float, width: float, *, size: float, right: bool = False) -> None:
        """Write one strong line, smaller where it would not fit."""
        self.set_font("Inter", "B", self.fitting_size(text, width, size, bold=True))
        self.set_text_color(*COLORS["ink"])
        self.set_x(left)
        self.cell(width, 6, text, align=Align.R if right else Align.L)

    def fitting_size(self, text: str, width: float, size: float, *, bold: bool = False) -> float:
        """Return the size, ``size`` at most, at which a text fits on one line."""
        while size > SMALLEST:
            self.set_font("Inter", "B" if bold else "", size)
            if self.get_string_width(text) <= width:
                break
            size -= 0.25
        return size

    def height_of(self, text: str, width: float, *, size: float, bold: bool = False, line: float = 0) -> float:
        """Return how tall a text is that wraps."""
        self.set_font("Inter", "B" if bold else "", size)
        tall: Any = self.multi_cell(
            width, line or line_height(size), text, dry_run=True, output=MethodReturnValue.HEIGHT
        )
        return float(tall)


def line_height(size: float) -> float:
    """Return the height of a line of letters of ``size``."""
    return size * POINT * 1.38
