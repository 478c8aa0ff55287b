"""Links that let another person pay: what is stored of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.billing.models import Proforma
from console.core.db import Base


class PayLink(Base):
    """A link to pay one pro-forma; there is one at a time. It is found by the digest of its token.

    The token is sealed besides, so that who made it can copy the link again: a copy of the database opens nothing.
    """

    __tablename__ = "pay_links"
    __table_args__ = (
        Index(
            "uq_pay_links_live",
            "proforma_id",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    proforma_id: Mapped[int] = mapped_column(ForeignKey("proformas.id"))
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    sealed_token: Mapped[str | None] = mapped_column(Text)  # none once it is revoked
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    proforma: Mapped[Proforma] = relationship()
