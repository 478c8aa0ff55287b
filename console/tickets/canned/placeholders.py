"""Placeholders: names in braces, each replaced once by a plain word. Nothing is looked up, called or formatted."""

from __future__ import annotations

import re
from collections.abc import Mapping

from console.core.errors import Text
from console.core.text import one_line
from console.core.texts import lazy_gettext

PLACEHOLDERS: dict[str, Text] = {
    "requester_name": lazy_gettext("the requester’s name"),
    "ticket_number": lazy_gettext("the ticket number"),
    "agent_name": lazy_gettext("your first name"),
    "department": lazy_gettext("the ticket’s department"),
    "brand": lazy_gettext("the support team name"),
    "portal_name": lazy_gettext("the customer portal name"),
    "portal_url": lazy_gettext("the customer portal address"),
    "hours": lazy_gettext("the opening hours"),
}

# What is meant as a placeholder begins like a word: "{ deny all; }" and {"a": 1} are configuration.
_WORD = re.compile(r"\{[ \t]*\w[^{};\"=\n]*\}")
_KNOWN = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


def unknown(text: str) -> list[str]:
    """Return what looks like a placeholder in ``text`` and is none, each once, in order."""
    found = [word for word in _WORD.findall(text) if not _KNOWN.fullmatch(word)]
    return list(dict.fromkeys(found))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put the values into ``text``, in one pass: a brace inside of a value stays what it is.

    Args:
        text: with placeholders.
        values: one for each name; control characters are left out, line ends become spaces.
    """
    return _KNOWN.sub(lambda match: _line(values[match[1]]), text)


def _line(value: str) -> str:
    return one_line(value)
