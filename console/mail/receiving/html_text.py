"""The words of a mail that has HTML alone: paragraphs, lists, where links lead, quotes with ``>``."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3

from console.mail.cleaning import shallow

_LINES = frozenset({
    "address", "article", "aside", "br", "center", "dd", "div", "dl", "dt", "figure", "footer", "header", "hr", "li",
    "main", "nav", "ol", "pre", "section", "table", "tr", "ul",
})  # fmt: skip
_PARAGRAPHS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"})
_CELLS = frozenset({"td", "th"})
_TAGS = _LINES | _PARAGRAPHS | _CELLS | {"a"}
_HIDDEN = {"script", "style", "title"}
_SPACE = re.compile(r"[ \t\r\n\f\u00a0]+")
_MANY_SPACES = re.compile(r" {2,}")
MAX_QUOTES = 8


class _Words(HTMLParser):
    """Reads what nh3 has made well-formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.quotes = 0
        self.href = ""
        self.link_from = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "blockquote":
            self.quotes = min(self.quotes + 1, MAX_QUOTES)
        if tag in _PARAGRAPHS:
            self._line(2)
        elif tag in _LINES:
            self._line(1)
        if tag == "li":
            self.parts.append("- ")
        elif tag in _CELLS:
            self.parts.append(" ")
        elif tag == "a":
            self.href, self.link_from = dict(attrs).get("href") or "", len(self.parts)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self.href:
            label = "".join(self.parts[self.link_from :]).strip()
            if self.href.startswith(("http://", "https://")) and self.href not in label:
                self.parts.append(f" ({self.href})")
            self.href = ""
        elif tag in _PARAGRAPHS:
            if tag == "blockquote":
                self.quotes = max(0, self.quotes - 1)
            self._line(2)
        elif tag in _LINES:
            self._line(1)

    def handle_data(self, data: str) -> None:
        self.parts.append(_SPACE.sub(" ", data))

    def _line(self, count: int) -> None:
        self.parts.append(("\n" + "> " * self.quotes) * count)


def to_text(html: str) -> str:
    """Return the words of ``html``."""
    words = _Words()
    words.feed(
        nh3.clean(shallow(html), tags=set(_TAGS), clean_content_tags=_HIDDEN, attributes={"a": {"href"}}, link_rel=None)
    )
    words.close()
    text: list[str] = []
    for line in "".join(words.parts).split("\n"):
        bare = line.replace(">", "").strip()
        if bare:
            text.append(_MANY_SPACES.sub(" ", line).strip())
        elif text and text[-1]:
            text.append("")
    return "\n".join(text).strip()
