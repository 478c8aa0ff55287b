"""What the supervisor has begun on the help pages: a draft next to the published version."""

from __future__ import annotations

from console.core.actor import Actor
from console.demo.story import Story
from console.help import queries, service
from console.help.service import ArticleData

SLUG = "support-pin"
ADDED_SR = "\n\nAko ste PIN izgovorili nekome ko nije naša podrška, odmah napravite nov."
ADDED_EN = "\n\nIf you told the PIN to someone who is not our support, make a new one at once."


def tell(story: Story) -> None:
    """Put the draft into the story."""
    story.at(story.instant(3, hour=11), lambda: _save_draft(story.actor("supervisor")))


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
