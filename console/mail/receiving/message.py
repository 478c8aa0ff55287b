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
from email.message import EmailMessage, Message
from email.parser import HeaderParser
from email.policy import Compat32, EmailPolicy, Policy, compat32, default
from email.utils import getaddresses, parsedate_to_datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from console.core.emails import normal_email
from console.core.text import clean, one_line, paragraphs
from console.mail.receiving.charsets import decode, is_utf8, mended
from console.mail.receiving.parts import Contents, File, read_parts
from console.mail.receiving.raw import split_head

MAX_HEADER = 16 * 1024  # of one line, unfolded
MAX_HEADERS = 1_000
MAX_IDS = 100
MAX_LINES = 20  # of one name that are looked at for addresses
MAX_ADDRESSES = 200
MAX_OBJECTS = 4_000  # of the library, which makes one of each boundary; beyond it parses for minutes
MAX_PART_HEADER = 1_200  # of one header of a part; the library reads its parameters in the square of its length
MAX_HTML = 2 * 1024 * 1024
_MESSAGE_ID = re.compile(r"<[^<>\s]{3,290}>")
_ADDRESS = re.compile(r"[^\s<>\",;:]+@[^\s<>\",;:]+")
_BETWEEN = re.compile(r"[\s<>\",;:]+")
_MAX_ADDRESS = 320
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_LINE = re.compile(rb"\r?\n(?![ \t])")
_CHARSET = re.compile(rb"^content-type:[^\n]{0,200}\bcharset=[\"']?([\w.-]{1,40})", re.IGNORECASE | re.MULTILINE)
_BOUNDARY = re.compile(rb"^--", re.MULTILINE)
_FIELD = re.compile(r"([!-9;-~]{1,100})[ \t]*:(.*)", re.DOTALL)
_EARLIEST, _LATEST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=256)
def _header(name: str, value: str) -> Any:
    return default.header_fetch_parse(name, value)


class _ShortHeaders(EmailPolicy):
    """The usual policy, with headers of parts cut to a length that can be read, and parsed once.

    The library parses one again for each question about it, which was two thirds of reading a message.
    """

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Return a header's name and value."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[:MAX_PART_HEADER]

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """Return a header as it reads."""
        return _header(name, value)


_SHORT = _ShortHeaders()


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
        htmls: as they came; each is cleaned by itself where they are shown.
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
    htmls: Sequence[str]
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
    contents = _contents(_with_short_head(raw, head), problems)
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
        htmls=_within(MAX_HTML, contents.htmls),
        contents=contents,
        problems=tuple(dict.fromkeys([*problems, *contents.problems])),
    )


def _within(limit: int, htmls: Sequence[str]) -> Sequence[str]:
    """Return the documents that hold something, cut where all of them reach ``limit``."""
    documents: list[str] = []
    for html in map(clean, htmls):
        documents.append(html[:limit])
        limit -= len(documents[-1])
    return [html for html in documents if html.strip()]


def _contents(raw: bytes, problems: list[str]) -> Contents:
    try:
        return read_parts(_parse(raw, _SHORT))
    except _TooManyError:
        problems.append("parts")
    except (RecursionError, MessageError, MemoryError):
        raise Unreadable("nested") from None
    except Exception:  # noqa: BLE001  (the library raises many kinds)
        # A header that policy.default trips over; the older policy takes it as it is.
        with suppress(Exception):
            return read_parts(_parse(raw, compat32))
        raise Unreadable("parts") from None
    try:
        return read_parts(_parse(_with_few_parts(raw), _SHORT))
    except Exception:  # noqa: BLE001  (as above)
        raise Unreadable("parts") from None


class _TooManyError(Exception):
    """The message has more parts than any has."""


def _parse(raw: bytes, policy: EmailPolicy | Compat32) -> Message:
    """Let the library parse a message, and stop it where it makes more and more parts."""
    made = 0

    def make(policy: Policy[Message]) -> Message:
        nonlocal made
        made += 1
        if made > MAX_OBJECTS:
            raise _TooManyError
        return EmailMessage(policy) if isinstance(policy, EmailPolicy) else Message(policy)

    return message_from_bytes(raw, policy=policy.clone(message_factory=make))


def _with_few_parts(raw: bytes) -> bytes:
    """Return the beginning of a message, with as many boundaries as are read."""
    last = next(islice(_BOUNDARY.finditer(raw), MAX_OBJECTS // 2, None), None)
    return raw if last is None else raw[: last.start()]


def read_headers(head: bytes) -> tuple[dict[str, list[str]], list[str]]:
    """Return the headers, and what is wrong with them, by key."""
    found: dict[str, list[str]] = {}
    problems: list[str] = []
    count = 0
    for line in _header_lines(head):
        # The ends of lines are those of mail alone: any other, as U+2028, is part of what someone wrote.
        matched = _FIELD.fullmatch(_FOLD.sub("", line))
        if matched is None:
            continue
        value = matched[2].strip()
        if len(value) > MAX_HEADER or count >= MAX_HEADERS:
            problems.append("headers")
        if count >= MAX_HEADERS:
            break
        count += 1
        found.setdefault(matched[1].lower(), []).append(value[:MAX_HEADER])
    return found, problems


def _header_lines(head: bytes) -> list[str]:
    """Return the lines of a header, still folded. Those that are no UTF-8 are taken to have one charset together."""
    lines = _LINE.split(head.replace(b"\0", b""))
    odd = [line for line in lines if not is_utf8(line)]
    said = _CHARSET.search(head)  # of the body: what wrote it wrote both
    charset = said[1].decode("ascii", "replace") if said else None
    read = iter(decode(b"\0".join(odd), charset).split("\0"))
    return [line.decode() if is_utf8(line) else next(read, "") for line in lines]


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
        for name, address in getaddresses(values[:MAX_LINES]):
            if len(address) <= _MAX_ADDRESS and _ADDRESS.fullmatch(address):
                found.append(Mailer(one_line(_words(name))[:120], normal_email(address)[:254]))
    if not found:
        found = [Mailer("", normal_email(address)[:254]) for address in _written_addresses(values)]
    return found[:MAX_ADDRESSES]


def _addresses(headers: dict[str, list[str]], *names: str) -> list[str]:
    values = [value for name in names for value in headers.get(name, [])]
    return [normal_email(address)[:254] for address in _written_addresses(values)][:MAX_ADDRESSES]


def _written_addresses(values: Sequence[str]) -> list[str]:
    """Return what looks like an address, in one pass: a search for one goes on from each letter to the end."""
    words = [word for value in values[:MAX_LINES] for word in _BETWEEN.split(value)]
    return [word for word in words if "@" in word[1:-1] and len(word) <= _MAX_ADDRESS]


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
