"""Messages as HTML: text and nothing else. Addresses are links, quoted mail is folded."""

from __future__ import annotations

import re
from itertools import groupby

from markupsafe import Markup, escape

from console.core.texts import gettext, ngettext
from console.mail.receiving.quoting import Folded
from console.tickets.models import TICKET_BASE
from console.web.filters import icon

# Direction marks end an address: what is shown must be what is opened.
_URL = r"https?://[^\s<>\"'`\u200b-\u200f\u202a-\u202e\u2066-\u2069]{1,2000}"
_EMAIL = r"(?:mailto:)?(?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"
_TICKET = r"(?<![\w-])T-[1-9]\d{4,9}\b"
_LINK = re.compile(f"(?P<url>{_URL})|(?P<email>{_EMAIL})|(?P<ticket>{_TICKET})")
_TRAILING = ".,;:!?…”“„’»*_"
_WROTE = re.compile(r"^.{1,200}(?:wrote|napisao|napisala|je napisao/la|пише|написао|написала)\s?:$", re.IGNORECASE)
_REL = "noopener noreferrer nofollow"
_TO_PAGE = Markup('<a href="{}" rel="{}" target="_blank">{}</a>')
_TO_ADDRESS = Markup('<a href="{}" rel="{}">{}</a>')
_TO_TICKET = Markup('<a class="ref" href="{0}{1}">{1}</a>')
_QUOTE = Markup(
    '<details class="quoted"><summary>{}<span>{}</span></summary><div class="quoted-text">{}</div></details>'
)
QUOTED = 2  # lines that are worth folding
LONG_LINES, LONG_TEXT = 32, 2_400  # more is folded


def is_long(body: str) -> bool:
    """Return whether an entry is so long that it is folded at first."""
    return len(body) > LONG_TEXT or body.count("\n") >= LONG_LINES


def body_html(body: str, tickets: str) -> Markup:
    """Return a message as HTML.

    Args:
        body: as it is stored.
        tickets: the address of the ticket list, for ticket numbers.
    """
    if "\n>" not in f"\n{body}":
        return linked(body, tickets)
    parts = []
    for is_quote, lines in _blocks(body):
        text = linked("\n".join(lines), tickets)
        if is_quote and len(lines) >= QUOTED:
            words = ngettext("%(num)d quoted line", "%(num)d quoted lines", len(lines))
            text = _QUOTE.format(icon("more", "icon-sm"), words, text)
        parts.append(text)
    return Markup("").join(parts)


def mail_html(parts: Folded, tickets: str) -> Markup:
    """Return a message that came by mail as HTML: what it quotes below its text, and its signature, folded."""
    html = body_html(parts.text, tickets)
    if not parts.rest:
        return html
    words = gettext("Show quoted text")
    return html + Markup("\n") + _QUOTE.format(icon("more", "icon-sm"), words, linked(parts.rest, tickets))


def _blocks(body: str) -> list[tuple[bool, list[str]]]:
    """Part a message into what is said and what is quoted; "… wrote:" belongs to what it introduces."""
    lines = body.split("\n")
    quoted = [line.startswith(">") for line in lines]
    for index in range(len(lines) - 2, -1, -1):
        introduces = not lines[index].strip() or _WROTE.match(lines[index])
        if quoted[index + 1] and introduces and not quoted[index]:
            quoted[index] = bool(_WROTE.match(lines[index])) or _introduced(lines, index)
    pairs = zip(quoted, lines, strict=True)
    return [(is_quote, [line for _, line in group]) for is_quote, group in groupby(pairs, lambda pair: pair[0])]


def _introduced(lines: list[str], blank: int) -> bool:
    """Return whether the blank line is between "… wrote:" and the quote."""
    return blank > 0 and _WROTE.match(lines[blank - 1]) is not None


def linked(text: str, tickets: str) -> Markup:
    """Return ``text`` escaped, with its web and mail addresses and ticket numbers as links."""
    if "://" not in text and "@" not in text and "T-" not in text:
        return escape(text)
    parts: list[str] = []
    end = 0
    for match in _LINK.finditer(text):
        found = match[0] if match.lastgroup != "url" else _trimmed(match[0])
        parts += [escape(text[end : match.start()]), _link(str(match.lastgroup), found, tickets)]
        end = match.start() + len(found)
    return Markup("").join([*parts, escape(text[end:])])


def _link(kind: str, found: str, tickets: str) -> Markup:
    if kind == "ticket":
        return _TO_TICKET.format(tickets, found) if int(found[2:]) > TICKET_BASE else escape(found)
    if kind == "url":
        return _TO_PAGE.format(found, _REL, found) if not found.endswith("://") else escape(found)
    address = found if found.startswith("mailto:") else f"mailto:{found}"
    return _TO_ADDRESS.format(address, _REL, found)


def _trimmed(url: str) -> str:
    """Return an address without the punctuation that ends its sentence."""
    while url and (url[-1] in _TRAILING or _closes_nothing(url)):
        url = url[:-1]
    return url


def _closes_nothing(url: str) -> bool:
    opening = {")": "(", "]": "["}.get(url[-1])
    return opening is not None and url.count(url[-1]) > url.count(opening)
