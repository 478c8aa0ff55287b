"""Making the PDFs of documents right after they are issued, so that they show the state of that day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload, undefer

from console.billing.models import Migration, MigrationState, Proforma, Storno
from console.billing.pdf.files import FileKey, content_of, key_of, record_key
from console.billing.pdf.models import DocumentFile, DocumentKind, Side
from console.core import clock
from console.core.db import db
from console.core.logging import get_logger

BATCH = 50
RECENT = timedelta(days=2)  # older ones are made when they are asked for
log = get_logger(__name__)


def make_recent() -> int:
    """Make the files of recent documents that have none, each in its own language; return how many were made."""
    since = clock.now() - RECENT
    made = 0
    for find in (_proformas, _stornos, _migrations):
        keys = list(find())
        db.session.rollback()
        for key in keys:
            made += _make(key)
    if made:
        log.info("documents made", count=made, issued_since=since.isoformat())
    return made


def _make(key: FileKey) -> bool:
    """Make one file. A failure does not stop the others."""
    try:
        content_of(key)
    except Exception:
        log.exception("a document's file could not be made", file=str(key))
        return False
    return True


def _proformas() -> Iterator[FileKey]:
    query = select(Proforma).where(
        Proforma.issued_at >= clock.now() - RECENT,
        Proforma.sequence.is_not(None),
        _unmade(DocumentKind.PROFORMA, Proforma.id),
    )
    yield from (key_of(one) for one in db.session.scalars(query.order_by(Proforma.id.desc()).limit(BATCH)))


def _stornos() -> Iterator[FileKey]:
    query = (
        select(Storno)
        .options(joinedload(Storno.proforma))
        .where(Storno.issued_at >= clock.now() - RECENT, _unmade(DocumentKind.STORNO, Storno.id))
    )
    yield from (key_of(one) for one in db.session.scalars(query.order_by(Storno.id.desc()).limit(BATCH)))


def _migrations() -> Iterator[FileKey]:
    sides = ((Side.OLD, DocumentKind.MIGRATION_OLD), (Side.NEW, DocumentKind.MIGRATION_NEW))
    for side, kind in sides:
        query = (
            select(Migration)
            .options(
                undefer(Migration.snapshot), joinedload(Migration.from_customer), joinedload(Migration.to_customer)
            )
            .where(
                Migration.state == MigrationState.EXECUTED,
                Migration.ended_at >= clock.now() - RECENT,
                _unmade(kind, Migration.id),
            )
        )
        for one in db.session.scalars(query.order_by(Migration.id.desc()).limit(BATCH)):
            yield record_key(one, side)


def _unmade(kind: DocumentKind, key: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    return ~exists().where(and_(DocumentFile.kind == kind, DocumentFile.document_id == key))
