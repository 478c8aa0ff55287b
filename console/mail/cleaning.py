"""A mail's HTML as a page of ours shows it: words, tables and links; nothing that runs, loads or sends anything.

What we sent was written by our templates. A page trusts it no more than a stranger's: it is cleaned by nh3, drawn
with the stylesheet of today, and stands in a frame where nothing could run anyway.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from urllib.parse import unquote

import nh3

from console.mail.templates import FOLDER

_DROPPED = {"img", "map", "area"}  # what would be loaded, and tell that the mail is read
_ATTRIBUTES = {
    "*": {"class", "dir", "lang", "role", "title"},
    "a": {"href"},
    "ol": {"start"},
    "table": {"cellpadding", "cellspacing"},
    "td": {"align", "bgcolor", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}
_LANGUAGE = re.compile(r"<html lang=\"([A-Za-z-]{2,20})\"")


_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_FORMATS = frozenset({
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
})  # fmt: skip
_NEVER_OPEN = frozenset({
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p",
    "param", "source", "track", "wbr",
})  # fmt: skip
MAX_NESTED = 200
MAX_FORMATS = 30  # open at once: each paragraph opens them all again


def shallow(html: str) -> str:
    """Return ``html`` with tags that are nested beyond reason made into line breaks: cleaning them takes their square.

    What comes out is cleaned afterwards.
    """
    depth = formats = 0

    def change(found: re.Match[str]) -> str:
        nonlocal depth, formats
        name = found[2].lower()
        if name in _NEVER_OPEN:
            return found[0]
        is_format = name in _FORMATS
        if found[1]:
            depth, formats = max(0, depth - (not is_format)), max(0, formats - is_format)
        elif (formats if is_format else depth) >= (MAX_FORMATS if is_format else MAX_NESTED):
            return "<br"
        else:
            depth, formats = depth + (not is_format), formats + is_format
        return found[0]

    return _TAG.sub(change, html)


def clean_document(html: str) -> str:
    """Return a mail as a document for a frame; its links open a new tab."""
    language = _LANGUAGE.search(html)
    body = nh3.clean(
        html,
        tags=nh3.ALLOWED_TAGS - _DROPPED,
        clean_content_tags={"script", "style", "title"},
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        url_relative="deny",
    )
    return _document(body, language[1] if language else "en")


def clean_received(
    htmls: Sequence[str], images: Mapping[str, str], *, remote: bool = False,
    conceal: Callable[[str], str] | None = None,
) -> tuple[str, int]:  # fmt: skip
    """Return a received mail as a document for a frame, and how many images of other servers it leaves out.

    Args:
        htmls: its parts; each is cleaned by itself, so that none hides or swallows the next.
        images: the mail's own by Content-ID, as ``data:`` addresses.
        remote: leave those of other servers in.
        conceal: takes out of the clean HTML what no one may see.
    """
    blocked = 0

    def change(tag: str, name: str, value: str) -> str | None:
        nonlocal blocked
        if tag != "img" or name != "src":
            return None if value.lower().startswith("cid:") else value
        if value.lower().startswith("cid:"):
            return images.get(unquote(value[4:]))
        if value.lower().startswith("https://"):
            blocked += not remote
            return value if remote else None
        blocked += value.lower().startswith("http://")
        return None

    body = "\n".join(
        nh3.clean(
            shallow(html),
            tags=(nh3.ALLOWED_TAGS | {"img"}) - {"map", "area"},
            clean_content_tags={"script", "style", "title"},
            attributes=_ATTRIBUTES | {"img": {"alt", "height", "src", "width"}},
            attribute_filter=change,
            url_schemes=_SCHEMES | {"cid"},
            url_relative="deny",
        )
        for html in htmls
    )
    return _document(body if conceal is None else conceal(body), "und"), blocked


def _document(body: str, language: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<base target="_blank">\n'
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<title></title>\n'
        f"<style>\n{_stylesheet()}</style>\n</head>\n<body>\n{body.strip()}\n</body>\n</html>\n"
    )


@cache
def _stylesheet() -> str:
    return (FOLDER / "style.css").read_text(encoding="utf-8")
