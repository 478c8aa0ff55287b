"""Articles of the help pages and their versions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from console.core.db import Base, enum_column
from console.core.search import RankedIndex

HELP_SEARCH = RankedIndex("search_help")
PRIVACY = "privacy"  # the slug of the page that footers link to: it is always public
MAX_SLUG = 60
MAX_TITLE = 160
MAX_BODY = 60_000


class HelpSection(StrEnum):
    """What an article is about; in the order of the index."""

    SECURITY = "security"
    ACCOUNT = "account"
    SERVICES = "services"
    DOMAINS = "domains"
    SUPPORT = "support"
    LEGAL = "legal"


class HelpArticle(Base):
    """One article. What it says is in its versions: ``published`` is the number of the public one.

    ``key``: of the articles that come with the console, so that each is loaded once.
    """

    __tablename__ = "help_articles"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(String(40), unique=True)
    slug: Mapped[str] = mapped_column(String(MAX_SLUG), unique=True)
    section: Mapped[HelpSection] = mapped_column(enum_column(HelpSection))
    position: Mapped[int] = mapped_column(default=0)
    newest: Mapped[int] = mapped_column(default=0)  # the number of the last version
    published: Mapped[int | None]
    published_at: Mapped[datetime | None]

    @property
    def is_draft(self) -> bool:
        """Return whether there is something newer than what the public reads."""
        return self.published != self.newest


class HelpVersion(Base):
    """What an article said from one saving to the next. Never changed."""

    __tablename__ = "help_versions"
    __table_args__ = (UniqueConstraint("article_id", "number", name="uq_help_versions_article_id_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("help_articles.id"))
    number: Mapped[int]
    title_sr: Mapped[str] = mapped_column(String(MAX_TITLE))
    title_en: Mapped[str] = mapped_column(String(MAX_TITLE))
    body_sr: Mapped[str] = mapped_column(Text)
    body_en: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))  # None: it came with the console
    staff_name: Mapped[str] = mapped_column(String(120), default="")
    restored_from: Mapped[int | None]  # the number of the version that was put back

    def title(self, language: str) -> str:
        """Return its title in ``language`` (``sr_Latn`` or ``en``)."""
        return self.title_en if language == "en" else self.title_sr

    def body(self, language: str) -> str:
        """Return its text in ``language``: Markdown, placeholders not filled in."""
        return self.body_en if language == "en" else self.body_sr
