"""Canned replies: answers that are written once, in both languages, and filled in for a ticket when they are used."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.db import Base
from console.core.search import RankedIndex
from console.staff.models import Department

REPLY_SEARCH = RankedIndex("search_replies")
MAX_NAME = 80
MAX_TITLE = 120
MAX_BODY = 20_000
MAX_SHORTCUT = 30


class CannedCategory(Base):
    """What canned replies are sorted under. ``key``: of the standard ones, so that they are loaded once."""

    __tablename__ = "canned_categories"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(String(40), unique=True)
    name_sr: Mapped[str] = mapped_column(String(MAX_NAME))
    name_en: Mapped[str] = mapped_column(String(MAX_NAME))
    position: Mapped[int] = mapped_column(default=0)

    def name(self, language: str) -> str:
        """Return what it is called in ``language`` (``sr_Latn`` or ``en``)."""
        return self.name_en if language == "en" else self.name_sr


class CannedReply(Base):
    """One answer in both languages.

    ``shortcut``: what is typed after ``/``. ``department_id``: where it is offered first; everywhere where empty.
    ``verified_only``: it speaks of what is whose, so it stays shut until the ticket's account is verified.
    """

    __tablename__ = "canned_replies"
    __table_args__ = (Index("ix_canned_replies_updated_at_id", "updated_at", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(String(40), unique=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("canned_categories.id"), index=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("departments.id"))
    shortcut: Mapped[str] = mapped_column(String(MAX_SHORTCUT), unique=True)
    title_sr: Mapped[str] = mapped_column(String(MAX_TITLE))
    title_en: Mapped[str] = mapped_column(String(MAX_TITLE))
    body_sr: Mapped[str] = mapped_column(Text)
    body_en: Mapped[str] = mapped_column(Text)
    verified_only: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)
    updated_at: Mapped[datetime]

    category: Mapped[CannedCategory] = relationship()
    department: Mapped[Department | None] = relationship()

    def title(self, language: str) -> str:
        """Return what it is called in ``language``."""
        return self.title_en if language == "en" else self.title_sr

    def body(self, language: str) -> str:
        """Return its text in ``language``, not filled in."""
        return self.body_en if language == "en" else self.body_sr
