"""Reading help articles: what the public may read, and what staff work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, and_, select

from console.core.db import db
from console.core.errors import NotFound
from console.help.models import HELP_SEARCH, HelpArticle, HelpSection, HelpVersion

MOST = 30
MAX_QUERY = 200


@dataclass(frozen=True)
class Published:
    """A public article, as it is now."""

    article: HelpArticle
    version: HelpVersion


def published() -> list[Published]:
    """Return every public article, in the order of the index."""
    order = list(HelpSection)
    found = _read(_public().order_by(HelpArticle.position, HelpArticle.id))
    return sorted(found, key=lambda one: order.index(one.article.section))


def find_published(slug: str) -> Published:
    """Return one public article.

    Raises:
        NotFound: there is none, or it is a draft.
    """
    found = _read(_public().where(HelpArticle.slug == slug))
    if not found:
        raise NotFound
    return found[0]


def published_slugs() -> frozenset[str]:
    """Return the addresses of the public articles."""
    return frozenset(db.session.scalars(select(HelpArticle.slug).where(HelpArticle.published.is_not(None))))


def search(query: str) -> list[Published]:
    """Return the public articles that have every word of ``query``, the best first; all where it is blank."""
    hits = HELP_SEARCH.ranked(db.session(), query[:MAX_QUERY])
    if hits is None:
        return published()
    ranked = _public().join(hits, hits.c.id == HelpArticle.id).order_by(hits.c.rank.desc(), HelpArticle.id)
    return _read(ranked.limit(MOST))


def all_articles() -> Sequence[tuple[HelpArticle, HelpVersion]]:
    """Return every article with its newest version, in the order of the index."""
    newest = and_(HelpVersion.article_id == HelpArticle.id, HelpVersion.number == HelpArticle.newest)
    query = select(HelpArticle, HelpVersion).join(HelpVersion, newest).order_by(HelpArticle.position, HelpArticle.id)
    order = list(HelpSection)
    rows = [(row[0], row[1]) for row in db.session.execute(query)]
    return sorted(rows, key=lambda row: order.index(row[0].section))


def find_article(key: int) -> HelpArticle:
    """Return one article, public or not.

    Raises:
        NotFound: there is none.
    """
    article = db.session.get(HelpArticle, key)
    if article is None:
        raise NotFound
    return article


def find_version(article: HelpArticle, number: int) -> HelpVersion:
    """Return one version of an article.

    Raises:
        NotFound: it has no such version.
    """
    query = select(HelpVersion).where(HelpVersion.article_id == article.id, HelpVersion.number == number)
    version = db.session.scalar(query)
    if version is None:
        raise NotFound
    return version


def versions_of(article: HelpArticle) -> Sequence[HelpVersion]:
    """Return the versions of an article, newest first."""
    query = select(HelpVersion).where(HelpVersion.article_id == article.id).order_by(HelpVersion.number.desc())
    return db.session.scalars(query).all()


def _public() -> Select[HelpArticle, HelpVersion]:
    public = and_(HelpVersion.article_id == HelpArticle.id, HelpVersion.number == HelpArticle.published)
    return select(HelpArticle, HelpVersion).join(HelpVersion, public)


def _read(query: Select[HelpArticle, HelpVersion]) -> list[Published]:
    return [Published(row[0], row[1]) for row in db.session.execute(query)]
