"""The PDF of a document: made once, stored with its hash, and from then on that file and no other.

A worker makes what was issued; who asks earlier, or in the other language, has it made. Where the stored file is lost
it is made again, and handed out only if it is the same to the byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload, undefer

from console.billing.models import Migration, MigrationItem, MigrationState, Proforma, ProformaLine, Storno
from console.billing.pdf import migration as record
from console.billing.pdf import proforma, storno
from console.billing.pdf.migration import snapshot_of
from console.billing.pdf.models import SOURCE, DocumentFile, DocumentKind, Side
from console.billing.pdf.sheet import Sheet
from console.core import clock
from console.core.context import files, settings
from console.core.db import db
from console.core.errors import Conflict, FileGone, NotFound
from console.core.files import DamagedFile, content_digest
from console.core.hub import off_the_hub
from console.core.logging import get_logger
from console.core.texts import in_language, lazy_gettext
from console.core.transaction import transaction
from console.core.upsert import insert_or_find
from console.hosting.models import Service
from console.mail.attachments import StoredFile, made_by

LANGUAGES = ("sr_Latn", "en")
log = get_logger(__name__)


@dataclass(frozen=True)
class FileKey:
    """Which file: of what, in which language."""

    kind: DocumentKind
    document_id: int
    language: str

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.document_id}:{self.language}"


def key_of(document: Proforma | Storno, language: str | None = None) -> FileKey:
    """Return the key of a document's file.

    Args:
        language: the document's own where none is named.
    """
    kind = DocumentKind.PROFORMA if isinstance(document, Proforma) else DocumentKind.STORNO
    original = document if isinstance(document, Proforma) else document.proforma
    return FileKey(kind, document.id, known_language(language or original.language))


def record_key(migration: Migration, side: Side, language: str | None = None) -> FileKey:
    """Return the key of the record of an executed migration for one side.

    Raises:
        Conflict: it is not executed.
    """
    if migration.state is not MigrationState.EXECUTED:
        raise Conflict(lazy_gettext("The record is available once the transfer is executed."), code="not_executed")
    kind = DocumentKind.MIGRATION_OLD if side is Side.OLD else DocumentKind.MIGRATION_NEW
    if language is None:
        language = snapshot_of(migration)["sides"][side.value]["language"]
    return FileKey(kind, migration.id, known_language(language))


def pdf_of(document: Proforma | Storno, language: str | None = None) -> bytes:
    """Return the PDF of a document. Never within a transaction: it takes a while where it is made now.

    Raises:
        FileGone: its file is lost, and what would be made now differs from it.
    """
    return content_of(key_of(document, language))


def record_of(migration: Migration, side: Side, language: str | None = None) -> bytes:
    """Return the record of an executed migration for one side, as in :func:`pdf_of`.

    Raises:
        Conflict: it is not executed.
        FileGone: as there.
    """
    return content_of(record_key(migration, side, language))


def content_of(key: FileKey) -> bytes:
    """Return what is stored of a document, made now if it never was.

    Raises:
        NotFound: there is no such document.
        FileGone: the file is lost, and what would be made now differs from it.
    """
    row = find_file(key)
    if row is not None:
        try:
            return files().get(row.sha256)
        except (FileNotFoundError, DamagedFile):
            return _restored(key, row.sha256)
    content = make(key)
    stored = _store(key, content)
    return content if stored == content_digest(content) else files().get(stored)


def _attached(key: str, language: str) -> StoredFile:
    """Return the file that a mail carries."""
    kind, _, document_id = key.partition(":")
    content = content_of(FileKey(DocumentKind(kind), int(document_id), known_language(language)))
    return StoredFile(content_digest(content), len(content))


made_by(SOURCE, _attached)


def find_file(key: FileKey) -> DocumentFile | None:
    """Return what is known of a file that was made."""
    query = select(DocumentFile).where(
        DocumentFile.kind == key.kind,
        DocumentFile.document_id == key.document_id,
        DocumentFile.language == key.language,
    )
    return db.session.scalar(query)


def make(key: FileKey) -> bytes:
    """Make a document's PDF, without storing it. The letters are set where they hold no one up.

    Raises:
        NotFound: there is no such document.
    """
    from console.billing.pdf.layout import render

    with in_language(key.language):
        sheet = _SHEETS[key.kind](key.document_id)
    return off_the_hub(render, sheet)


def _store(key: FileKey, content: bytes) -> str:
    """Store a PDF and return the hash of the stored one: another process may have been first."""
    digest = files().put(content)
    with transaction():
        values = {
            "kind": key.kind, "document_id": key.document_id, "language": key.language, "sha256": digest,
            "size": len(content), "made_at": clock.now(),
        }  # fmt: skip
        row, _fresh = insert_or_find(
            DocumentFile, values, DocumentFile.kind, DocumentFile.document_id, DocumentFile.language
        )
        return row.sha256


def _restored(key: FileKey, digest: str) -> bytes:
    """Make a lost file again and store it, if it is the same."""
    content = make(key)
    if content_digest(content) != digest:
        log.error("a document's file is lost and cannot be made again as it was", file=str(key), digest=digest)
        raise FileGone(lazy_gettext("The stored file of this document is missing or damaged. Tell an administrator."))
    files().put_named(digest, [content])
    log.warning("a document's lost file was made again, the same", file=str(key))
    return content


def known_language(language: str) -> str:
    """Return a language that documents are made in: ``language``, or the installation's."""
    return language if language in LANGUAGES else settings().locale


def _proforma(key: int) -> Sheet:
    lines = joinedload(Proforma.lines).joinedload(ProformaLine.service)
    found = db.session.scalars(select(Proforma).where(Proforma.id == key).options(lines)).unique().one_or_none()
    if found is None:
        raise NotFound
    return proforma.sheet_of(found)


def _storno(key: int) -> Sheet:
    lines = joinedload(Storno.proforma).selectinload(Proforma.lines).joinedload(ProformaLine.service)
    found = db.session.scalar(select(Storno).where(Storno.id == key).options(lines))
    if found is None:
        raise NotFound
    return storno.sheet_of(found)


def _record(side: Side) -> Callable[[int], Sheet]:
    def find(key: int) -> Sheet:
        query = (
            select(Migration)
            .where(Migration.id == key, Migration.state == MigrationState.EXECUTED)
            .options(
                undefer(Migration.snapshot),
                joinedload(Migration.from_customer),
                joinedload(Migration.to_customer),
                selectinload(Migration.items).joinedload(MigrationItem.service).joinedload(Service.product),
            )
        )
        found = db.session.scalar(query)
        if found is None:
            raise NotFound
        return record.sheet_of(found, side)

    return find


_SHEETS: dict[DocumentKind, Callable[[int], Sheet]] = {
    DocumentKind.PROFORMA: _proforma,
    DocumentKind.STORNO: _storno,
    DocumentKind.MIGRATION_OLD: _record(Side.OLD),
    DocumentKind.MIGRATION_NEW: _record(Side.NEW),
}
