"""Links that let their holder in: no row of the outbox has one in plain text.

A mail's text and HTML have a mark in its place. What belongs there is sealed next to them, is put in when the mail is
handed over, and is deleted once that is done: a copy of the database opens nothing. In the demo, where nothing leaves,
it stays, sealed, for the mailbox.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from secrets import token_hex
from typing import Self

from console.core.context import sealer
from console.core.seal import InvalidToken
from console.mail.models import Mail

MARK = re.compile(r"Link-[0-9a-f]{32}")


class SecretLink(str):
    """An address that opens something: what all may know of it, and the secret at its end."""

    __slots__ = ("secret",)
    secret: str

    def __new__(cls, address: str, secret: str) -> Self:
        link = super().__new__(cls, address + secret)
        link.secret = secret
        return link


class LinkGone(Exception):
    """What belongs in the place of a mark is no longer there, or no key opens it."""


# How a link is made again that always is the same: by template. Only those above know what a mail is about.
_MAKERS: dict[str, Callable[[Mail], str | None]] = {}


def made_again_by(template: str, maker: Callable[[Mail], str | None]) -> None:
    """Register what makes the secret of a template's link again, ``None`` where there is none any more."""
    _MAKERS[template] = maker


def put_away(text: str, html: str, values: Iterable[object]) -> tuple[str, str, str | None]:
    """Return both parts with marks in the place of secrets, and these sealed; ``None`` where there is none."""
    found: dict[str, str] = {}
    for secret in {value.secret for value in values if isinstance(value, SecretLink)}:
        if secret in text or secret in html:
            mark = f"Link-{token_hex(16)}"
            text, html, found[mark] = text.replace(secret, mark), html.replace(secret, mark), secret
    return text, html, seal(found) if found else None


def seal(found: dict[str, str]) -> str:
    """Return marks and their secrets, sealed."""
    return sealer().seal(json.dumps(found).encode())


def put_in(text: str, html: str, sealed: str | None) -> tuple[str, str]:
    """Return both parts as their receiver gets them.

    Raises:
        LinkGone: no listed key opens what was sealed.
    """
    if sealed is None:
        return text, html
    try:
        found: dict[str, str] = json.loads(sealer().open(sealed))
    except InvalidToken as error:
        raise LinkGone from error
    for mark, secret in found.items():
        text, html = text.replace(mark, secret), html.replace(mark, secret)
    return text, html


def sealed_for(mail: Mail) -> str | None:
    """Return what is to be put into ``mail`` where it goes out again, or is shown to its receiver.

    Raises:
        LinkGone: it was deleted, and its link cannot be made again.
    """
    marks = set(MARK.findall(mail.text)) | set(MARK.findall(mail.html))
    if mail.sealed_links is not None or not marks:
        return mail.sealed_links
    maker = _MAKERS.get(mail.template)
    secret = maker(mail) if maker is not None and len(marks) == 1 else None
    if secret is None:
        raise LinkGone
    return seal({marks.pop(): secret})
