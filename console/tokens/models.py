"""Links that open something once: what is stored of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from console.core.db import Base


class OneTimeToken(Base):
    """One token. Only its digest is stored. ``purpose`` and ``subject`` are the caller's: tokens know no people."""

    __tablename__ = "one_time_tokens"
    __table_args__ = (Index("ix_one_time_tokens_purpose_subject", "purpose", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(60))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
