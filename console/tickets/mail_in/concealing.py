"""The HTML of a received message without what its text is without: numbers that could be a PIN, links that open."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

from console.customers.masking import mask_address, mask_pins
from console.customers.pin_detection import find_pins
from console.tickets.mail_in.content import safe_text

# What stands in one line with the words around it: a number may be written across such tags.
_INLINE = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "em", "font", "i", "ins", "kbd", "mark", "q", "s", "small",
    "span", "strike", "strong", "sub", "sup", "tt", "u", "wbr",
})  # fmt: skip
_READ = frozenset({"alt", "title"})
_ROUNDS = 8


class _Pieces(HTMLParser):
    """Divides clean HTML into tags, and the text after each. ``gaps``: what parts that text from the one before."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.gaps = [""], [""], [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        written = "".join(f' {name}="{escape(value)}"' for name, value in map(_safe, attrs) if value)
        self._add_tag(tag, f"<{tag}{written}>")

    def handle_endtag(self, tag: str) -> None:
        self._add_tag(tag, f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data

    def _add_tag(self, tag: str, written: str) -> None:
        self.tags.append(written)
        self.texts.append("")
        self.gaps.append("" if tag in _INLINE else "\n")


def conceal(html: str) -> str:
    """Return the clean HTML of a message as staff may see it.

    Args:
        html: as ``nh3`` leaves it.
    """
    pieces = _Pieces()
    pieces.feed(html)
    pieces.close()
    texts = [safe_text(text) if text else "" for text in pieces.texts]
    masked = _masked("".join(gap + text for gap, text in zip(pieces.gaps, texts, strict=True)))
    parts, place = [], 0
    for tag, gap, text in zip(pieces.tags, pieces.gaps, texts, strict=True):
        place += len(gap)
        parts += [tag, escape(masked[place : place + len(text)], quote=False)]
        place += len(text)
    return "".join(parts)


def _masked(text: str) -> str:
    """Return ``text`` with a dot for each digit of what looks like a PIN, as long as it was."""
    for _round in range(_ROUNDS):
        found = find_pins(text)
        if not found:
            break
        chars = list(text)
        for token in found:
            chars[token.start : token.end] = ["•" if char.isdecimal() else char for char in token.text]
        text = "".join(chars)
    return text


def _safe(attribute: tuple[str, str | None]) -> tuple[str, str]:
    """Return an attribute without a target that opens something, and what is read of it masked."""
    name, value = attribute[0], attribute[1] or ""
    if name == "href":
        return name, mask_address(value) if safe_text(value) == value else ""
    return name, mask_pins(safe_text(value))[0] if name in _READ else value
