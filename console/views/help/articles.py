"""Help articles for those who manage the desk: drafts, versions with their differences, publishing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from flask import Response, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from wtforms import HiddenField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import NumberRange
from wtforms.validators import Optional as MayBeEmpty

from console.core.errors import Conflict, Invalid, NotFound, Refusal
from console.core.forms import Form
from console.core.ids import read_count, read_number
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.help import markup, queries, service
from console.help.labels import SECTION_ICONS, SECTION_NAMES
from console.help.models import PRIVACY, HelpArticle, HelpSection, HelpVersion
from console.help.service import ArticleData
from console.staff.roles import Permission
from console.views.shared.base import Page
from console.web.answers import local_time, refuse, wants_json
from console.web.filters import language
from console.web.identity import current_actor

CONTEXT = 2  # unchanged lines around a difference
LANGUAGES = (("sr_Latn", "Srpski"), ("en", "English"))


def views() -> list[Page]:
    """Return the page."""
    return [HelpPage(name=lazy_gettext("Help pages"), endpoint="help_articles", url="help", menu_icon_value="info")]


class ArticleForm(Form):
    """An article, both languages side by side. ``seen``: the number of the version the form was filled in from."""

    section = SelectField(lazy_gettext("Section"), choices=[], validate_choice=False)
    slug = StringField(
        lazy_gettext("Address"), description=lazy_gettext("After /help/: letters without accents, digits and dashes.")
    )
    position = IntegerField(lazy_gettext("Sort order"), [MayBeEmpty(), NumberRange(min=0, max=10_000)], default=0)
    title_sr = StringField(lazy_gettext("Title in Serbian"))
    title_en = StringField(lazy_gettext("Title in English"))
    body_sr = TextAreaField(lazy_gettext("Text in Serbian"))
    body_en = TextAreaField(lazy_gettext("Text in English"))
    seen = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section.choices = [(one.value, SECTION_NAMES[one]) for one in HelpSection]

    def article_data(self) -> ArticleData:
        """Return what was filled in.

        Raises:
            Invalid: a field cannot be read.
        """
        if not self.validate():
            raise Invalid(fields={name: list(errors) for name, errors in self.errors.items() if name})
        return ArticleData(
            slug=(self.slug.data or "").strip().lower(),
            section=self.section.data or "",
            title_sr=self.title_sr.data or "",
            title_en=self.title_en.data or "",
            body_sr=self.body_sr.data or "",
            body_en=self.body_en.data or "",
            position=self.position.data or 0,
        )


@dataclass(frozen=True)
class DiffLine:
    """One line of a difference. ``mark``: ``+``, ``-``, a space, or ``…`` where unchanged lines are left out."""

    mark: str
    text: str


class HelpPage(Page):
    """The list of articles, the editor of each, and its versions."""

    permission = Permission.MANAGE_DESK
    group = "system"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """List the articles."""
        rows = queries.all_articles()
        if wants_json():
            return jsonify(items=[_as_json(article, version) for article, version in rows], next=None)
        page: str = self.render(
            "admin/help/list.html", rows=rows, section_names=SECTION_NAMES, section_icons=SECTION_ICONS
        )
        return page

    @expose("/new", methods=("GET", "POST"))
    def new(self) -> ResponseReturnValue:
        """Show the form of a new article, or make one."""
        form = ArticleForm()
        if request.method == "GET":
            return self._form_page(form, None)
        try:
            with transaction():
                article = service.add_article(current_actor(), form.article_data())
        except Invalid as refusal:
            return self._refused(form, refusal, None)
        return self._saved(article, gettext("Saved as a draft. Only staff see it until you publish it."))

    @expose("/<id:key>/")
    def article(self, key: int) -> ResponseReturnValue:
        """Show an article in its form."""
        article = queries.find_article(key)
        version = queries.find_version(article, article.newest)
        if wants_json():
            texts = {name: getattr(version, name) for name in service.TEXTS}
            return jsonify(article=_as_json(article, version) | texts)
        values = {name: getattr(version, name) for name in service.TEXTS}
        form = ArticleForm(
            formdata=None, section=article.section.value, slug=article.slug, position=article.position,
            seen=str(article.newest), **values,
        )  # fmt: skip
        return self._form_page(form, article)

    @expose("/<id:key>/", methods=("POST",))
    def save(self, key: int) -> ResponseReturnValue:
        """Save an article: another text is a new version, published at once with ``publish``."""
        form = ArticleForm()
        try:
            with transaction():
                seen = read_number(form.seen.data or "", "")
                article = service.save_article(current_actor(), key, form.article_data(), seen=seen)
                if request.form.get("publish"):
                    service.publish(current_actor(), key, article.newest)
        except (Invalid, Conflict) as refusal:
            return self._refused(form, refusal, queries.find_article(key))
        if article.is_draft:
            return self._saved(article, gettext("Saved as a draft. The public still reads what was published."))
        return self._saved(article, gettext("Published."))

    @expose("/<id:key>/publish", methods=("POST",))
    def publish(self, key: int) -> ResponseReturnValue:
        """Publish one version, ``version``; as a rule the newest."""
        with transaction():
            article = service.publish(current_actor(), key, _number(request.form.get("version")))
        return self._saved(article, gettext("Published."))

    @expose("/<id:key>/withdraw", methods=("POST",))
    def withdraw(self, key: int) -> ResponseReturnValue:
        """Take an article off the public pages."""
        with transaction():
            article = service.withdraw(current_actor(), key)
        return self._saved(article, gettext("The article is a draft again; only staff see it."))

    @expose("/<id:key>/restore", methods=("POST",))
    def restore(self, key: int) -> ResponseReturnValue:
        """Put an earlier version back, as the newest."""
        with transaction():
            article = service.restore(current_actor(), key, _number(request.form.get("version")))
        return self._saved(article, gettext("Restored as a new draft. Publish it when it is right."))

    @expose("/<id:key>/versions")
    def versions(self, key: int) -> ResponseReturnValue:
        """List the versions, and show how ``version`` differs from the one before it, or from ``to``."""
        article = queries.find_article(key)
        rows = queries.versions_of(article)
        if wants_json():
            return jsonify(items=[_version_as_json(article, row) for row in rows], next=None)
        chosen = _one_of(rows, request.args.get("version"), article.newest)
        before = next((row for row in rows if row.number < chosen.number), None)
        other = _one_of(rows, request.args["to"], 0) if "to" in request.args else before
        page: str = self.render(
            "admin/help/versions.html",
            article=article,
            rows=rows,
            chosen=chosen,
            other=other,
            diffs=[(name, _difference(other, chosen, code)) for code, name in LANGUAGES],
        )
        return page

    @expose("/<id:key>/preview")
    def preview(self, key: int) -> ResponseReturnValue:
        """Show a version as the public would read it, in both languages."""
        article = queries.find_article(key)
        version = _one_of(queries.versions_of(article), request.args.get("version"), article.newest)
        sides = [
            (name, code, markup.fill(version.title(code), code), markup.render(version.body(code), code, link=_link))
            for code, name in LANGUAGES
        ]
        if wants_json():
            return jsonify(sides=[{"language": code, "title": title, "html": html} for _, code, title, html in sides])
        page: str = self.render("admin/help/preview.html", article=article, version=version, sides=sides)
        return page

    def _form_page(self, form: ArticleForm, article: HelpArticle | None, refusal: Refusal | None = None) -> str:
        page: str = self.render(
            "admin/help/form.html",
            form=form,
            article=article,
            newest=queries.find_version(article, article.newest) if article is not None else None,
            refusal=refusal,
            placeholders=markup.PLACEHOLDERS | (markup.BLOCKS if article is None or article.slug == PRIVACY else {}),
            is_linked=article is not None and article.slug == PRIVACY,
        )
        return page

    def _refused(self, form: ArticleForm, refusal: Refusal, article: HelpArticle | None) -> ResponseReturnValue:
        if wants_json():
            return refuse(refusal)
        for name, texts in refusal.fields.items():
            if name in form:
                form[name].errors = [str(text) for text in texts]
        if article is not None and isinstance(refusal, Conflict):
            form.seen.data = str(article.newest)  # saved again, it is the reader's decision
        return Response(self._form_page(form, article, refusal), refusal.status)

    def _saved(self, article: HelpArticle, message: str) -> ResponseReturnValue:
        if wants_json():
            return jsonify(article=_as_json(article, queries.find_version(article, article.newest)))
        flash(message, "success")
        return redirect(self.get_url(".article", key=article.id), 303)


def _link(address: str) -> str:
    return f"{request.script_root}{address}" if address.startswith("/") else address


def _number(typed: str | None) -> int:
    number = read_count(typed)
    if number is None:
        raise NotFound
    return number


def _one_of(rows: Sequence[HelpVersion], typed: str | None, default: int) -> HelpVersion:
    """Return the version that an address names.

    Raises:
        NotFound: the article has none such.
    """
    number = default if typed is None else _number(typed)
    found = next((row for row in rows if row.number == number), None)
    if found is None:
        raise NotFound
    return found


def _difference(before: HelpVersion | None, after: HelpVersion, code: str) -> list[DiffLine]:
    """Return how one language of two versions differs, line by line; empty where it does not."""
    old = _lines(before, code) if before is not None else []
    new = _lines(after, code)
    return [] if old == new else list(_diff_lines(old, new))


def _lines(version: HelpVersion, code: str) -> list[str]:
    return [version.title(code), "", *version.body(code).split("\n")]


def _diff_lines(old: list[str], new: list[str]) -> Iterator[DiffLine]:
    end = 0  # of the last group, in the new lines
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT):
        if group[0][3] > end:
            yield DiffLine("…", "")
        for kind, from_old, to_old, from_new, to_new in group:
            if kind == "equal":
                yield from (DiffLine(" ", line) for line in new[from_new:to_new])
                continue
            yield from (DiffLine("-", line) for line in old[from_old:to_old])
            yield from (DiffLine("+", line) for line in new[from_new:to_new])
        end = group[-1][4]
    if end < len(new):
        yield DiffLine("…", "")


def _as_json(article: HelpArticle, version: HelpVersion) -> dict[str, Any]:
    return {
        "id": article.id,
        "slug": article.slug,
        "section": article.section.value,
        "position": article.position,
        "title": version.title(language()),
        "version": article.newest,
        "published": article.published,
        "published_at": local_time(article.published_at),
        "changed_at": local_time(version.created_at),
        "changed_by": version.staff_name or None,
    }


def _version_as_json(article: HelpArticle, version: HelpVersion) -> dict[str, Any]:
    return {
        "version": version.number,
        "published": version.number == article.published,
        "created_at": local_time(version.created_at),
        "created_by": version.staff_name or None,
        "restored_from": version.restored_from,
    }
