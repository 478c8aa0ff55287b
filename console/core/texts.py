"""Texts in the language of whoever reads them: the one way in which the console asks for them.

Flask-Babel finds locale and catalogue anew for every text, and a page asks for hundreds. Here both are looked up
when the first text of a request is asked for, and again where the locale was changed meanwhile (``force_locale``,
``refresh``). What a function here is called, extracting texts knows it by.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from babel import support
from flask.globals import app_ctx
from flask_babel import Domain, get_locale
from flask_babel.speaklater import LazyString
from markupsafe import Markup, escape


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
    return _filled(of_reader().translations.ugettext(text), values)


def ngettext(one: str, many: str, count: int, /, **values: Any) -> str:
    """Return the text for a number of things; ``%(num)d`` in it is the number."""
    return _filled(of_reader().translations.ungettext(one, many, count), {"num": count, **values})


def pgettext(context: str, text: str, /, **values: Any) -> str:
    """Return a text that has several meanings, by its context."""
    return _filled(of_reader().translations.upgettext(context, text), values)


def _filled(translated: str, values: dict[str, Any]) -> str:
    """Return the text with its values in it.

    Where one of them is markup the whole is, and what is none is escaped: an amount drawn as ``<span>`` is never
    read as text, and a name never as markup.
    """
    if not values:
        return translated
    known = {name: value.now() if isinstance(value, LazyText) else value for name, value in values.items()}
    if any(isinstance(value, Markup) for value in known.values()):
        return escape(translated) % known
    return translated % known


class LazyText(LazyString):  # type: ignore[misc]  # Flask-Babel has no types
    """A text that is looked up when it is read. In a page it is escaped as any text is.

    Flask-Babel's own says that it is markup, which would let a value in it be read as such.
    """

    def __init__(self, look_up: Callable[..., str], *args: Any, **values: Any) -> None:
        super().__init__(look_up, *args, **values)
        self.now = partial(look_up, *args, **values)

    def __html__(self) -> str:
        return str(escape(self.now()))


def lazy_gettext(text: str, /, **values: Any) -> LazyString:
    """Return a text that is looked up when it is read."""
    return LazyText(gettext, text, **values)


def lazy_ngettext(one: str, many: str, count: int, /, **values: Any) -> LazyString:
    """Return the text for a number of things, looked up when it is read."""
    return LazyText(ngettext, one, many, count, **values)


def lazy_pgettext(context: str, text: str, /, **values: Any) -> LazyString:
    """Return a text that has several meanings, looked up when it is read."""
    return LazyText(pgettext, context, text, **values)
