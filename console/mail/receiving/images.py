"""The HTML of a received message for a frame: clean, with its own images; others are blocked until asked for."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from console.mail.cleaning import clean_received
from console.mail.receiving.message import ReadMail
from console.mail.receiving.parts import File

MAX_INLINE = 8 * 1024 * 1024  # of all images together
_BEGINNINGS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


@dataclass(frozen=True)
class Picture:
    """A message as it looks. ``blocked``: images of other servers that were left out."""

    document: str
    blocked: int


def draw(mail: ReadMail, *, remote: bool = False, conceal: Callable[[str], str] | None = None) -> Picture:
    """Return the message as a document for a frame.

    Args:
        remote: load images of other servers: those learn that it was read.
        conceal: takes out of the clean HTML what no one may see.
    """
    return Picture(*clean_received(mail.htmls, inline_images(mail.files), remote=remote, conceal=conceal))


def inline_images(files: Sequence[File]) -> Mapping[str, str]:
    """Return the images of a message that its HTML may show, as data: a frame has no cookies to fetch them with."""
    found: dict[str, str] = {}
    left = MAX_INLINE
    for file in files:
        kind = _type_of(file)
        if file.cid and kind and len(file.content) <= left:
            left -= len(file.content)
            found.setdefault(file.cid, f"data:{kind};base64,{base64.b64encode(file.content).decode()}")
    return found


def _type_of(file: File) -> str:
    """Return the image's type by how it begins, whatever it is called; no SVG, which can hold anything."""
    return next((kind for beginning, kind in _BEGINNINGS.items() if file.content.startswith(beginning)), "")
