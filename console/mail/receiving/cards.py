"""Calendar invitations and vCards (RFC 5545, 6350) as what they are: a few facts, read without a library's whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

_UNFOLD = re.compile(r"\r?\n[ \t]")
_ESCAPED = re.compile(r"\\([\\;,nN])")
MOST = 20
MAX_VALUE = 200


@dataclass(frozen=True)
class Card:
    """An invitation or a card. ``kind``: ``invitation``, ``cancelled``, ``answer`` or ``vcard``."""

    kind: str
    facts: dict[str, str] = field(default_factory=dict)


def invitations(text: str) -> list[Card]:
    """Return the events of a calendar file: what, when, where, by whom."""
    method = next((value for name, value in _lines(text) if name == "METHOD"), "").upper()
    kind = {"CANCEL": "cancelled", "REPLY": "answer"}.get(method, "invitation")
    found = []
    for event in _blocks(text, "VEVENT"):
        facts = {
            "what": event.get("SUMMARY", ""),
            "starts": _instant(event.get("DTSTART", "")),
            "ends": _instant(event.get("DTEND", "")),
            "where": event.get("LOCATION", ""),
            "by": re.sub(r"(?i)^mailto:", "", event.get("ORGANIZER", "")),
        }
        found.append(Card(kind, {name: value[:MAX_VALUE] for name, value in facts.items() if value}))
    return found[:MOST]


def vcards(text: str) -> list[Card]:
    """Return the cards of a file: name, company, addresses."""
    names = {"FN": "name", "ORG": "company", "EMAIL": "email", "TEL": "phone"}
    return [
        Card("vcard", {names[key]: value.strip("; ")[:MAX_VALUE] for key, value in card.items() if key in names})
        for card in _blocks(text, "VCARD")
    ][:MOST]


def _blocks(text: str, name: str) -> Iterator[dict[str, str]]:
    block: dict[str, str] | None = None
    for key, value in _lines(text):
        if key == "BEGIN" and value.upper() == name:
            block = {}
        elif key == "END" and value.upper() == name and block is not None:
            yield block
            block = None
        elif block is not None:
            block.setdefault(key, value)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in _UNFOLD.sub("", text).splitlines():
        name, colon, value = line.partition(":")
        if colon:
            key = name.partition(";")[0].rpartition(".")[2].strip().upper()
            yield key, _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value).strip()


def _instant(value: str) -> str:
    """Return an instant as RFC 3339, in UTC where it says so; a day alone as a day."""
    for pattern in ("%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M", "%Y%m%d"):
        try:
            found = datetime.strptime(value, pattern)  # noqa: DTZ007  (its zone is in a parameter)
        except ValueError:
            continue
        if pattern.endswith("Z"):
            return found.replace(tzinfo=UTC).isoformat()
        return found.isoformat() if "T" in pattern else found.date().isoformat()
    return ""
