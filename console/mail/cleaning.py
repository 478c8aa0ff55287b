"""A mail's HTML as a page of ours shows it: words, tables and links; nothing that runs, loads or sends anything.

What is stored was written by our templates. A page trusts it no more than a stranger's: it is cleaned by nh3, drawn
with the stylesheet of today, and stands in a frame where nothing could run anyway.
"""

from __future__ import annotations

import re
from functools import cache

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
    return (
        f'<!doctype html>\n<html lang="{language[1] if language else "en"}">\n<head>\n<base target="_blank">\n'
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<title></title>\n'
        f"<style>\n{_stylesheet()}</style>\n</head>\n<body>\n{body.strip()}\n</body>\n</html>\n"
    )


@cache
def _stylesheet() -> str:
    return (FOLDER / "style.css").read_text(encoding="utf-8")
