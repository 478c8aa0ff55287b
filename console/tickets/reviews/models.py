"""Ratings by requesters, and quality reviews by supervisors.

A review is between its agent and the supervisors. Nothing of it is searched, exported
or displayed on the ticket.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.db import Base, enum_column
from console.core.series import Series
from console.customers.models import Verification
from console.staff.models import Department, Staff
from console.tickets.models import Ticket, TicketMessage

HEAD = 1
MAX_COMMENT = 2_000
MAX_NOTE = 10_000
MAX_REMARK = 500
MAX_ANSWER = 4_000
BEST = 4  # points of a criterion, from 0
_WAITS = text("state = 'waiting'")
_ANSWERED = text("answered")


class ReviewReason(StrEnum):
    """Why something is in the queue."""

    SAMPLE = "sample"
    RATING = "rating"
    SLA_TARGET = "sla_target"
    OVERRIDE = "override"
    PICKED = "picked"


class ReviewState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"


class TicketRating(Base):
    """How content a requester was. Once, and never changed."""

    __tablename__ = "ticket_ratings"
    __table_args__ = (CheckConstraint("score BETWEEN 1 AND 5", name="one_to_five"), Index("ix_ticket_ratings_at", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey(Ticket.id), unique=True)
    score: Mapped[int] = mapped_column(SmallInteger)
    comment: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]
    agent_id: Mapped[int | None] = mapped_column(ForeignKey(Staff.id), index=True)  # whose work it was then
    department_id: Mapped[int] = mapped_column(ForeignKey(Department.id))

    ticket: Mapped[Ticket] = relationship()


class ReviewSettings(Base):
    """One row: how much is drawn, and how far the gathering has come."""

    __tablename__ = "review_settings"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    sample: Mapped[int] = mapped_column(SmallInteger)  # solved tickets per agent and week
    drawn_week: Mapped[str] = mapped_column(String(10))  # the last that was drawn from, ``2026-W47``
    overrides_seen: Mapped[int]  # every override with a key up to this is in the queue
    rubric_version: Mapped[int] = mapped_column(default=0)  # rises with every change of the rubric


class ReviewCriterion(Base):
    """A line of the rubric. One that was ever scored is switched off, never removed."""

    __tablename__ = "review_criteria"

    id: Mapped[int] = mapped_column(primary_key=True)
    name_sr: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    about_sr: Mapped[str] = mapped_column(String(300), default="")
    about_en: Mapped[str] = mapped_column(String(300), default="")
    weight: Mapped[int] = mapped_column(SmallInteger)
    position: Mapped[int] = mapped_column(SmallInteger, default=0)
    active: Mapped[bool] = mapped_column(default=True)

    def name(self, language: str) -> str:
        """Return what it is called in ``language``."""
        return self.name_en if language == "en" else self.name_sr

    def about(self, language: str) -> str:
        """Return what it means in ``language``."""
        return self.about_en if language == "en" else self.about_sr


class Review(Base):
    """One agent's work on one ticket (or an override without a ticket), to be judged once.

    ``key``: why it came into the queue, so that it comes once: two workers that gather at the same time write
    the same. ``remark``: why it was picked; for supervisors. ``total``: hundredths of a percent.
    ``reviewer`` and ``reviewed_at``: also of one that was passed over. ``version`` rises with every scoring.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint("ticket_id IS NOT NULL OR verification_id IS NOT NULL", name="about_something"),
        Index("ix_reviews_waiting_id", "id", sqlite_where=_WAITS, postgresql_where=_WAITS),
        Index("ix_reviews_answered_id", "id", sqlite_where=_ANSWERED, postgresql_where=_ANSWERED),
        Index("ix_reviews_agent_id_state_id", "agent_id", "state", "id"),
        Index("ix_reviews_state_reviewed_at", "state", "reviewed_at"),
        Index("ix_reviews_ticket_id_agent_id", "ticket_id", "agent_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    reason: Mapped[ReviewReason] = mapped_column(enum_column(ReviewReason))
    state: Mapped[ReviewState] = mapped_column(enum_column(ReviewState), default=ReviewState.WAITING)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey(Ticket.id))
    verification_id: Mapped[int | None] = mapped_column(ForeignKey(Verification.id), index=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey(Staff.id))  # whose work
    department_id: Mapped[int | None] = mapped_column(ForeignKey(Department.id))  # of the ticket then
    created_at: Mapped[datetime]
    picked_by_id: Mapped[int | None] = mapped_column(ForeignKey(Staff.id))
    remark: Mapped[str] = mapped_column(String(MAX_REMARK), default="")
    skip_reason: Mapped[str] = mapped_column(String(MAX_REMARK), default="")
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey(Staff.id))
    reviewed_at: Mapped[datetime | None]
    total: Mapped[int | None]  # none where no criterion applied
    note: Mapped[str] = mapped_column(Text, default="")  # for the agent and the supervisors alone
    agent_read_at: Mapped[datetime | None]
    answered: Mapped[bool] = mapped_column(default=False)  # the agent spoke last
    version: Mapped[int] = mapped_column(default=0)

    ticket: Mapped[Ticket | None] = relationship()
    verification: Mapped[Verification | None] = relationship()
    agent: Mapped[Staff] = relationship(foreign_keys=[agent_id])
    reviewer: Mapped[Staff | None] = relationship(foreign_keys=[reviewer_id])
    picked_by: Mapped[Staff | None] = relationship(foreign_keys=[picked_by_id])
    department: Mapped[Department | None] = relationship()
    scores: Mapped[list[ReviewScore]] = relationship(
        order_by="ReviewScore.position, ReviewScore.id", cascade="all, delete-orphan"
    )
    quotes: Mapped[list[ReviewQuote]] = relationship(order_by="ReviewQuote.message_id", cascade="all, delete-orphan")
    answers: Mapped[list[ReviewAnswer]] = relationship(order_by="ReviewAnswer.id")

    @property
    def number(self) -> str:
        """Return what people call it: ``R-0012``."""
        return Series.REVIEW.number(self.id, 4)

    @property
    def subject(self) -> str:
        """Return what it is about: the ticket's number, or the override's."""
        return self.ticket.number if self.ticket is not None else Series.VERIFICATION.number(self.verification_id or 0)


