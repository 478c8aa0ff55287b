"""A payment as it was received, and its current state."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.billing.models import Proforma
from console.core.db import Amount, Base, enum_column
from console.core.series import Series
from console.customers.models import Customer


class PaymentSource(StrEnum):
    MANUAL = "manual"
    STATEMENT = "statement"


class PaymentState(StrEnum):
    MATCHED = "matched"  # to a document, or to a customer's credit
    UNMATCHED = "unmatched"
    RETURNED = "returned"
    VOID = "void"  # typed by mistake: no money came


class UnmatchedReason(StrEnum):
    """Why a payment waits for a person."""

    UNKNOWN = "unknown"  # no document has the reference
    CANCELLED = "cancelled"
    PAID = "paid"
    AMOUNT = "amount"
    CURRENCY = "currency"
    CANDIDATES = "candidates"  # two documents have it
    UNDONE = "undone"


class Payment(Base):
    """A received payment. What it is matched to may change; its amount, date and payer never do."""

    __tablename__ = "payments"
    __table_args__ = (
        Index("ix_payments_state_id", "state", "id"),
        Index("ix_payments_paid_on_id", "paid_on", "id"),
        Index("ix_payments_customer_id_id", "customer_id", "id"),
        Index("ix_payments_mail_due", "id", sqlite_where=text("mail_due"), postgresql_where=text("mail_due")),
        CheckConstraint("amount > 0", name="positive"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[PaymentSource] = mapped_column(enum_column(PaymentSource))
    reference: Mapped[str] = mapped_column(String(60))  # as received
    reference_key: Mapped[str] = mapped_column(String(40), index=True)
    amount: Mapped[Amount]
    currency: Mapped[str] = mapped_column(String(3))
    paid_on: Mapped[date]
    payer: Mapped[str] = mapped_column(String(200), default="")
    payer_account: Mapped[str] = mapped_column(String(40), default="")
    purpose: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[PaymentState] = mapped_column(enum_column(PaymentState))
    unmatched_reason: Mapped[UnmatchedReason | None] = mapped_column(enum_column(UnmatchedReason))
    # Where it was matched; the first of them where it was split over several.
    proforma_id: Mapped[int | None] = mapped_column(ForeignKey("proformas.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))  # where matched
    statement_line_id: Mapped[int | None] = mapped_column(ForeignKey("bank_lines.id"), unique=True)
    mail_due: Mapped[bool] = mapped_column(default=False, server_default=false())  # its customer is yet to be told
    recorded_at: Mapped[datetime]
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    proforma: Mapped[Proforma | None] = relationship()
    customer: Mapped[Customer | None] = relationship()

    @property
    def number(self) -> str:
        """Return the number people read out: ``UP-318``."""
        return payment_number(self.id)


def payment_number(key: int) -> str:
    """Return the number that people read out: ``UP-318``."""
    return Series.PAYMENT.number(key)
