"""The texts of pages: a request's locale, and what templates call ``_``. The texts are in ``console.core.texts``."""

from __future__ import annotations

from functools import cache
from typing import Any

from babel import Locale, support
from flask import Flask
from flask_babel import Domain
from markupsafe import Markup

from console import extensions
from console.core.texts import of_reader
from console.web.locale import choose_language


class Catalogue(Domain):
    """Flask-Babel's domain for whoever asks it for texts itself, as Flask-Admin does."""

    def get_translations(self) -> support.NullTranslations:
        """Return the texts of this request's language."""
        return of_reader().translations


def choose_locale() -> Locale:
    """Return the locale of this request."""
    return _parsed(choose_language())


@cache  # reading a locale's name takes longer than reading a row
def _parsed(name: str) -> Locale:
    return Locale.parse(name)


def language() -> str:
    """Return the language of this request: ``sr_Latn`` or ``en``."""
    return of_reader().language


# Texts as pages write them, by language. They are what stands in the templates, so there is an end to them.
_written: dict[tuple[str, str], Markup] = {}


def written(text: str, /, **values: Any) -> Markup:
    """Return a text of a template, ``%(name)s`` in it filled in and escaped; what Jinja calls ``_``."""
    here = of_reader()
    if values:
        return Markup(here.translations.ugettext(text)) % values  # noqa: S704  the text is ours, the values are escaped
    known = _written.get((here.language, text))
    if known is None:
        # Jinja has every text read as a format, so that "%%" is one sign in all of them.
        known = _written[here.language, text] = Markup(here.translations.ugettext(text)) % {}  # noqa: S704
    return known


def init_app(app: Flask) -> None:
    """Let every text of ``app`` come from our catalogue; after Flask-Babel."""
    catalogue = extensions.babel.domain_instance = Catalogue()
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # by Jinja's own extension
        gettext=lambda text: catalogue.get_translations().ugettext(text),
        ngettext=lambda one, many, count: catalogue.get_translations().ungettext(one, many, count),
        newstyle=True,
        pgettext=lambda context, text: catalogue.get_translations().upgettext(context, text),
        npgettext=lambda context, one, many, count: catalogue.get_translations().unpgettext(context, one, many, count),
    )
    app.jinja_env.globals["_"] = written  # all its templates are pages, which escape
