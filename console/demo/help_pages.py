"""What the supervisor has begun on the help pages: a draft next to the published version."""

from __future__ import annotations

from sqlalchemy import select

from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.demo.story import Story
from console.help import queries, service
from console.help.models import HelpArticle, HelpVersion
from console.help.service import ArticleData

SLUG = "support-pin"
ADDED_SR = "\n\nAko ste PIN izgovorili nekome ko nije naša podrška, odmah napravite nov."
ADDED_EN = "\n\nIf you told the PIN to someone who is not our support, make a new one at once."


def tell(story: Story) -> None:
    """Put the draft into the story, and before it the day on which the console was set up with its articles."""
    story.at(story.instant(400, hour=9), _date_back)
    story.at(story.instant(3, hour=11), lambda: _save_draft(story.actor("supervisor")))


def _date_back() -> None:
    for version in db.session.scalars(select(HelpVersion)):
        version.created_at = clock.now()
    for article in db.session.scalars(select(HelpArticle)):
        article.published_at = clock.now()


def _save_draft(actor: Actor) -> None:
    found = queries.find_published(SLUG)
    article, version = found.article, found.version
    service.save_article(
        actor,
        article.id,
        ArticleData(
            slug=article.slug,
            section=article.section.value,
            title_sr=version.title_sr,
            title_en=version.title_en,
            body_sr=version.body_sr + ADDED_SR,
            body_en=version.body_en + ADDED_EN,
            position=article.position,
        ),
    )
