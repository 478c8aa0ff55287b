"""Texts in the language of whoever reads them: the one way in which the console asks for them.

Flask-Babel finds locale and catalogue anew for every text, and a page asks for hundreds. Here both are looked up
when the first text of a request is asked for, and again where the locale was changed meanwhile (``force_locale``,
``refresh``). What a function here is called, extracting texts knows it by.
"""

from __future__ import annotations

from typing import Any

from babel import support
from flask.globals import app_ctx
from flask_babel import Domain, get_locale
from flask_babel.speaklater import LazyString


class Reader:
    """What the first text of a request has found. ``language`` is ``sr_Latn`` or ``en``."""

    __slots__ = ("language", "locale", "translations")

    def __init__(self, locale: Any, translations: support.NullTranslations) -> None:
        self.locale = locale
        self.translations = translations
        self.language = "en" if str(locale).startswith("en") else "sr_Latn"


_CATALOGUE = Domain()


def _held() -> dict[str, Any]:
    """Return what this context holds; asked through the proxy, each name would cost more than a text."""
    context: Any = app_ctx
    held: dict[str, Any] = vars(context._get_current_object().g)  # noqa: SLF001
    return held


def of_reader() -> Reader:
    """Return the language of this request, and its texts."""
    try:
        held = _held()
    except RuntimeError:  # outside of an application: no language at all
        return Reader(get_locale(), support.NullTranslations())
    babel, known = held.get("_flask_babel"), held.get("_texts")
    if known is not None and babel is not None and known.locale is getattr(babel, "babel_locale", None):
        remembered: Reader = known
        return remembered
    fresh = held["_texts"] = Reader(get_locale(), _CATALOGUE.get_translations())
    return fresh


def gettext(text: str, /, **values: Any) -> str:
    """Return a text, ``%(name)s`` in it filled in."""
    translated: str = of_reader().translations.ugettext(text)
    return translated % values if values else translated


def ngettext(one: str, many: str, count: int, /, **values: Any) -> str:
    """Return the text for a number of things; ``%(num)d`` in it is the number."""
    translated: str = of_reader().translations.ungettext(one, many, count)
    return translated % {"num": count, **values}


def pgettext(context: str, text: str, /, **values: Any) -> str:
    """Return a text that has several meanings, by its context."""
    translated: str = of_reader().translations.upgettext(context, text)
    return translated % values if values else translated


def lazy_gettext(text: str, /, **values: Any) -> LazyString:
    """Return a text that is looked up when it is read."""
    return LazyString(gettext, text, **values)


def lazy_ngettext(one: str, many: str, count: int, /, **values: Any) -> LazyString:
    """Return the text for a number of things, looked up when it is read."""
    return LazyString(ngettext, one, many, count, **values)


def lazy_pgettext(context: str, text: str, /, **values: Any) -> LazyString:
    """Return a text that has several meanings, looked up when it is read."""
    return LazyString(pgettext, context, text, **values)
