"""Writing help articles: each saving is a version, one of them is public."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.edit_conflicts import CHANGED, changed_meanwhile
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.text import one_line, paragraphs
from console.core.texts import lazy_gettext
from console.help import markup
from console.help.defaults import ARTICLES
from console.help.models import (
    HELP_SEARCH,
    MAX_BODY,
    MAX_SLUG,
    MAX_TITLE,
    PRIVACY,
    HelpArticle,
    HelpSection,
    HelpVersion,
)
from console.help.queries import find_version
from console.staff.roles import Permission

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TEXTS = ("title_sr", "title_en", "body_sr", "body_en")
MAX_POSITION = 10_000
TAKEN: Text = lazy_gettext("Another article has this address.")


@dataclass(frozen=True)
class ArticleData:
    """What an article is."""

    slug: str
    section: str
    title_sr: str
    title_en: str
    body_sr: str
    body_en: str
    position: int = 0


def add_article(actor: Actor, data: ArticleData) -> HelpArticle:
    """Make an article, as a draft.

    Raises:
        NotFound: the role does not manage the desk.
        Invalid: by field, what is missing, unknown or taken.
    """
    actor.require(Permission.MANAGE_DESK)
    texts = _checked(data, None)
    article = HelpArticle(slug=data.slug, section=HelpSection(data.section), position=data.position, newest=0)
    db.session.add(article)
    _flush_slug()
    _add_version(actor, article, texts)
    record(actor, "help.added", article.slug, article=article.id)
    return article


def save_article(actor: Actor, key: int, data: ArticleData, *, seen: int | None = None) -> HelpArticle:
    """Save an article. Another text is a new version, a draft until it is published.

    Args:
        seen: the number of the version that was looked at.

    Raises:
        NotFound: no such article, or the role does not manage the desk.
        Invalid: as in :func:`add_article`.
        Conflict: a colleague has saved it since.
    """
    article = _lock(actor, key)
    if seen is not None and seen != article.newest:
        raise Conflict(changed_meanwhile(), code=CHANGED)
    texts = _checked(data, article)
    if article.slug == PRIVACY and data.slug != PRIVACY:
        raise Invalid(fields={"slug": [lazy_gettext("Pages link to this address; it cannot be changed.")]})
    place = (article.slug, article.section.value, article.position)
    article.slug, article.section, article.position = data.slug, HelpSection(data.section), data.position
    _flush_slug()
    newest = find_version(article, article.newest)
    if any(getattr(newest, name) != text for name, text in texts.items()):
        _add_version(actor, article, texts)
    elif place == (article.slug, article.section.value, article.position):
        return article
    record(actor, "help.saved", article.slug, article=article.id, version=article.newest)
    return article


def publish(actor: Actor, key: int, number: int) -> HelpArticle:
    """Let the public read one version, as a rule the newest.

    Raises:
        NotFound: no such version, or the role does not manage the desk.
    """
    article = _lock(actor, key)
    find_version(article, number)
    if article.published == number:
        return article
    article.published, article.published_at = number, clock.now()
    db.session.flush()
    index([article])
    record(actor, "help.published", article.slug, article=article.id, version=number)
    return article


def withdraw(actor: Actor, key: int) -> HelpArticle:
    """Take an article off the public pages. Its versions stay.

    Raises:
        NotFound: no such article, or the role does not manage the desk.
        Conflict: ``linked``: it is the privacy page.
    """
    article = _lock(actor, key)
    if article.slug == PRIVACY:
        raise Conflict(lazy_gettext("Every page links to the privacy page; it stays public."), code="linked")
    if article.published is None:
        return article
    article.published = article.published_at = None
    db.session.flush()
    index([article])
    record(actor, "help.withdrawn", article.slug, article=article.id)
    return article


def restore(actor: Actor, key: int, number: int) -> HelpArticle:
    """Put an earlier version back: its text becomes the newest version, a draft.

    Raises:
        NotFound: no such version, or the role does not manage the desk.
        Conflict: ``newest``: it says the same as the newest version.
    """
    article = _lock(actor, key)
    old, newest = find_version(article, number), find_version(article, article.newest)
    texts = {name: getattr(old, name) for name in TEXTS}
    if all(getattr(newest, name) == text for name, text in texts.items()):
        raise Conflict(lazy_gettext("The newest version has the same text."), code="newest")
    _add_version(actor, article, texts, restored_from=number)
    record(actor, "help.restored", article.slug, article=article.id, version=article.newest, restored=number)
    return article


def load_standard() -> int:
    """Load the standard articles that were never loaded, published; return how many were.

    Their versions say that they came with the console, and when; no one acted, so the audit log has no entry.
    """
    there = set(db.session.scalars(select(HelpArticle.key).where(HelpArticle.key.is_not(None))))
    taken = set(db.session.scalars(select(HelpArticle.slug)))
    added = []
    for position, text in enumerate(ARTICLES, 1):
        if text.key in there or text.slug in taken:
            continue
        (title_sr, body_sr), (title_en, body_en) = text.text("sr"), text.text("en")
        article = HelpArticle(key=text.key, slug=text.slug, section=text.section, position=position, newest=0)
        db.session.add(article)
        db.session.flush()
        texts = {"title_sr": title_sr, "title_en": title_en, "body_sr": body_sr, "body_en": body_en}
        version = _add_version(None, article, texts)
        article.published, article.published_at = version.number, version.created_at
        added.append(article)
    db.session.flush()
    index(added)
    return len(added)


def index(articles: Iterable[HelpArticle]) -> None:
    """Write what the public finds each article by; a draft is found by nothing."""
    HELP_SEARCH.put_titled_many(db.session(), [_searched(article) for article in articles])


def _searched(article: HelpArticle) -> tuple[int, str, str]:
    if article.published is None:
        return article.id, "", ""
    version = find_version(article, article.published)
    titles = " ".join(markup.fill(version.title(language), language) for language in ("sr_Latn", "en"))
    bodies = " ".join(markup.plain(version.body(language), language) for language in ("sr_Latn", "en"))
    return article.id, titles, bodies


def _lock(actor: Actor, key: int) -> HelpArticle:
    actor.require(Permission.MANAGE_DESK)
    article = db.session.get(HelpArticle, key, with_for_update=True, populate_existing=True)
    if article is None:
        raise NotFound
    return article


def _add_version(
    actor: Actor | None, article: HelpArticle, texts: dict[str, str], restored_from: int | None = None
) -> HelpVersion:
    article.newest += 1
    version = HelpVersion(
        article_id=article.id,
        number=article.newest,
        created_at=clock.now(),
        staff_id=actor.id if actor is not None else None,
        staff_name=actor.name if actor is not None else "",
        restored_from=restored_from,
        **texts,
    )
    db.session.add(version)
    db.session.flush()
    return version


def _checked(data: ArticleData, article: HelpArticle | None) -> dict[str, str]:
    """Return the texts in their one form.

    Raises:
        Invalid: with a message for every wrong field.
    """
    texts = {name: one_line(getattr(data, name)) for name in TEXTS[:2]}
    texts |= {name: paragraphs(getattr(data, name)) for name in TEXTS[2:]}
    wrong: dict[str, list[Text]] = {}
    for name, text in texts.items():
        most = MAX_TITLE if name.startswith("title") else MAX_BODY
        strange = markup.unknown(text)
        if not 0 < len(text) <= most:
            wrong[name] = [lazy_gettext("Field must be between %(min)d and %(max)d characters long.", min=1, max=most)]
        elif strange:
            wrong[name] = [lazy_gettext("Unknown placeholder: %(names)s.", names=", ".join(strange))]
    if len(data.slug) > MAX_SLUG or not _SLUG.fullmatch(data.slug):
        wrong["slug"] = [
            lazy_gettext("Use letters without accents, digits and dashes, at most %(max)d characters.", max=MAX_SLUG)
        ]
    elif _is_taken(data.slug, article):
        wrong["slug"] = [TAKEN]
    if data.section not in set(HelpSection):
        wrong["section"] = [lazy_gettext("Not a valid choice.")]
    if not 0 <= data.position <= MAX_POSITION:
        wrong["position"] = [lazy_gettext("Not a valid integer value.")]
    if wrong:
        raise Invalid(fields=wrong)
    return texts


def _is_taken(slug: str, article: HelpArticle | None) -> bool:
    query = select(func.count()).select_from(HelpArticle).where(HelpArticle.slug == slug)
    if article is not None:
        query = query.where(HelpArticle.id != article.id)
    return bool(db.session.scalar(query))


def _flush_slug() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:  # another request was faster
        raise Invalid(fields={"slug": [TAKEN]}) from error
