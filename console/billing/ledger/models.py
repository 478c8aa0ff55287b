"""Entries of the ledger and their postings. Rows are only added; a correction is a reversing entry."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, event
from sqlalchemy.orm import Mapped, UOWTransaction, mapped_column, relationship
from sqlalchemy.orm import Session as OrmSession

from console.billing.models import Migration, Proforma
from console.billing.payments.models import Payment
from console.core.db import Amount, Base, enum_column


class Account(StrEnum):
    """Where an amount is."""

    BANK = "bank"  # received, less what was sent back
    UNMATCHED = "unmatched"  # received, and not yet known for what
    CREDIT = "credit"  # owed to a customer
    DOCUMENT = "document"  # paid on a pro-forma
    ADJUSTMENT = "adjustment"  # the other side of corrections, and of what was paid before there was a ledger


class EntryKind(StrEnum):
    """Why an entry was written."""

    OPENING = "opening"  # paid before there was a ledger, or elsewhere
    RECEIVED = "received"
    MATCHED = "matched"  # to a document, with what was paid over on credit
    CREDITED = "credited"  # to a customer's credit
    RETURNED = "returned"  # to the payer
    UNDONE = "undone"
    CREDIT_USED = "credit_used"
    RELEASED = "released"  # from a cancelled document to its customer's credit
    REFUNDED = "refunded"
    CORRECTED = "corrected"


class LedgerEntry(Base):
    """One event that moved amounts. Its postings sum to zero in each currency."""

    __tablename__ = "ledger_entries"
    __table_args__ = (Index("ix_ledger_entries_payment_id_id", "payment_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[EntryKind] = mapped_column(enum_column(EntryKind))
    reason: Mapped[str] = mapped_column(Text, default="")
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"))
    migration_id: Mapped[int | None] = mapped_column(ForeignKey("migrations.id"), index=True)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_entries.id"), unique=True)

    postings: Mapped[list[LedgerPosting]] = relationship(
        back_populates="entry", order_by="LedgerPosting.id", viewonly=True
    )
    payment: Mapped[Payment | None] = relationship(viewonly=True)
    migration: Mapped[Migration | None] = relationship(viewonly=True)


class LedgerPosting(Base):
    """One amount of an entry on one account: debit positive, credit negative."""

    __tablename__ = "ledger_postings"
    __table_args__ = (
        Index("ix_ledger_postings_customer_id_currency_entry_id", "customer_id", "currency", "entry_id"),
        Index("ix_ledger_postings_proforma_id", "proforma_id"),
        Index("ix_ledger_postings_entry_id", "entry_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("ledger_entries.id"))
    account: Mapped[Account] = mapped_column(enum_column(Account))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    proforma_id: Mapped[int | None] = mapped_column(ForeignKey("proformas.id"))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Amount]

    entry: Mapped[LedgerEntry] = relationship(back_populates="postings", viewonly=True)
    proforma: Mapped[Proforma | None] = relationship(viewonly=True)


@event.listens_for(OrmSession, "before_flush")
def _the_ledger_is_only_added_to(session: OrmSession, _context: UOWTransaction, _instances: object) -> None:
    """Refuse rows that were not written by ``ledger.service``, which checks their sums."""
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, LedgerEntry | LedgerPosting):
            raise RuntimeError("the ledger is written by ledger.service.post alone, and never changed")  # noqa: TRY004
