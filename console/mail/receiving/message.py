"""A raw message as what it says: who wrote it, to whom, answering what, and what is in it. Nothing here trusts it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.parser import HeaderParser
from email.policy import compat32, default
from email.utils import getaddresses, parsedate_to_datetime

from console.core.emails import normal_email
from console.core.text import clean, one_line, paragraphs
from console.mail.receiving.charsets import decode, mended
from console.mail.receiving.parts import Contents, File, read_parts
from console.mail.receiving.raw import split_head

MAX_HEADER = 16 * 1024  # of one line, unfolded
MAX_HEADERS = 1_000
MAX_IDS = 100
MAX_ADDRESSES = 200
_MESSAGE_ID = re.compile(r"<[^<>\s]{3,290}>")
_ADDRESS = re.compile(r"[^\s<>\",;:]+@[^\s<>\",;:]+")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_FIELD = re.compile(r"([!-9;-~]{1,100})[ \t]*:(.*)", re.DOTALL)
_EARLIEST, _LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)


class Unreadable(Exception):
    """No message can be read from it at all. Says why, in a word."""


@dataclass(frozen=True)
class Mailer:
    """A name and an address, the address in its one spelling."""

    name: str
    address: str


@dataclass(frozen=True)
class ReadMail:
    """A message as it was read.

    Args:
        headers: by name in lower case, in their order, unfolded and cut to a length.
        senders: of ``From``; one is the rule, more prove nothing.
        to: of ``To`` and ``Cc``.
        delivered_to: addresses that servers noted on the way.
        answered: Message-IDs of ``In-Reply-To`` and ``References``, the nearest first.
        text: as it was written, its quotes in it.
        html: as it came; cleaned where it is shown.
        problems: what could not be read, by key.
    """

    headers: dict[str, list[str]]
    senders: Sequence[Mailer]
    to: Sequence[Mailer]
    delivered_to: Sequence[str]
    message_id: str
    answered: Sequence[str]
    subject: str
    sent_at: datetime | None
    text: str
    html: str
    contents: Contents = field(default_factory=Contents)
    problems: Sequence[str] = ()

    @property
    def sender(self) -> Mailer:
        """Return who it is from, as far as it says."""
        return self.senders[0] if self.senders else Mailer("", "")

    @property
    def files(self) -> Sequence[File]:
        return self.contents.files

    def first(self, name: str) -> str:
        """Return the first header called ``name``, empty where there is none."""
        return self.headers.get(name, [""])[0]


def read_message(raw: bytes) -> ReadMail:
    """Read a message.

    Raises:
        Unreadable: there is no header of a message in it, or it is nested beyond reading.
    """
    head, _body = split_head(raw)
    headers, problems = read_headers(head)
    if not headers:
        raise Unreadable("header")
    try:
        contents = read_parts(message_from_bytes(_with_short_head(raw, head), policy=default))
    except (RecursionError, MessageError, MemoryError):
        raise Unreadable("nested") from None
    except Exception:  # noqa: BLE001  (the library raises many kinds)
        # A header that policy.default trips over; the older policy takes it as it is.
        try:
            contents = read_parts(message_from_bytes(_with_short_head(raw, head), policy=compat32))
        except Exception as error:
            raise Unreadable("parts") from error
    html = clean("\n".join(contents.htmls))
    return ReadMail(
        headers=headers,
        senders=_mailers(headers, "from"),
        to=_mailers(headers, "to", "cc"),
        delivered_to=_addresses(headers, "delivered-to", "x-original-to", "envelope-to"),
        message_id=next(iter(_ids(headers, "message-id")), ""),
        answered=list(dict.fromkeys([*_ids(headers, "in-reply-to"), *reversed(_ids(headers, "references"))])),
        subject=one_line(_words(headers.get("subject", [""])[0])),
        sent_at=_sent_at(headers.get("date", [""])[0]),
        text=paragraphs(contents.text()),
        html=html,
        contents=contents,
        problems=tuple(dict.fromkeys([*problems, *contents.problems])),
    )


def read_headers(head: bytes) -> tuple[dict[str, list[str]], list[str]]:
    """Return the headers, and what is wrong with them, by key."""
    found: dict[str, list[str]] = {}
    problems: list[str] = []
    lines = _FOLD.sub("", decode(head).replace("\0", "")).splitlines()
    for line in lines:
        matched = _FIELD.fullmatch(line)
        if matched is None:
            continue
        value = matched[2].strip()
        if len(value) > MAX_HEADER or sum(map(len, found.values())) >= MAX_HEADERS:
            problems.append("headers")
        if sum(map(len, found.values())) < MAX_HEADERS:
            found.setdefault(matched[1].lower(), []).append(value[:MAX_HEADER])
    return found, problems


def _with_short_head(raw: bytes, head: bytes) -> bytes:
    """Return the message with those headers alone that its parts are read by: the others may be of any length."""
    body = raw[len(head) :]
    lines = re.sub(rb"\r?\n[ \t]+", b" ", head).splitlines()
    structural = (b"content-", b"mime-version:")
    named = [line[:MAX_HEADER] for line in lines if line.lower().startswith(structural)]
    return b"\r\n".join(named or [b"MIME-Version: 1.0"]) + (body if body[:1] in (b"\r", b"\n") else b"\r\n\r\n" + body)


def _mailers(headers: dict[str, list[str]], *names: str) -> list[Mailer]:
    """Return the addresses of headers; what is no address is left out."""
    values = [value for name in names for value in headers.get(name, [])]
    found: list[Mailer] = []
    with suppress(Exception):
        for name, address in getaddresses(values[:20]):
            if _ADDRESS.fullmatch(address):
                found.append(Mailer(one_line(_words(name))[:120], normal_email(address)[:254]))
    if not found:
        found = [Mailer("", normal_email(address)[:254]) for value in values for address in _ADDRESS.findall(value)]
    return found[:MAX_ADDRESSES]


def _addresses(headers: dict[str, list[str]], *names: str) -> list[str]:
    values = " ".join(value for name in names for value in headers.get(name, []))
    return [normal_email(address)[:254] for address in _ADDRESS.findall(values)][:MAX_ADDRESSES]


def _ids(headers: dict[str, list[str]], name: str) -> list[str]:
    return _MESSAGE_ID.findall(" ".join(headers.get(name, [])))[:MAX_IDS]


def _words(value: str) -> str:
    """Return a header's text, its encoded words decoded as far as they can be (RFC 2047)."""
    if "=?" not in value:
        return value
    try:
        text = str(HeaderParser(policy=default).parsestr(f"Subject: {value}\n")["subject"])
    except Exception:  # noqa: BLE001  (the library raises many kinds)
        text = value
        with suppress(Exception):
            text = str(make_header(decode_header(value)))
    return mended(text) if "\ufffd" not in text else _by_guess(value, text)


def _by_guess(value: str, text: str) -> str:
    """Return what encoded words with the wrong charset say."""
    with suppress(Exception):
        pieces = decode_header(value)
        return "".join(piece if isinstance(piece, str) else decode(piece, charset) for piece, charset in pieces)
    return text


def _sent_at(value: str) -> datetime | None:
    """Return when it says that it was sent; nothing for a date that no mail has."""
    try:
        found = parsedate_to_datetime(value)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if _EARLIEST < found < _LATEST else None
