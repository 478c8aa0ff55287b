"""The parts of a message, walked once and within limits: texts, files, inline images, what is a report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.utils import collapse_rfc2231_value

import tnefparse

from console.core.text import one_line, words
from console.mail.receiving import cards
from console.mail.receiving.charsets import decode, mended
from console.mail.receiving.flowed import unwrap
from console.mail.receiving.html_text import to_text

MAX_PARTS = 1_000
MAX_DEPTH = 30
MAX_TEXT = 2 * 1024 * 1024  # of all bodies together
_WINMAIL = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_ENDINGS = {
    "text/plain": "txt", "text/html": "html", "text/calendar": "ics", "text/vcard": "vcf", "text/x-vcard": "vcf",
    "application/pdf": "pdf", "application/zip": "zip", "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif",
    "image/webp": "webp", "message/rfc822": "eml", "application/ics": "ics", "text/directory": "vcf",
}  # fmt: skip
_CALENDARS = frozenset({"text/calendar", "application/ics"})
_VCARDS = frozenset({"text/vcard", "text/x-vcard", "text/directory"})


@dataclass(frozen=True)
class File:
    """A file of a message. ``cid``: its Content-ID, where the HTML shows it; ``is_body``: a text of it, too long."""

    name: str
    content: bytes
    content_type: str = "application/octet-stream"
    cid: str = ""
    is_body: bool = False


@dataclass(frozen=True)
class Body:
    """A text of a message. ``choice``: the alternatives that it is one of; 0 where it is none."""

    text: str
    html: bool = False
    choice: int = 0


@dataclass
class Contents:
    """What a message holds.

    Args:
        bodies: the texts in their order.
        notes: what a file is, in words: an invitation, a card.
        report: the parts of a delivery report, by their type.
        problems: what could not be read, by key.
    """

    bodies: list[Body] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    notes: list[cards.Card] = field(default_factory=list)
    report: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def htmls(self) -> list[str]:
        return [body.text for body in self.bodies if body.html]

    def text(self) -> str:
        """Return the whole text: of alternatives the plain one, of HTML without one its words.

        A server may add a plain footer to a message of HTML, and some clients write both without saying that they
        are alternatives: HTML that has no word of its own is left out.
        """
        plain = [body for body in self.bodies if not body.html and body.text.strip()]
        chosen = {body.choice for body in plain if body.choice}
        alone = any(body.html and body.choice not in chosen for body in self.bodies)
        known = {word for body in plain for word in words(body.text)} if alone else set()
        texts: list[str] = []
        for body in self.bodies:
            if not body.html:
                texts.append(body.text.strip("\n") if body.text.strip() else "")
            elif body.choice not in chosen:
                read = to_text(body.text)
                texts.append("" if plain and known.issuperset(words(read)) else read)
        return "\n\n".join(filter(None, texts))


def read_parts(message: Message) -> Contents:
    """Return what ``message`` holds."""
    contents = Contents()
    for count, (part, choice) in enumerate(_leaves(message, contents)):
        if count >= MAX_PARTS:
            contents.problems.append("parts")
            break
        try:
            _read(part, contents, choice)
        except Exception:  # noqa: BLE001  (one part in a thousand ways broken costs no other part)
            contents.problems.append("part")
    return contents


def _leaves(message: Message, contents: Contents) -> Iterator[tuple[Message, int]]:
    """Yield the parts that hold something, in order, each with the number of the alternatives that it is one of."""
    waiting: list[tuple[Message, int, int]] = [(message, 0, 0)]
    alternatives = 0
    while waiting:
        part, depth, choice = waiting.pop()
        kind = part.get_content_type()
        payload = part.get_payload()
        if kind.startswith("multipart/") and isinstance(payload, list):
            if depth >= MAX_DEPTH:
                contents.problems.append("depth")
                continue
            if kind == "multipart/alternative" and not choice:
                alternatives += 1
                choice = alternatives
            waiting.extend((child, depth + 1, choice) for child in reversed(payload) if isinstance(child, Message))
        else:
            yield part, choice


def _read(part: Message, contents: Contents, choice: int) -> None:
    kind = part.get_content_type()
    if kind in ("message/delivery-status", "text/rfc822-headers", "message/global-delivery-status"):
        contents.report.setdefault(kind.replace("global-", ""), _nested_text(part))
        return
    if kind in ("message/rfc822", "message/global"):
        nested = _nested_bytes(part)
        contents.report.setdefault("message/rfc822", decode(nested[:MAX_TEXT]))
        contents.files.append(File(_name(part, kind), nested, kind))
        return
    content = _content(part)
    name = _name(part, kind)
    attached = part.get_content_disposition() == "attachment" or _has_name(part)
    if kind in ("text/plain", "text/html") and not attached:
        _add_text(contents, content, part, choice)
    elif kind in _WINMAIL or name.lower() == "winmail.dat":
        _open_winmail(content, contents)
    elif content:
        _add_file(contents, File(name, content, kind, (part.get("Content-ID") or "").strip("<> \t")), part)


def _add_text(contents: Contents, content: bytes, part: Message, choice: int) -> None:
    kind = part.get_content_type()
    left = MAX_TEXT - sum(len(body.text) for body in contents.bodies)
    if len(content) > left:
        contents.problems.append("long")
        whole = decode(content, _charset(part)).encode()
        contents.files.append(File(f"message.{_ENDINGS[kind]}", whole, kind, is_body=True))
        content = content[: max(left, 0)]
    text = decode(content, _charset(part))
    if kind == "text/plain" and _parameter(part, "format") == "flowed":
        text = unwrap(text, delsp=_parameter(part, "delsp") == "yes")
    contents.bodies.append(Body(text, kind == "text/html", choice))


def _add_file(contents: Contents, file: File, part: Message) -> None:
    if file.content_type in _CALENDARS:
        contents.notes.extend(cards.invitations(decode(file.content, _charset(part))))
    elif file.content_type in _VCARDS or file.name.lower().endswith(".vcf"):
        contents.notes.extend(cards.vcards(decode(file.content, _charset(part))))
    contents.files.append(file)


def _open_winmail(content: bytes, contents: Contents) -> None:
    """Take out what Outlook packed; what does not open stays as it is."""
    try:
        packed = tnefparse.TNEF(content, do_checksum=False)
        files = [
            File(_text(one.long_filename() or one.name) or "file", one.data) for one in packed.attachments if one.data
        ]
        html, body = packed.htmlbody, packed.body
    except Exception:  # noqa: BLE001  (the library raises whatever reading past the end of bytes does)
        contents.problems.append("winmail")
        contents.files.append(File("winmail.dat", content))
        return
    contents.files.extend(files)
    if body and not any(one.text.strip() for one in contents.bodies if not one.html):
        contents.bodies.append(Body(_text(body)))
    elif html and not contents.htmls:
        contents.bodies.append(Body(_text(html), html=True))
    if not files and not body and not html:
        contents.files.append(File("winmail.dat", content))


def _text(value: object) -> str:
    return decode(value) if isinstance(value, bytes) else str(value or "")


def _content(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except Exception:  # noqa: BLE001  (a coding that names itself one way and is another)
        payload = str(part.get_payload()).encode("utf-8", "surrogateescape")
    return payload if isinstance(payload, bytes) else b""


def _nested_bytes(part: Message) -> bytes:
    payload = part.get_payload()
    nested = payload[0] if isinstance(payload, list) and payload else payload
    if isinstance(nested, Message):
        with suppress(Exception):
            return nested.as_bytes()
        return str(nested.get_payload()).encode("utf-8", "surrogateescape")
    return _content(part)


def _nested_text(part: Message) -> str:
    """Return a report's text: the library reads its groups of lines as messages."""
    payload = part.get_payload()
    if not isinstance(payload, list):
        return decode(_content(part))
    groups: list[str] = []
    for group in payload:
        if isinstance(group, Message):
            with suppress(Exception):
                groups.append("\n".join(f"{name}: {mended(str(value))}" for name, value in group.items()))
    return "\n\n".join(groups)


def _charset(part: Message) -> str | None:
    with suppress(Exception):
        return part.get_content_charset()
    return None


def _parameter(part: Message, name: str) -> str:
    """Return a parameter of the content's type, in lower case; empty where there is none."""
    with suppress(Exception):
        return str(part.get_param(name, "")).lower()
    return ""


def _has_name(part: Message) -> bool:
    return bool(_raw_name(part))


def _raw_name(part: Message) -> str:
    with suppress(Exception):
        return part.get_filename() or ""
    with suppress(Exception):
        value = part.get_param("name", header="content-type")
        return collapse_rfc2231_value(value) if value else ""
    return "file"


def _name(part: Message, kind: str) -> str:
    """Return the file's name; of one that has none a name by its type."""
    name = one_line(mended(_raw_name(part)))
    if name and "." in name:
        return name
    subject = ""
    if kind == "message/rfc822" and isinstance(part, EmailMessage):
        with suppress(Exception):
            nested = part.get_payload(0)
            subject = one_line(mended(str(nested["subject"] or "")))[:60] if isinstance(nested, Message) else ""
    ending = _ENDINGS.get(kind, "")
    stem = name or subject or kind.partition("/")[0]
    return f"{stem}.{ending}" if ending else stem
