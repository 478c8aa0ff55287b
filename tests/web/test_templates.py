"""Pages are drawn in their reader's language and where the application is mounted, by plain Jinja."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask import Flask
from jinja2.meta import find_undeclared_variables

from console.core.settings import Settings
from console.core.texts import in_language
from console.web.catalog import written
from tests.support.client import ConsoleClient

ENGLISH = {"Accept-Language": "en"}
PAGE = """{%- macro said(text) -%}<i>{{ text }}</i>{%- endmacro -%}
{{ _('Skip to content') }}|{{ _('account of %(name)s', name=name) }}|{{ icon('ok', 'icon-sm') }}|
<a href="{{ url_for('tickets.index_view', view='mine', sort='a&b') }}">|{{ said(_('Close') ~ '<') }}"""


def draw(app: Flask, language: str, root: str = "") -> list[str]:
    with app.test_request_context("/", headers={"Accept-Language": language}, environ_overrides={"SCRIPT_NAME": root}):
        drawn = app.jinja_env.from_string(PAGE).render(name="<b>")
    return [part.strip() for part in drawn.split("|")]


def test_texts_are_in_the_language_of_the_reader(sqlite_app: Flask) -> None:
    serbian, english = draw(sqlite_app, "sr"), draw(sqlite_app, "en")
    assert (serbian[0], english[0]) == ("Preskoči na sadržaj", "Skip to content")
    assert english[1] == "account of &lt;b&gt;"
    assert english[4] == "<i>Close&lt;</i>"
    assert draw(sqlite_app, "sr") == serbian


def test_where_it_is_mounted_counts(sqlite_app: Flask) -> None:
    at_root, below = draw(sqlite_app, "en"), draw(sqlite_app, "en", "/podrska")
    assert '"/console/tickets/?view=mine&amp;sort=a%26b"' in at_root[3]
    assert '"/podrska/console/tickets/?view=mine&amp;sort=a%26b"' in below[3]
    assert ("/static/lib/icons.svg#ok" in at_root[2], "/podrska/static/lib/icons.svg#ok" in below[2]) == (True, True)


def test_a_text_needs_no_request(sqlite_app: Flask) -> None:
    with sqlite_app.app_context(), in_language("en"):
        assert sqlite_app.jinja_env.from_string("{{ _('Close') }}").render() == "Close"


def test_a_page_changes_language_with_its_reader(
    make_app: Callable[[Settings], Flask], settings: Settings, client: ConsoleClient
) -> None:
    del client
    for english_first in (True, False):
        browser = make_app(replace(settings)).test_client()
        for english in (english_first, not english_first, english_first):
            text = browser.get("/login", headers=ENGLISH if english else {"Accept-Language": "sr"}).text
            assert ("Sign in" in text, "Prijava" in text) == (english, not english)


def test_what_is_imported_without_context_needs_none(sqlite_app: Flask) -> None:
    """Jinja keeps such a module for all pages: a name of one page would be that of the first."""
    environment = sqlite_app.jinja_env
    known = set(environment.globals)
    checked = 0
    for name in environment.list_templates(filter_func=lambda name: name.endswith(".html") and "mail/" not in name):
        source = environment.loader.get_source(environment, name)[0]
        for line in source.splitlines():
            if "import '" in line and "with context" not in line:
                imported = line.split("import '")[1].split("'")[0]
                module = environment.loader.get_source(environment, imported)[0]
                assert find_undeclared_variables(environment.parse(module)) <= known, (name, imported)
                checked += 1
    assert checked > 20


def test_a_text_that_says_per_cent_says_it_once(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context("/"):
        assert str(written("100%% sure")) == "100% sure"
