"""The help pages and the privacy page: public, in both languages, for who is signed in and who is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from console.core.errors import NotFound
from console.core.text import fold, shorten, words
from console.help import markup, queries
from console.help.labels import SECTION_ICONS, SECTION_NAMES
from console.help.models import PRIVACY, HelpSection
from console.help.queries import Published
from console.portal.private_pages import speaking
from console.portal.stored import cookies_of_page, storage_of_page
from console.privacy.retention import periods
from console.web.answers import local_time, wants_json
from console.web.filters import language
from console.web.locale import LANGUAGES

blueprint = Blueprint("help", __name__, url_prefix="/help")

EXCERPT = 170
LEAST = 3  # letters that a form of a word has in common with what was typed


@dataclass(frozen=True)
class Line:
    """An article in a list."""

    slug: str
    section: HelpSection
    title: str
    excerpt: str


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Show the index, or what ``q`` finds."""
    query = " ".join(request.args.get("q", "").split())[: queries.MAX_QUERY]
    with speaking(None):
        lines = [_line(one, query) for one in queries.search(query)]
        if wants_json():
            items = [{"slug": one.slug, "section": one.section.value, "title": one.title} for one in lines]
            return jsonify(items=items, next=None)
        sections = [
            (section, [one for one in lines if one.section is section])
            for section in HelpSection
            if any(one.section is section for one in lines)
        ]
        return _page("index", query=query, hits=lines, sections=sections)


@blueprint.get("/<slug>")
def article(slug: str) -> ResponseReturnValue:
    """Show one article."""
    with speaking(None):
        public = queries.published()
        found = next((one for one in public if one.article.slug == slug), None)
        if found is None:
            raise NotFound
        body = found.version.body(language())
        html = markup.render(body, language(), _blocks() if slug == PRIVACY else None, link=_link)
        line = _line(found)
        if wants_json():
            return jsonify(article=_as_json(found, line, html))
        others = [one for one in public if one.article.section is found.article.section and one is not found]
        return _page(
            "article",
            article=found.article,
            title=line.title,
            excerpt=line.excerpt,
            html=html,
            related=[_line(one) for one in others],
        )


def _page(name: str, **values: Any) -> str:
    return render_template(
        f"portal/help/{name}.html",
        lang=_chosen(),
        section_names=SECTION_NAMES,
        section_icons=SECTION_ICONS,
        **{"query": None, **values},
    )


def _chosen() -> str | None:
    """Return the language that the address names, so that links on the page keep it."""
    chosen = request.args.get("lang")
    return chosen if chosen in LANGUAGES else None


def _link(address: str) -> str:
    """Return a link inside an article as this page has it: below where the console is, in the language chosen."""
    if not address.startswith("/") or address.startswith("//"):
        return address
    chosen = _chosen()
    return f"{request.script_root}{address}{f'?lang={chosen}' if chosen and address.startswith('/help/') else ''}"


def _line(one: Published, query: str = "") -> Line:
    title = markup.fill(one.version.title(language()), language())
    return Line(one.article.slug, one.article.section, title, _excerpt(one.version.body(language()), query))


def _excerpt(body: str, query: str) -> str:
    """Return the beginning of a text, or of its first line that has one of the words."""
    lines = [line for line in markup.plain(body, language()).splitlines() if line.strip()]
    beginnings = [word[: max(LEAST, len(word) - 2)] for word in words(query)]
    fitting = (line for line in lines if any(word.startswith(tuple(beginnings)) for word in words(fold(line))))
    line = next(fitting, None) if beginnings else None
    return shorten(line or (lines[0] if lines else ""), EXCERPT).lstrip("-0123456789. ")


def _blocks() -> dict[str, Markup]:
    """Draw what the privacy page has generated."""
    return {
        "cookies": Markup(_table("cookies", cookies_of_page())),  # noqa: S704  a template's, which escapes
        "storage": Markup(_table("cookies", storage_of_page())),  # noqa: S704
        "retention": Markup(_table("retention", periods())),  # noqa: S704
    }


def _table(macro: str, rows: Any) -> str:
    return render_template("portal/help/table.html", macro=macro, rows=rows)


def _as_json(found: Published, line: Line, html: Markup) -> dict[str, Any]:
    return {
        "slug": line.slug,
        "section": line.section.value,
        "title": line.title,
        "language": language(),
        "html": html,
        "published_at": local_time(found.article.published_at),
    }
