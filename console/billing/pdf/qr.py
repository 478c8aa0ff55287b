"""A payment code as the squares of a QR code: for a page as SVG, for a PDF as rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import segno
from markupsafe import Markup

QUIET = 4  # light modules around it, ISO/IEC 18004
LEVEL = "m"  # of error correction, as the NBS asks for


@dataclass(frozen=True)
class Bar:
    """Dark modules of one row without a gap."""

    row: int
    column: int
    length: int


@dataclass(frozen=True)
class Squares:
    """A QR code. ``size``: modules along a side, without the quiet zone."""

    size: int
    bars: tuple[Bar, ...]


def squares(text: str) -> Squares:
    """Return ``text`` as a QR code.

    Where it is not ASCII the code says that it is UTF-8 (ECI 26, ISO/IEC 18004): without that, readers guess, and zbar
    takes "č" for Japanese.
    """
    eci = not text.isascii()
    matrix = segno.make_qr(text, error=LEVEL, boost_error=False, encoding="utf-8", eci=eci).matrix
    return Squares(len(matrix), tuple(_bars(matrix)))


def svg(text: str, title: str) -> Markup:
    """Return ``text`` as a picture for a page. White behind it: cameras need it in the dark too.

    Args:
        title: what is read out in its place.
    """
    code = squares(text)
    side = code.size + 2 * QUIET
    path = "".join(f"M{bar.column + QUIET} {bar.row + QUIET}h{bar.length}v1h-{bar.length}z" for bar in code.bars)
    return Markup(
        '<svg class="qr" viewBox="0 0 {side} {side}" role="img" aria-label="{title}" shape-rendering="crispEdges">'
        '<rect width="{side}" height="{side}" fill="#fff"/><path fill="#000" d="{path}"/></svg>'
    ).format(side=side, title=title, path=path)


def _bars(matrix: tuple[bytearray, ...]) -> Iterator[Bar]:
    for place, row in enumerate(matrix):
        begin = None
        for column, dark in enumerate([*row, 0]):
            if dark and begin is None:
                begin = column
            elif not dark and begin is not None:
                yield Bar(place, begin, column - begin)
                begin = None