class ReviewScore(Base):
    """A criterion as it was when the review was scored. ``points``: none where it did not apply."""

    __tablename__ = "review_scores"
    __table_args__ = (
        UniqueConstraint("review_id", "criterion_id"),
        CheckConstraint("points BETWEEN 0 AND 4", name="known_points"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey(Review.id))
    criterion_id: Mapped[int] = mapped_column(ForeignKey(ReviewCriterion.id))
    name_sr: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    weight: Mapped[int] = mapped_column(SmallInteger)
    position: Mapped[int] = mapped_column(SmallInteger)
    points: Mapped[int | None] = mapped_column(SmallInteger)

    def name(self, language: str) -> str:
        """Return what it was called in ``language``."""
        return self.name_en if language == "en" else self.name_sr


class ReviewQuote(Base):
    """Points at one entry of the ticket, with a remark."""

    __tablename__ = "review_quotes"
    __table_args__ = (UniqueConstraint("review_id", "message_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey(Review.id))
    message_id: Mapped[int] = mapped_column(ForeignKey(TicketMessage.id))
    remark: Mapped[str] = mapped_column(String(MAX_REMARK), default="")

    message: Mapped[TicketMessage] = relationship()


class ReviewAnswer(Base):
    """What the agent and the supervisors say to each other about a review."""

    __tablename__ = "review_answers"
    __table_args__ = (UniqueConstraint("review_id", "client_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey(Review.id))
    staff_id: Mapped[int] = mapped_column(ForeignKey(Staff.id))
    name: Mapped[str] = mapped_column(String(120))  # as it was then
    body: Mapped[str] = mapped_column(Text)
    client_id: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
