"""The files of issued documents: which, in which language, and what exactly was in them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from console.billing.models import Migration, Proforma, Storno
from console.core.db import Base, enum_column

SOURCE = "document"  # of what a mail carries: console.billing.pdf.files makes it
PDF = "application/pdf"


class DocumentKind(StrEnum):
    """What a file is of. A migration has a record for each of its sides."""

    PROFORMA = "proforma"
    STORNO = "storno"
    MIGRATION_OLD = "migration_old"
    MIGRATION_NEW = "migration_new"


class Side(StrEnum):
    """Whose record of a migration it is."""

    OLD = "old"
    NEW = "new"


class DocumentFile(Base):
    """The stored PDF of a document: made once and always delivered as it was, even if the layout changes."""

    __tablename__ = "document_files"
    __table_args__ = (UniqueConstraint("kind", "document_id", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(enum_column(DocumentKind))
    document_id: Mapped[int]  # of the table that its kind says
    language: Mapped[str] = mapped_column(String(10))
    sha256: Mapped[str] = mapped_column(String(64), index=True)  # the store has it under this name
    size: Mapped[int]
    made_at: Mapped[datetime]


MOST_ATTACHED = 10  # documents of one mail; the others are in the portal


def attachment_of(document: Proforma | Storno) -> dict[str, Any]:
    """Return how a mail's row names a document that it carries. It needs a key, so the document was flushed."""
    kind = DocumentKind.PROFORMA if isinstance(document, Proforma) else DocumentKind.STORNO
    return _attachment(document.number, kind, document.id)


def record_attachment(migration: Migration, side: Side) -> dict[str, Any]:
    """Return how a mail's row names one side's record of a migration that is executed in this transaction."""
    kind = DocumentKind.MIGRATION_OLD if side is Side.OLD else DocumentKind.MIGRATION_NEW
    return _attachment(migration.ref, kind, migration.id)


def _attachment(name: str, kind: DocumentKind, key: int) -> dict[str, Any]:
    return {"name": f"{name}.pdf", "type": PDF, "source": SOURCE, "key": f"{kind.value}:{key}"}
