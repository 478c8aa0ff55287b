"""Where a reply ends and what it quotes begins: folded on pages, never cut off.

quotequail knows the clients of many countries; the patterns here are of those that speak Serbian, in both scripts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import quotequail

from console.core.text import fold

_LONGEST = 300  # of the line above a quote, which clients break into two or three
_LINES_OF_INTRO = 3
_WROTE = re.compile(
    r"^(?=.*\d{1,2}[.:/]\s?\d{2})(?=.*[@<,]).*\b(wrote|napisao|napisala|napisali|napisa|pisase|pise)\b.{0,16}:$"
)
_FORWARDED = re.compile(
    r"^[-_ ]{2,}\s*(original message|originalna poruka|izvorna poruka|"
    r"prosledjena poruka|forwarded message)\s*[-_ ]{2,}$"
)
_FROM = re.compile(r"^\W{0,2}(from|od|salje|posiljalac)\W{0,2}:")
_OTHERS = tuple(
    re.compile(rf"^\W{{0,2}}({names})\W{{0,2}}:")
    for names in (
        "sent|date|poslato|datum|vreme",
        "to|za|kome|prima|primalac",
        "subject|tema|predmet|naslov",
    )
)
_HEADER_LINES = 6
_RULE = re.compile(r"^_{10,}$")
_SIGNATURE = re.compile(r"^-- ?$")
_DEVICE = re.compile(r"^(sent from my|sent from outlook|poslato sa|poslato iz|get outlook for|preuzmite outlook)\b")
MOST_LINES = 2_000  # that are looked at
_SIGNATURE_LINES = 15


@dataclass(frozen=True)
class Folded:
    """A text in two: what its writer wrote, and what is quoted, with a signature above it."""

    text: str
    rest: str = ""


def fold_quoted(text: str) -> Folded:
    """Divide a mail's text. Where all of it is a quote, or answers stand between quotes, nothing is folded."""
    lines = text.split("\n")
    looked = lines[:MOST_LINES]
    starts = [start for start in (_header_block(looked), _intro(looked), _quotequail(text)) if start is not None]
    start = min(starts, default=None)
    if start is None:
        start = _signature(looked)
    else:
        signature = _signature(looked[:start])
        start = start if signature is None else signature
    if start is None or not any(line.strip() and not line.startswith(">") for line in looked[:start]):
        return Folded(text)
    return Folded("\n".join(lines[:start]).rstrip(), "\n".join(lines[start:]).strip("\n"))


def _header_block(lines: list[str]) -> int | None:
    """Return where Outlook's copy of a header begins, or the line above it."""
    for place, line in enumerate(lines):
        plain = fold(line.strip().strip("*")[:_LONGEST])
        if _FORWARDED.match(plain):
            return place
        if not _FROM.match(plain):
            continue
        following = [fold(one.strip().strip("*")[:_LONGEST]) for one in lines[place + 1 : place + _HEADER_LINES]]
        if sum(any(other.match(one) for one in following) for other in _OTHERS) >= 2:
            above = next((back for back in range(place - 1, max(place - 3, -1), -1) if lines[back].strip()), None)
            return above if above is not None and _RULE.match(lines[above].strip()) else place
    return None


def _intro(lines: list[str]) -> int | None:
    """Return where "… je napisao/la:" begins, if only a quote comes after it."""
    for end, line in enumerate(lines):
        if not line.rstrip().endswith(":") or line.startswith(">"):
            continue
        for count in range(1, min(_LINES_OF_INTRO, end + 1) + 1):
            window = [one.strip() for one in lines[end + 1 - count : end + 1]]
            joined = " ".join(window)
            if not window[0] or len(joined) > _LONGEST:
                break
            if _WROTE.match(fold(joined)):
                return end + 1 - count if _only_quote(lines[end + 1 :]) else None
    return None


def _only_quote(rest: list[str]) -> bool:
    """Return whether nothing is answered in between: all of it has ``>``, or none has."""
    end = _signature(rest)
    filled = [line for line in (rest if end is None else rest[:end]) if line.strip()]
    quoted = sum(line.lstrip().startswith(">") for line in filled)
    return quoted in (0, len(filled))


def _quotequail(text: str) -> int | None:
    """Return where the library finds the quote that ends a message."""
    try:
        parts = quotequail.quote(text, quote_intro_line=True, limit=MOST_LINES)
    except (ValueError, IndexError, RecursionError):
        return None
    if len(parts) < 2 or not parts[0][1]:
        return None
    start = parts[0][1].count("\n") + 1
    lines = text.split("\n")
    return start if start < MOST_LINES and _only_quote(_without_intro(lines[start:])) else None


def _without_intro(lines: list[str]) -> list[str]:
    """Return what follows the lines above a quote, which have no ``>``."""
    for place, line in enumerate(lines[: _LINES_OF_INTRO + 1]):
        if line.startswith(">"):
            return lines[place:]
    return lines


def _signature(lines: list[str]) -> int | None:
    """Return where a signature begins that ends ``lines``."""
    for place in range(len(lines) - 1, max(len(lines) - _SIGNATURE_LINES, -1), -1):
        line = lines[place]
        if _SIGNATURE.match(line) or _DEVICE.match(fold(line.strip()[:60])):
            return place
    return None
