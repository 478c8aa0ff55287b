"""The texts of pages: a request's locale, and what templates call ``_``. The texts are in ``console.core.texts``."""

from __future__ import annotations

from functools import cache
from typing import Any

from babel import Locale
from flask import Flask
from markupsafe import Markup

from console.core.texts import of_reader
from console.web.locale import choose_language


def choose_locale() -> Locale:
    """Return the locale of this request."""
    return _parsed(choose_language())


@cache  # reading a locale's name takes longer than reading a row
def _parsed(name: str) -> Locale:
    return Locale.parse(name)


def language() -> str:
    """Return the language of this request: ``sr_Latn`` or ``en``."""
    return of_reader().language


# Texts as pages write them, by language. They are in the templates, so there is an end to them.
_written: dict[tuple[str, str], Markup] = {}


def written(text: str, /, **values: Any) -> Markup:
    """Return a text of a template, ``%(name)s`` in it filled in and escaped; what Jinja calls ``_``."""
    reader = of_reader()
    if values:
        return Markup(reader.translations.ugettext(text)) % values  # noqa: S704  the text is ours, the values are escaped
    known = _written.get((reader.language, text))
    if known is None:
        # Jinja has every text read as a format, so that "%%" is one sign in all of them.
        known = _written[reader.language, text] = Markup(reader.translations.ugettext(text)) % {}  # noqa: S704
    return known


def init_app(app: Flask) -> None:
    """Let pages take their texts from here; after Flask-Babel, whose ``_`` looks each one up again."""
    app.jinja_env.globals["_"] = written  # all its templates are pages, which escape
