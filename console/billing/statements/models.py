"""Statements that were imported, with every line that the bank booked."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.db import Amount, Base, enum_column
from console.core.leases import Leased
from console.staff.models import Staff


class StatementState(StrEnum):
    IMPORTING = "importing"  # a worker goes on with it
    IMPORTED = "imported"
    STOPPED = "stopped"  # it failed several times in a row; what is imported stays, and it can go on


class BankStatement(Leased, Base):
    """One statement of one account, as a file had it. A file may have several: ``place`` counts them."""

    __tablename__ = "bank_statements"
    __table_args__ = (
        UniqueConstraint("digest", "place"),
        Index("ix_bank_statements_state_id", "state", "id"),
        Index("ix_bank_statements_closed_on_id", "closed_on", "id"),
        CheckConstraint("taken >= 0 AND taken <= lines", name="taken_within_lines"),
    )

    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the file, by which it is known again
    place: Mapped[int] = mapped_column(default=0)
    file: Mapped[str | None] = mapped_column(String(64), index=True)  # in the store; None: deleted by its age
    name: Mapped[str] = mapped_column(String(140))
    size: Mapped[int]
    format: Mapped[str] = mapped_column(String(20))  # a key of console.billing.statements.readers.FORMATS
    account: Mapped[str] = mapped_column(String(40), index=True)
    number: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3))
    opened_on: Mapped[date]
    closed_on: Mapped[date]
    opening: Mapped[Amount | None]  # None: the format has no balances
    closing: Mapped[Amount | None]
    state: Mapped[StatementState] = mapped_column(enum_column(StatementState))
    lines: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)  # lines that are imported; all of them at the end
    # What became of the lines when they were imported. What is resolved later, the payments say.
    matched: Mapped[int] = mapped_column(default=0)
    unmatched: Mapped[int] = mapped_column(default=0)
    known: Mapped[int] = mapped_column(default=0)
    outgoing: Mapped[int] = mapped_column(default=0)
    imported_at: Mapped[datetime]
    imported_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    finished_at: Mapped[datetime | None]
    lease: Mapped[str | None] = mapped_column(String(32))
    attempts: Mapped[int] = mapped_column(default=0)  # in a row, without a line imported

    imported_by: Mapped[Staff | None] = relationship()


class BankLine(Base):
    """One line. What came in is positive and is a payment; what went out is there for the balances."""

    __tablename__ = "bank_lines"
    __table_args__ = (
        UniqueConstraint("statement_id", "position"),
        CheckConstraint("(fingerprint IS NULL) <> (first_id IS NULL)", name="known_or_new"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    statement_id: Mapped[int] = mapped_column(ForeignKey("bank_statements.id"))
    position: Mapped[int]
    # By which the same line of another file is known: None on that one, which names the first.
    fingerprint: Mapped[str | None] = mapped_column(String(64), unique=True)
    first_id: Mapped[int | None] = mapped_column(ForeignKey("bank_lines.id"), index=True)
    booked_on: Mapped[date]
    amount: Mapped[Amount]
    reference: Mapped[str] = mapped_column(String(40))
    model: Mapped[str] = mapped_column(String(2))
    payer: Mapped[str] = mapped_column(String(140))
    payer_account: Mapped[str] = mapped_column(String(40))
    purpose: Mapped[str] = mapped_column(String(300))
    bank_id: Mapped[str] = mapped_column(String(60))

    statement: Mapped[BankStatement] = relationship()
    first: Mapped[BankLine | None] = relationship(remote_side="BankLine.id")
