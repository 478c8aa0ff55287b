"""Every file that a row of the database names: which are there and whole, and where those of old checkouts went."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from console.audit.models import AuditEntry
from console.audit.queries import read_anchor
from console.billing.pdf.models import DocumentFile
from console.billing.statements.models import BankStatement
from console.chat.models import ChatFile, chat_number
from console.core.context import files, settings
from console.core.db import Base, db
from console.core.files import FileStore
from console.core.places import SHARED_ANCHOR, SHARED_FILES
from console.core.series import Series
from console.mail.receiving.models import IncomingMail
from console.privacy.models import DataExport
from console.tickets.models import TICKET_BASE, TicketAttachment

# A column added here is copied by `console backup` and looked at by `console doctor`. What a mail carries is a
# ticket's attachment.
NAMED: tuple[tuple[type[Base], InstrumentedAttribute[int], InstrumentedAttribute[Any]], ...] = (
    (TicketAttachment, TicketAttachment.id, TicketAttachment.digest),
    (ChatFile, ChatFile.id, ChatFile.digest),
    (DataExport, DataExport.id, DataExport.digest),
    (BankStatement, BankStatement.id, BankStatement.file),
    (DocumentFile, DocumentFile.id, DocumentFile.sha256),
    (IncomingMail, IncomingMail.id, IncomingMail.raw_file),
)
BATCH = 1_000
PIECE = 1024 * 1024


@dataclass
class Health:
    """How the files are that rows name."""

    count: int = 0
    missing: list[str] = field(default_factory=list)  # places: ``ticket_attachments 3``
    damaged: list[str] = field(default_factory=list)


def named() -> Iterator[tuple[str, str]]:
    """Yield the digest and the place of every file that a row names; the same file once for each row."""
    for model, key, digest in NAMED:
        last = 0
        while True:
            query = select(key, digest).where(key > last, digest.is_not(None)).order_by(key).limit(BATCH)
            rows = db.session.execute(query).all()
            db.session.rollback()  # no reading transaction stays open while files are read
            for row_key, row_digest in rows:
                yield str(row_digest), f"{model.__tablename__} {row_key}"
            if len(rows) < BATCH:
                break
            last = rows[-1][0]


def examine(store: FileStore) -> Health:
    """Read every named file and hold it against its digest."""
    health = Health()
    seen: dict[str, list[str] | None] = {}
    for digest, place in named():
        if digest not in seen:
            health.count += 1
            seen[digest] = _flaws_of(store, digest, health)
        flaws = seen[digest]
        if flaws is not None:
            flaws.append(place)
    return health


def _flaws_of(store: FileStore, digest: str, health: Health) -> list[str] | None:
    if not store.exists(digest):
        return health.missing
    return None if store.is_whole(digest) else health.damaged


def describe(place: str) -> str:
    """Return a place with what people know it by: the ticket or chat, and what the file is called."""
    table, _space, key = place.partition(" ")
    if table == TicketAttachment.__tablename__:
        query = select(TicketAttachment.name, TicketAttachment.ticket_id).where(TicketAttachment.id == int(key))
        name, owner = db.session.execute(query).one()
        return f"{place} ({Series.TICKET.number(TICKET_BASE + owner)}: {name})"
    if table == BankStatement.__tablename__:
        row = db.session.get_one(BankStatement, int(key))
        return f"{place} ({row.account}, {row.closed_on}: {row.name})"
    if table == DataExport.__tablename__:
        return f"{place} (a copy of someone's data)"
    if table == DocumentFile.__tablename__:
        file = db.session.get_one(DocumentFile, int(key))
        return f"{place} ({file.kind.value} {file.document_id}, {file.language})"
    if table == IncomingMail.__tablename__:
        return f"{place} (an e-mail that was received)"
    name, owner = db.session.execute(select(ChatFile.name, ChatFile.chat_id).where(ChatFile.id == int(key))).one()
    return f"{place} ({chat_number(owner)}: {name})"


def adopt() -> int:
    """Bring over what this database had where all databases of a checkout once kept theirs; return how many files.

    Files stay there as well, other databases may name them too; the note of the audit log's end is of one alone.
    Where a setting names the place, nothing is done.
    """
    if not settings().audit_anchor and not settings().anchor_file.exists():
        _adopt_anchor(SHARED_ANCHOR.absolute(), settings().anchor_file)
    old, own = FileStore(SHARED_FILES.absolute()), files()
    if settings().files or not old.folder.is_dir():
        return 0
    count = 0
    for digest, _place in named():
        if not own.exists(digest):
            count += own.link(digest, old)
    return count


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left of ``file``, a piece at a time: memory does not grow with it."""
    while piece := file.read(PIECE):
        yield piece


def is_noted_in(path: Path) -> bool | None:
    """Return whether the audit log's end noted in ``path`` is of this database; ``None`` where none is noted."""
    noted = read_anchor(path)
    if noted is None or noted.last <= 0:
        return None
    entry = db.session.get(AuditEntry, noted.last)
    return entry is not None and entry.digest == noted.digest


def _adopt_anchor(old: Path, own: Path) -> None:
    """Take the old note over if it is of this database's audit log: another's would report this one as damaged."""
    if is_noted_in(old):
        own.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(old, own)
