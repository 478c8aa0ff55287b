"""Quotes and their lines. What was sent is not changed: another one is sent in its place."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.billing.models import Proforma
from console.core.db import Amount, Base, enum_column
from console.core.ids import read_number
from console.core.series import Series
from console.customers.models import Customer, Membership
from console.hosting.models import Product
from console.staff.models import Staff

PREFIX = f"{Series.QUOTE.value}-"


class QuoteState(StrEnum):
    DRAFT = "draft"  # among staff alone: changed, sent or deleted
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"  # never stored: a sent one is it after its last day


class Quote(Base):
    """One offer. Amounts are in minor units; PDV is what the buyer's status asked for when it was sent."""

    __tablename__ = "quotes"
    __table_args__ = (
        Index("ix_quotes_customer_id_id", "customer_id", "id"),
        Index("ix_quotes_state_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    state: Mapped[QuoteState] = mapped_column(enum_column(QuoteState), default=QuoteState.SENT)
    currency: Mapped[str] = mapped_column(String(3))
    net: Mapped[Amount]
    tax: Mapped[Amount]
    total: Mapped[Amount]
    tax_note: Mapped[str | None] = mapped_column(String(20))  # why no PDV, as on a pro-forma
    note: Mapped[str] = mapped_column(Text, default="")
    valid_until: Mapped[date]  # its last day
    changed_at: Mapped[datetime]  # while it was a draft; then when it was sent
    sent_at: Mapped[datetime | None]
    sent_by_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))  # of a draft, who wrote it last
    ended_at: Mapped[datetime | None]  # answered or withdrawn
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("memberships.id"))
    answer: Mapped[str] = mapped_column(Text, default="")  # what was said with it
    proforma_id: Mapped[int | None] = mapped_column(ForeignKey("proformas.id"), unique=True)  # what it became

    customer: Mapped[Customer] = relationship()
    sent_by: Mapped[Staff] = relationship(foreign_keys=[sent_by_id])
    answered_by: Mapped[Membership | None] = relationship(foreign_keys=[answered_by_id])
    lines: Mapped[list[QuoteLine]] = relationship(
        back_populates="quote", order_by="QuoteLine.position", cascade="all, delete-orphan"
    )
    proforma: Mapped[Proforma | None] = relationship()

    @property
    def number(self) -> str:
        """Return the number people read out: ``P-0012``."""
        return Series.QUOTE.number(self.id, 4)

    def state_on(self, day: date) -> QuoteState:
        """Return its state on ``day``: one that was not answered in time has expired."""
        over = self.state is QuoteState.SENT and self.valid_until < day
        return QuoteState.EXPIRED if over else self.state


class QuoteLine(Base):
    """One item of a quote; with a product, or of its own words alone."""

    __tablename__ = "quote_lines"

    id: Mapped[int] = mapped_column(primary_key=True)
    quote_id: Mapped[int] = mapped_column(ForeignKey("quotes.id"), index=True)
    position: Mapped[int]
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    description: Mapped[str] = mapped_column(String(300))
    quantity: Mapped[int]
    net: Mapped[Amount]  # of the whole line
    tax_bp: Mapped[int]
    tax: Mapped[Amount]
    total: Mapped[Amount]

    quote: Mapped[Quote] = relationship(back_populates="lines")
    product: Mapped[Product | None] = relationship()


def quote_key(number: str) -> int | None:
    """Return the key of the quote called ``P-0012``, ``None`` where it is no such number."""
    return read_number(number, PREFIX)
