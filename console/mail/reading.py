"""A mail's text for people who are not its receiver: links that open something are taken out of it.

The link in a mail about a ticket opens the ticket to all who hold it, the one to the sealed card puts
them in the place of the person who was asked. Staff read the mail, never the link.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from console.core.context import settings
from console.core.text import preview
from console.core.texts import gettext
from console.mail.links import LinkGone, put_in, sealed_for
from console.mail.models import Mail

# An address as it is written in a text, or in an attribute: up to a space, a quote, a bracket.
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)
# Ours whatever the host was when it was written, also without one: /t/<token>, /chat/transcript/<token>, /moj/reset/…
# A token has capitals: the same path with words behind it is another's page.
_DOORS = r"[tTvV]|chat/transcript|(?:moj/)?reset|moj/(?:invitation|register)"
_TOKEN = re.compile(rf"/(?:{_DOORS})/(?=[a-z0-9_.~=-]*[A-Z])([A-Za-z0-9_.~=-]{{16,}})")
# What opens nothing on its own, because behind it one signs in.
_SIGNED_IN = ("/moj", "/console", "/login")
_HREF = re.compile(r"(<a\b[^>]*?)\shref=(\"[^\"]*\"|'[^']*'|[^\s>]+)([^>]*>)(.*?)(</a>)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Content:
    """What is shown of a mail. ``taken``: a link was taken out."""

    text: str
    html: str
    taken: bool = False


def whole(mail: Mail) -> Content:
    """Return the mail as its receiver has it; without a link that worked once and was not stored."""
    try:
        return Content(*put_in(mail.text, mail.html, sealed_for(mail)))
    except LinkGone:
        return without_links(mail)


def without_links(mail: Mail) -> Content:
    """Return the mail without the links that open something, in a private mail without any address of ours."""
    words = "[" + gettext("link removed") + "]"
    tokens = _tokens(mail)
    text = _cut(mail.text, mail.private, tokens, words)
    html = _cut(_without_targets(mail, words), mail.private, tokens, escape(words))
    return Content(text, html, taken=text != mail.text or html != mail.html)


def beginning(mail: Mail) -> str:
    """Return how the text begins, for a list: in words, without addresses."""
    return preview(_ADDRESS.sub("", mail.text))


def _without_targets(mail: Mail, words: str) -> str:
    """Take the target off each anchor that leads there, and say so in its place."""

    def plain(found: re.Match[str]) -> str:
        target = found[2].strip("\"'")
        if not (_opens(target, mail.private) or _TOKEN.search(target)):
            return found[0]
        return f"{found[1]}{found[3]}{found[4]} <small>{escape(words)}</small>{found[5]}"

    return _HREF.sub(plain, mail.html)


def _cut(text: str, private: bool, tokens: frozenset[str], words: str) -> str:
    """Replace every address that opens something, then whatever is left of its token."""
    text = _ADDRESS.sub(lambda found: words if _opens(found[0], private) else found[0], text)
    text = _TOKEN.sub(words, text)
    for token in tokens:
        text = text.replace(token, words)
    return text


def _tokens(mail: Mail) -> frozenset[str]:
    """Return every token in the mail, so that no part of it stays anywhere."""
    found: set[str] = set()
    for part in (mail.text, mail.html):
        found.update(match[1] for match in _TOKEN.finditer(part))
        for address in _ADDRESS.findall(part):
            if _opens(address, mail.private):
                found.update(re.findall(r"[A-Za-z0-9_.~=-]{16,}", address.partition("://")[2].partition("/")[2]))
    return frozenset(token.rstrip(".") for token in found)


def _opens(address: str, private: bool) -> bool:
    """Return whether following ``address`` opens something without a sign-in."""
    if _TOKEN.search(address):
        return True
    if not private:
        return False
    try:
        ours, target = urlsplit(settings().base_url), urlsplit(address)
    except ValueError:
        return True  # no address that we write
    if target.netloc.lower() != ours.netloc.lower():
        return False
    path = target.path.removeprefix(ours.path.rstrip("/"))
    return path not in ("", "/") and not path.startswith(_SIGNED_IN)


def without_tokens(text: str) -> str:
    """Return a text from outside without the links of ours that open something: an answer quotes the mail it is to."""
    words = "[" + gettext("link removed") + "]"
    tokens = {found[1].rstrip(".") for found in _TOKEN.finditer(text)}
    text = _ADDRESS.sub(lambda found: words if _TOKEN.search(found[0]) else found[0], text)
    text = _TOKEN.sub(words, text)
    for token in tokens:
        text = text.replace(token, words)
    return text
