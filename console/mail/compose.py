"""A row of the outbox as the message that goes over the wire (RFC 5322, MIME).

The header is written here, line by line, and every value is reduced to what its
place allows before: nothing that a person typed (a name, a subject, the name of
a file) can end a line, add a header or become another address. Bodies and files
are the standard library's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

from console.core.emails import NoAddress, sendable

# Written by a person of ours to a person: not the work of a machine (RFC 3834).
BY_HAND = frozenset({"ticket_reply", "ticket_copy", "ticket_forward"})

_POLICY = SMTP.clone(cte_type="7bit")  # every server takes it, and no part of it can be read as a command
_MAX_LINE = 76  # of a line with encoded words, RFC 2047, 2
_MAX_FILE_NAME, _MAX_ENDING = 120, 16
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.\[\]:-]+>")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9]+( [A-Za-z0-9]+)*")
_PLAIN_SUBJECT = re.compile(r"[!-~]([ -~]*[!-~])?")
_MEDIA_TYPE = re.compile(r"(application|audio|image|text|video)/([a-z0-9][a-z0-9.+-]{0,80})")
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Unsendable(Exception):
    """No message can be made of it, now or later. Says why, in words."""


@dataclass(frozen=True)
class OutgoingMail:
    """What of a row is needed to send it, free of the session it was read in."""

    id: int
    message_id: str
    template: str
    language: str
    to_address: str
    to_name: str
    subject: str
    text: str
    html: str
    created_at: datetime
    in_reply_to: str | None
    references: str | None
    attachments: Sequence[dict[str, Any]]
    attempts: int
    first_try_at: datetime | None
    reply_to: str | None = field(default=None, repr=False)  # signed
    sealed_links: str | None = field(default=None, repr=False)  # sealed: what is put into both parts
    from_address: str | None = None  # the sender's when there is none
    shown_to: str | None = None  # whom a copy's To names
    cc: Sequence[str] = ()
    leaves: str | None = None
    unsubscribe_url: str | None = field(default=None, repr=False)  # signed


@dataclass(frozen=True)
class Sender:
    """From whom mail comes."""

    name: str
    address: str
    zone: ZoneInfo


def compose(mail: OutgoingMail, sender: Sender, read_file: Callable[[str], bytes]) -> bytes:
    """Return the message, every line of it ending in CRLF. Made twice it has the same Message-ID and date.

    Args:
        mail: the mail.
        sender: who it is from.
        read_file: returns a file of the store by its digest.

    Raises:
        Unsendable: the address takes no mail, or a file is gone.
    """
    head = "".join(f"{line}\r\n" for line in _head(mail, sender)).encode("ascii")
    body = _LINE_END.sub(b"\r\n", _content(mail, read_file).as_bytes())
    return head + body


def recipient(mail: OutgoingMail) -> str:
    """Return the one address it goes to, as the envelope has it: ASCII, an international domain in Punycode.

    Raises:
        Unsendable: it is no address, or needs what not every server has.
    """
    try:
        return sendable(mail.to_address)
    except NoAddress as error:
        raise Unsendable(f"the address takes no mail: {error}") from error


def _head(mail: OutgoingMail, sender: Sender) -> Iterator[str]:
    yield f"Message-ID: {_message_ids(mail.message_id)[0]}"
    yield f"Date: {format_datetime(mail.created_at.astimezone(sender.zone))}"
    yield _mailbox("From", sender.name, mail.from_address or sender.address)
    yield (
        _mailbox("To", "", sendable(mail.shown_to)) if mail.shown_to else _mailbox("To", mail.to_name, recipient(mail))
    )
    if mail.cc:
        yield "Cc: " + ",\r\n ".join(map(sendable, mail.cc))
    if mail.reply_to:
        yield _mailbox("Reply-To", sender.name, sendable(mail.reply_to))
    yield _subject(mail.subject)
    if mail.in_reply_to and (answered := _message_ids(mail.in_reply_to)):
        yield f"In-Reply-To: {answered[-1]}"
    if mail.references and (thread := _message_ids(mail.references)):
        yield "References: " + "\r\n ".join(thread)
    if mail.unsubscribe_url:
        yield f"List-Unsubscribe: <{mail.unsubscribe_url}>"
        yield "List-Unsubscribe-Post: List-Unsubscribe=One-Click"  # RFC 8058
    yield f"Content-Language: {'en' if mail.language == 'en' else 'sr-Latn'}"
    if mail.template not in BY_HAND:
        yield "Auto-Submitted: auto-generated"
        yield "X-Auto-Response-Suppress: All"  # the same for Exchange, which does not know the other


def _mailbox(header: str, name: str, address: str) -> str:
    """Write one name and one address. A name of more than letters and digits is encoded whole: nothing to quote."""
    name = plain(name)
    if not name:
        return f"{header}: {address}"
    if len(name) <= _MAX_LINE - len(header) - 2 and _PLAIN_NAME.fullmatch(name):
        return f"{header}: {name}\r\n <{address}>"
    return f"{header}: {_encoded(name, header)}\r\n <{address}>"


def _subject(subject: str) -> str:
    subject = plain(subject)
    short = len(subject) <= _MAX_LINE - len("Subject: ")
    if short and "=?" not in subject and _PLAIN_SUBJECT.fullmatch(subject):
        return f"Subject: {subject}"
    return f"Subject: {_encoded(subject, 'Subject')}"


def _encoded(text: str, header: str) -> str:
    """Return ``text`` as encoded words (RFC 2047), folded between them, no character split."""
    return Header(text, "utf-8", maxlinelen=_MAX_LINE, header_name=header).encode(linesep="\r\n")


def _message_ids(text: str) -> list[str]:
    return _MESSAGE_ID.findall(text)


def plain(text: str) -> str:
    """Return ``text`` on one line, without what cannot be seen: control, direction and other format characters."""
    spaced = "".join(" " if char.isspace() else char for char in text)
    return " ".join("".join(char for char in spaced if unicodedata.category(char) not in _UNSEEN).split())


def _content(mail: OutgoingMail, read_file: Callable[[str], bytes]) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    message.set_content(mail.text, charset="utf-8")
    message.add_alternative(mail.html, subtype="html", charset="utf-8")
    for file in mail.attachments:
        _attach(message, file, read_file)
    return message


def _attach(message: EmailMessage, file: dict[str, Any], read_file: Callable[[str], bytes]) -> None:
    try:
        content = read_file(str(file["digest"]))
    except (OSError, ValueError) as error:
        raise Unsendable(f"an attached file is gone: {file_name(str(file['name']))}") from error
    # A message within a message would be taken apart by who passes it on; as a file it stays one.
    known = _MEDIA_TYPE.fullmatch(str(file["type"]))
    main, sub = known.groups() if known else ("application", "octet-stream")
    message.add_attachment(content, maintype=main, subtype=sub, filename=file_name(str(file["name"])))


def file_name(name: str) -> str:
    """Return a name that is one on every system: no path, no quote, nothing unseen, not hidden."""
    name = re.sub(r'[\\/:*?"<>|;%]', "_", plain(name)).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if len(name) > _MAX_FILE_NAME and len(ending) <= _MAX_ENDING:
        name = stem[: _MAX_FILE_NAME - len(dot + ending)] + dot + ending
    return name[:_MAX_FILE_NAME] or "file"
