"""The files of issued documents: which, in which language, and what exactly was in them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from console.core.db import Base, enum_column


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
    """A PDF as it was first made. What is handed out later is this one, whatever the layout has become."""

    __tablename__ = "document_files"
    __table_args__ = (UniqueConstraint("kind", "document_id", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(enum_column(DocumentKind))
    document_id: Mapped[int]  # of the table that its kind says
    language: Mapped[str] = mapped_column(String(10))
    sha256: Mapped[str] = mapped_column(String(64), index=True)  # the store has it under this name
    size: Mapped[int]
    made_at: Mapped[datetime]
