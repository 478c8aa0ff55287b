"""Plain text that its client broke into short lines, put together again (RFC 3676, format=flowed)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUOTED = re.compile(r">*")
_SIGNATURE = "-- "


def unwrap(text: str, *, delsp: bool = False) -> str:
    """Return ``text`` with its paragraphs each on one line, quotes with ``>`` before them.

    Args:
        text: of a part that says ``format=flowed``.
        delsp: the space that ends a broken line is none of the text's (RFC 3676, 4).
    """
    return "\n".join(_paragraphs(text.replace("\r\n", "\n"), delsp=delsp))


def _paragraphs(text: str, *, delsp: bool) -> Iterator[str]:
    depth, pieces = 0, list[str]()
    for line in text.split("\n"):
        quoted = len(_QUOTED.match(line)[0])  # type: ignore[index]  # it matches nothing too
        words = line[quoted:].removeprefix(" ")  # stuffed (4.4)
        signature = words == _SIGNATURE  # fixed, though it ends in a space (4.3)
        if pieces and (quoted != depth or signature):
            yield _line(depth, pieces)  # a broken line that nothing continues (4.5)
            pieces = []
        depth = quoted
        if words.endswith(" ") and not signature:
            pieces.append(words[:-1] if delsp else words)
        else:
            yield _line(depth, [*pieces, words])
            pieces = []
    if pieces:
        yield _line(depth, pieces)


def _line(depth: int, pieces: list[str]) -> str:
    words = "".join(pieces)
    return f"{'>' * depth} {words}".rstrip() if depth else words
