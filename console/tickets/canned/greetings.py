"""The greeting that a canned reply begins with: left out where the message has text before it."""

from __future__ import annotations

import re

_WORDS = (
    "dobar dan", "dobro jutro", "dobro veče", "zdravo", "pozdrav", "poštovani", "poštovana", "poštovane", "ćao",
    "hello", "hi", "hey", "dear", "good morning", "good afternoon", "good evening", "good day",
)  # fmt: skip
# The words, whom they greet (a name, at most three words more), and what parts them from the text.
_GREETING = re.compile(
    rf"\s*(?:{'|'.join(_WORDS)})\b"
    r"(?:[ \t,]+\{requester_name\}|(?:[ \t]+[^\s,.!:{}]+){0,3})?"
    r"[ \t]*(?:[,.!:]+\s*|\n\s*)",
    re.IGNORECASE,
)


def greeting(template: str) -> str:
    """Return the beginning of a reply, not filled in, that greets; empty where none does, or nothing follows it."""
    found = _GREETING.match(template)
    return found[0] if found and found.end() < len(template) else ""
