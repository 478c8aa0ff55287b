"""Files of a ticket: checked, stored outside of the web root, only ever downloaded.

A file belongs to its uploader until its message is sent. It is never displayed in our
origin, so its type only has to fit its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePath

from sqlalchemy import delete, select

from console.core import clock
from console.core.actor import Actor
from console.core.context import files
from console.core.db import db
from console.core.errors import Invalid, NotFound, Text
from console.core.text import clean
from console.core.texts import lazy_gettext
from console.customers.masking import mask_name
from console.staff.roles import Permission
from console.tickets.models import Ticket, TicketAttachment, TicketMessage
from console.tickets.queries import tree

MAX_SIZE = 10 * 1024 * 1024
MOST = 10  # of one message
MAX_NAME = 120
LEFT = timedelta(days=2)  # an uploaded file that was never sent is then deleted

# What people send a hosting company. Nothing of it is opened by us, and nothing is executable where it is opened.
TYPES = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "heic": "image/heic", "svg": "image/svg+xml", "bmp": "image/bmp", "pdf": "application/pdf",
    "txt": "text/plain", "log": "text/plain", "csv": "text/csv", "md": "text/plain", "json": "application/json",
    "xml": "application/xml", "yml": "text/plain", "yaml": "text/plain", "conf": "text/plain", "ini": "text/plain",
    "htaccess": "text/plain", "sql": "text/plain", "php": "text/plain", "html": "text/html", "htm": "text/html",
    "css": "text/css", "eml": "message/rfc822", "msg": "application/vnd.ms-outlook", "zone": "text/plain",
    "pem": "application/x-pem-file", "crt": "application/x-x509-ca-cert", "csr": "application/pkcs10",
    "zip": "application/zip", "gz": "application/gzip", "7z": "application/x-7z-compressed",
    "doc": "application/msword", "xls": "application/vnd.ms-excel", "rtf": "application/rtf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "mp4": "video/mp4", "webm": "video/webm", "ics": "text/calendar", "vcf": "text/vcard",
}  # fmt: skip
# A file that does not begin like its type is refused.
_BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
    "image/bmp": (b"BM",),
    "application/pdf": (b"%PDF-",),
    "application/zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "application/gzip": (b"\x1f\x8b",),
    "application/x-7z-compressed": (b"7z\xbc\xaf\x27\x1c",),
}
_PROGRAMS = (b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"L\x00\x00\x00\x01\x14\x02")


def attach(actor: Actor, ticket: Ticket, name: str, content: bytes) -> TicketAttachment:
    """Keep a file for a message that is being written.

    Raises:
        NotFound: a member of staff whose role does not work on tickets.
        Invalid: field ``file``: empty, too large, of a type that is not taken.
    """
    _require_worker(actor)
    name, content_type = check(name, content)
    stored = TicketAttachment(
        ticket_id=ticket.id,
        staff_id=actor.id if actor.kind == "staff" else None,
        name=name,
        content_type=content_type,
        size=len(content),
        digest=files().put(content),
        created_at=clock.now(),
    )
    db.session.add(stored)
    db.session.flush()
    return stored


def check(name: str, content: bytes) -> tuple[str, str]:
    """Return the file's clean name and its type.

    Raises:
        Invalid: see :func:`attach`.
    """
    name = mask_name(clean_name(name))
    content_type = TYPES.get(name.rpartition(".")[2].lower())
    problem: Text | None = None
    if not content:
        problem = lazy_gettext("The file is empty.")
    elif len(content) > MAX_SIZE:
        problem = lazy_gettext("The file is larger than 10 MB.")
    elif content_type is None or content.startswith(_PROGRAMS):
        problem = lazy_gettext("This file type is not allowed. Put it in a ZIP archive.")
    elif not content.startswith(_BEGINNINGS.get(content_type, (b"",))):
        problem = lazy_gettext("The file content does not match its extension.")
    if problem is not None or content_type is None:
        raise Invalid(fields={"file": [problem or ""]})
    return name, content_type


def clean_name(name: str) -> str:
    """Return a name without folders, control and direction characters, never empty, with its ending."""
    base = PurePath(clean(name).replace("\\", "/")).name
    base = "".join(char for char in base if char.isprintable() and char not in '"<>|:*?;').strip(" .")
    stem, dot, ending = base.rpartition(".")
    if not dot:
        stem, ending = base, ""
    ending = ending[:20]
    return f"{stem[: MAX_NAME - len(ending) - 1] or 'file'}{dot}{ending}"


def claim(actor: Actor, ticket: Ticket, keys: Sequence[int], message: TicketMessage) -> list[TicketAttachment]:
    """Hang files this person uploaded to this ticket on a message.

    Raises:
        Invalid: one of them is not theirs, was sent already, or they are too many.
    """
    if not keys:
        return []
    query = select(TicketAttachment).where(
        TicketAttachment.id.in_(list(keys)[: MOST + 1]),
        TicketAttachment.ticket_id == ticket.id,
        TicketAttachment.message_id.is_(None),
        TicketAttachment.staff_id == actor.id if actor.kind == "staff" else TicketAttachment.staff_id.is_(None),
    )
    found = list(db.session.scalars(query.order_by(TicketAttachment.id)))
    if len(found) != len(set(keys)) or len(found) > MOST:
        raise Invalid(fields={"attachments": [lazy_gettext("A file is missing. Attach it again.")]})
    for file in found:
        file.message_id = message.id
    return found


def find_attachment(ticket_id: int, attachment_id: int, actor: Actor) -> TicketAttachment:
    """Return a file of this ticket that was sent, or that ``actor`` uploaded just now.

    Raises:
        NotFound: it is none of them.
    """
    file = db.session.scalar(
        select(TicketAttachment).where(
            TicketAttachment.id == attachment_id, TicketAttachment.ticket_id.in_(tree(ticket_id))
        )
    )
    if file is None or (file.message_id is None and (actor.kind != "staff" or file.staff_id != actor.id)):
        raise NotFound
    return file


def drop(actor: Actor, ticket: Ticket, attachment_id: int) -> None:
    """Remove a file that was uploaded and not sent."""
    _require_worker(actor)
    file = find_attachment(ticket.id, attachment_id, actor)
    if file.message_id is not None:
        raise NotFound
    db.session.delete(file)
    db.session.flush()


def _require_worker(actor: Actor) -> None:
    if actor.kind == "staff":
        actor.require(Permission.WORK_TICKETS)


def clear_left(limit: int = 1_000) -> set[str]:
    """Delete what was uploaded days ago and never sent; return its digests, whose bytes another row may need."""
    session = db.session()
    old = session.execute(
        select(TicketAttachment.id, TicketAttachment.digest)
        .where(TicketAttachment.message_id.is_(None), TicketAttachment.created_at < clock.now() - LEFT)
        .limit(limit)
    ).all()
    if old:
        session.execute(delete(TicketAttachment).where(TicketAttachment.id.in_([row.id for row in old])))
    return {row.digest for row in old}
