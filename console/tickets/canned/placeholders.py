"""Placeholders: names in braces, each replaced once by a plain word. Nothing is looked up, called or formatted."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from console.core.context import settings
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
_EITHER = re.compile(r"\{(?:(" + "|".join(PLACEHOLDERS) + r")|help:(?P<slug>[a-z0-9-]{1,60}))\}")


def unknown(text: str, articles: Collection[str]) -> list[str]:
    """Return what looks like a placeholder in ``text`` and is none, each once, in order.

    Args:
        articles: the slugs of the help articles there are.
    """
    linked = [f"{{help:{slug}}}" for slug in articles]
    found = [word for word in _WORD.findall(text) if not _KNOWN.fullmatch(word) and word not in linked]
    return list(dict.fromkeys(found))


def article_address(slug: str, language: str) -> str:
    """Return where a help article is read, in the reader's language."""
    return f"{settings().base_url}/help/{slug}?lang={language}"


def fill(text: str, values: Mapping[str, str], link: Callable[[str], str]) -> str:
    """Put the values into ``text``, in one pass: a brace inside of a value stays what it is.

    Args:
        text: with placeholders.
        values: one for each name; control characters are left out, line ends become spaces.
        link: returns where a help article is read.
    """

    def value(match: re.Match[str]) -> str:
        slug = match.group("slug")
        return link(slug) if slug else _line(values[match[1]])

    return _EITHER.sub(value, text)


def _line(value: str) -> str:
    return one_line(value)
