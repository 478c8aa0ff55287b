"""From an article's text to HTML: Markdown without HTML, names in braces filled in, and the result cleaned.

What staff type is not trusted further than it must be: Markdown passes no HTML on, and what comes out is let through
by tag, attribute and scheme all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import nh3
from markupsafe import Markup, escape

from console.core.context import settings
from console.core.errors import Text
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.hours.labels import hours_in_words

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

PLACEHOLDERS: dict[str, Text] = {
    "brand": lazy_gettext("the support team name"),
    "portal_name": lazy_gettext("the customer portal name"),
    "portal_url": lazy_gettext("the customer portal address"),
    "hours": lazy_gettext("the opening hours"),
    "issuer": lazy_gettext("the company, with its address"),
    "mail": lazy_gettext("the support e-mail address"),
}
# Parts that the console draws itself, each on a line of its own.
BLOCKS: dict[str, Text] = {
    "cookies": lazy_gettext("the table of cookies"),
    "storage": lazy_gettext("the table of what the browser stores besides"),
    "retention": lazy_gettext("the table of retention periods"),
}

_TAGS = {
    "a", "b", "blockquote", "br", "code", "em", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto", "tel"}
_NAME = re.compile(r"\{([a-z_]+)\}")
_SIGNS = re.compile(r"([\\`*_\[\]<>#|~])")
_MARKS = re.compile(r"[#*_`>\[\]]|\((?:https?:/|/|mailto:)[^)]*\)")


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # 62 modules, which a start does without

    return MarkdownIt("commonmark", {"html": False}).enable("table")


def values(language: str) -> dict[str, str]:
    """Return the value of each placeholder in ``language``."""
    issuer = settings().issuer
    return {
        "brand": settings().brand,
        "portal_name": settings().portal_brand,
        "portal_url": f"{settings().base_url}/moj/",
        "hours": hours_in_words(language),
        "issuer": f"{issuer.name}, {issuer.address}, {issuer.postcode} {issuer.city}",
        "mail": settings().mail_from,
    }


def fill(text: str, language: str) -> str:
    """Put the values into a title or another text without markup."""
    known = values(language)
    return _NAME.sub(lambda match: one_line(known[match[1]]) if match[1] in known else match[0], text)


def render(
    text: str,
    language: str,
    blocks: Mapping[str, Markup] | None = None,
    link: Callable[[str], str] = str,
) -> Markup:
    """Return an article's text as HTML.

    Args:
        text: Markdown.
        language: of the placeholders' values.
        blocks: by name, what stands for ``{cookies}`` and the like; empty where it is not drawn.
        link: what becomes of the address of each link.
    """
    known = values(language)
    filled = _NAME.sub(lambda match: _as_text(match[1], known[match[1]]) if match[1] in known else match[0], text)
    html = nh3.clean(
        _parser().render(filled),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        attribute_filter=lambda _tag, name, value: link(value) if name == "href" else value,
        link_rel="noopener noreferrer",
    )
    for name in BLOCKS:
        html = html.replace(f"<p>{{{name}}}</p>", str(escape((blocks or {}).get(name, ""))))
    return Markup(html)  # noqa: S704  cleaned above; a block is escaped unless it is markup of ours


def unknown(text: str) -> list[str]:
    """Return the names in braces that mean nothing, each once, in order."""
    names = [f"{{{name}}}" for name in _NAME.findall(text) if name not in PLACEHOLDERS and name not in BLOCKS]
    return list(dict.fromkeys(names))


def plain(text: str, language: str) -> str:
    """Return the text without its marks, as the search reads it and a list shows its beginning."""
    filled = fill(text, language)
    return _MARKS.sub("", _NAME.sub("", filled)).replace("|", " ")


def _as_text(name: str, value: str) -> str:
    """Return a value as Markdown that says just it; an address stays one, it is written into links too."""
    line = one_line(value)
    return line if name in ("portal_url", "mail") else _SIGNS.sub(r"\\\1", line)
