"""Texts in the language of their reader: the one way in which the console asks for them.

Flask-Babel looks locale and catalogue up for every text, and a page has hundreds. Here both are looked up with the
first text of a request and kept in ``g``. ``in_language`` looks them up again, which is why it, and not Flask-Babel's
``force_locale``, is what changes the language. Extracting texts knows these functions by their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from babel import Locale, support
from flask import g
from flask_babel import force_locale, get_locale, get_translations
from flask_babel.speaklater import LazyString
from markupsafe import Markup, escape


class Reader(NamedTuple):
    """What the texts of a request are written for. ``language`` is ``sr_Latn`` or ``en``."""

    language: str
    translations: support.NullTranslations


def of_reader() -> Reader:
    """Return the language of this request, and its texts."""
    try:
        reader: Reader | None = getattr(g, "reader", None)
    except RuntimeError:  # there is no request, and no command either
        return _find_reader()
    if reader is None:
        reader = g.reader = _find_reader()
    return reader


def _find_reader() -> Reader:
    locale: Locale | None = get_locale()
    return Reader("en" if locale is not None and locale.language == "en" else "sr_Latn", get_translations())


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Write texts, dates and numbers in ``language`` until the end of the block."""
    reader = g.pop("reader", None)
    try:
        with force_locale(language):
            yield
    finally:
        g.reader = reader


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
    """A text that is looked up when it is read. In a page it is escaped like any text.

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
