"""QR codes as images that need no other file and no inline style."""

from __future__ import annotations

import segno


def qr_image(text: str) -> str:
    """Return ``text`` as a QR code, a ``data:`` address of an SVG. White behind it: cameras need it in the dark too."""
    code = segno.make(text, error="m", micro=False)
    image: str = code.svg_data_uri(scale=4, border=3, dark="#000", light="#fff")
    return image
