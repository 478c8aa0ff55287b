"""A duty: one tax document that a payment makes due, and the number under which it was issued elsewhere."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.billing.duties.rules import DutyKind
from console.billing.models import Proforma
from console.billing.payments.models import Payment
from console.core.db import Amount, Base, enum_column
from console.customers.models import Customer
from console.staff.models import Staff


class DutyState(StrEnum):
    OPEN = "open"
    DONE = "done"
    WITHDRAWN = "withdrawn"  # its payment was undone before anything was issued


class Duty(Base):
    """One document that is due. The same entry of the ledger never makes two of a kind.

    Args:
        entry_id: the entry that made it due: a payment that was matched, credit that was used, money sent back.
        payment_id: none where credit paid.
        dated_on: the day of payment or delivery that the document has to bear; its month is the accountant's.
        void: the payment was undone since.
        corrects_id: the duty whose document this one corrects.
    """

    __tablename__ = "duties"
    __table_args__ = (
        UniqueConstraint("entry_id", "kind"),
        Index("ix_duties_state_due_on_id", "state", "due_on", "id"),
        Index("ix_duties_due_on_id", "due_on", "id"),
        Index("ix_duties_dated_on_id", "dated_on", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[DutyKind] = mapped_column(enum_column(DutyKind))
    state: Mapped[DutyState] = mapped_column(enum_column(DutyState), default=DutyState.OPEN)
    entry_id: Mapped[int] = mapped_column(ForeignKey("ledger_entries.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"), index=True)
    proforma_id: Mapped[int | None] = mapped_column(ForeignKey("proformas.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Amount]
    dated_on: Mapped[date]
    due_on: Mapped[date]
    void: Mapped[bool] = mapped_column(default=False, server_default=false())
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("duties.id"), unique=True)
    number: Mapped[str] = mapped_column(String(60), default="", server_default="")  # of what was issued elsewhere
    done_at: Mapped[datetime | None]
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))

    payment: Mapped[Payment | None] = relationship()
    proforma: Mapped[Proforma | None] = relationship()
    customer: Mapped[Customer] = relationship()
    done_by: Mapped[Staff | None] = relationship()
    corrects: Mapped[Duty | None] = relationship(remote_side="Duty.id")
