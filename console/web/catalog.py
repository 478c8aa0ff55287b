"""The texts of a request's language, found once a request: a page asks for hundreds of them.

Flask-Babel finds locale and catalog anew for every text. Here both are looked up when the first text is asked
for, and again where the locale was changed meanwhile (``force_locale``, ``refresh``).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from babel import Locale, support
from flask import Flask, g
from flask_babel import Domain, get_locale
from markupsafe import Markup

from console import extensions
from console.web.locale import choose_language


class _Found:
    """What the first text of a request has found."""

    __slots__ = ("language", "locale", "translations")

    def __init__(self, locale: Any, translations: support.NullTranslations) -> None:
        self.locale = locale
        self.translations = translations
        self.language = "en" if str(locale).startswith("en") else "sr_Latn"


class Catalog(Domain):
    """Flask-Babel's domain, which remembers the catalog of a request."""

    def get_translations(self) -> support.NullTranslations:
        """Return the catalog of this request's language."""
        return _found(self).translations


def choose_locale() -> Locale:
    """Return the locale of this request."""
    return _parsed(choose_language())


@cache  # reading a locale's name takes longer than reading a row
def _parsed(name: str) -> Locale:
    return Locale.parse(name)


def language() -> str:
    """Return the language of this request: ``sr_Latn`` or ``en``."""
    return _found(None).language


def _found(domain: Catalog | None) -> _Found:
    try:
        held = vars(g._get_current_object())  # noqa: SLF001  (asked through the proxy, it costs more than the text)
    except RuntimeError:  # outside of an application: no language at all
        return _Found(get_locale(), support.NullTranslations())
    babel, found = held.get("_flask_babel"), held.get("_texts")
    if found is not None and babel is not None and found.locale is getattr(babel, "babel_locale", None):
        known: _Found = found
        return known
    catalog = domain or extensions.babel.domain_instance
    found = held["_texts"] = _Found(get_locale(), Domain.get_translations(catalog))
    return found


# Texts as pages write them, by language. They are what stands in the templates, so there is an end to them.
_written: dict[tuple[str, str], Markup] = {}


def written(text: str, /, **values: Any) -> Markup:
    """Return a text of a template, ``%(name)s`` in it filled in and escaped; what Jinja calls ``_``."""
    found = _found(None)
    if values:
        return Markup(found.translations.ugettext(text)) % values  # noqa: S704  the text is ours, the values are escaped
    known = _written.get((found.language, text))
    if known is None:
        # Jinja has every text read as a format, so that "%%" is one sign in all of them.
        known = _written[found.language, text] = Markup(found.translations.ugettext(text)) % {}  # noqa: S704
    return known


def init_app(app: Flask) -> None:
    """Let every text of ``app`` come from here; after Flask-Babel."""
    catalog = Catalog()
    extensions.babel.domain_instance = catalog
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # by Jinja's own extension
        gettext=lambda text: catalog.get_translations().ugettext(text),
        ngettext=lambda one, many, count: catalog.get_translations().ungettext(one, many, count),
        newstyle=True,
        pgettext=lambda context, text: catalog.get_translations().upgettext(context, text),
        npgettext=lambda context, one, many, count: catalog.get_translations().unpgettext(context, one, many, count),
    )
    app.jinja_env.globals["_"] = written  # all its templates are pages, which escape
