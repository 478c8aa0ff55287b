"""Values in texts: markup stays markup, and nothing else becomes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from flask import Flask, render_template_string
from markupsafe import Markup, escape

from console.core.texts import gettext, in_language, lazy_gettext, ngettext, of_reader
from console.web.catalog import written

PO = Path(__file__).resolve().parents[2] / "console/translations/sr_Latn/LC_MESSAGES/messages.po"
PLACE = re.compile(r"%\((\w+)\)s")
DRAWN = Markup('<span class="num">1,00</span>')
ATTACK = "<img src=x onerror=alert(1)>"

pytestmark = pytest.mark.only("sqlite")


@pytest.mark.parametrize("locale", ["sr_Latn", "en"])
def test_every_text_of_the_catalogue_takes_markup_and_escapes_the_rest(sqlite_app: Flask, locale: str) -> None:
    with PO.open("rb") as file:
        texts = [one.id if isinstance(one.id, str) else one.id[0] for one in read_po(file, locale="sr_Latn") if one.id]
    texts = [text for text in texts if PLACE.search(text) and not re.search(r"%\(\w+\)[^s]", text)]
    assert len(texts) > 100
    with sqlite_app.test_request_context(), in_language(locale):
        for text in texts:
            for marked in PLACE.findall(text):
                values: dict[str, str] = dict.fromkeys(PLACE.findall(text), ATTACK) | {marked: DRAWN}
                for drawn in (gettext(text, **values), lazy_gettext(text, **values), written(text, **values)):
                    page = render_template_string("{{ drawn }}", drawn=drawn)
                    assert DRAWN in page, text
                    assert ATTACK not in page, text


def test_a_text_without_markup_is_text(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        sentence = gettext("%(name)s has already taken this chat.", name=ATTACK)
        assert not isinstance(sentence, Markup)
        for drawn in (sentence, lazy_gettext("%(name)s has already taken this chat.", name=ATTACK)):
            assert str(escape(ATTACK)) in render_template_string("{{ drawn }}", drawn=drawn)
            assert ATTACK not in render_template_string("{{ drawn }}", drawn=drawn)
        plural = ngettext("%(num)d min ago", "%(num)d min ago", 2)
        assert "2" in plural


def test_a_text_within_a_text(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        inner = lazy_gettext("Deadline: %(day)s", day=DRAWN)
        assert DRAWN in render_template_string("{{ drawn }}", drawn=gettext("Read until %(day)s", day=inner))


def test_a_language_is_changed_for_a_block_and_comes_back(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context(headers={"Accept-Language": "sr"}):
        assert gettext("Customers") == "Korisnici"
        with in_language("en"):
            assert (gettext("Customers"), of_reader().language) == ("Customers", "en")
            with in_language("sr_Latn"):
                assert gettext("Customers") == "Korisnici"
            assert gettext("Customers") == "Customers"
        assert (gettext("Customers"), of_reader().language) == ("Korisnici", "sr_Latn")


def test_outside_of_an_application_a_text_is_as_written() -> None:
    assert str(lazy_gettext("Customers")) == "Customers"
