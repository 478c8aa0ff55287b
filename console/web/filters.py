"""How times, amounts and names are written in templates."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from babel.dates import format_date
from flask import Flask, g
from markupsafe import Markup, escape

from console.core import clock, money
from console.core.context import settings
from console.core.text import initials, same_name
from console.core.texts import gettext, ngettext
from console.settings.sections import countries
from console.web import catalog, locale
from console.web.addresses import url_for
from console.web.cookies import read_cookie

MINUTE, HOUR, DAY = 60, 3600, 86_400


def language() -> str:
    """Return the language of this request: ``sr_Latn`` or ``en``."""
    return catalog.language()


def day(value: date | datetime | None) -> str:
    """Write a calendar day: ``23.11.2026.``, in English ``23 Nov 2026``."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = clock.local_date(value, settings().zone)
    return f"{value:%d.%m.%Y.}" if language() == "sr_Latn" else f"{value.day} {value:%b %Y}"


def moment(value: datetime | None) -> str:
    """Write an instant in the configured zone, to the minute."""
    if value is None:
        return "—"
    local = value.astimezone(settings().zone)
    return f"{day(local.date())} {local:%H:%M}"


def today_words() -> str:
    """Write today in full, as in ``Ponedeljak, 23. novembar 2026.``, in the configured zone."""
    return day_in_words(clock.local_date(clock.now(), settings().zone))


def day_in_words(value: date) -> str:
    """Write a day in full: ``Ponedeljak, 23. novembar 2026.``, in English ``Monday, 23 November 2026``."""
    return _day_in_words(value, language())


@lru_cache(maxsize=1_000)  # every entry of a conversation stands under its day
def _day_in_words(value: date, language: str) -> str:
    pattern = "EEEE, d. MMMM y." if language == "sr_Latn" else "EEEE, d MMMM y"
    text = format_date(value, pattern, locale=language)
    return text[:1].upper() + text[1:]


def hour(value: datetime) -> str:
    """Write the time of day."""
    return f"{value.astimezone(settings().zone):%H:%M}"


def ago(value: datetime | None) -> Markup:
    """Write a relative time, the exact one in ``title`` and ``datetime``."""
    if value is None:
        return Markup("—")
    exact = value.astimezone(settings().zone).isoformat(timespec="seconds")  # nothing in it needs to be escaped
    return Markup(f'<time datetime="{exact}" title="{moment(value)}">{escape(relative(value))}</time>')


def relative(value: datetime) -> str:
    """Write how far ``value`` is from now, in words; a day or more away, the date, with its year if it is another."""
    seconds = int((value - clock.now()).total_seconds())
    future, seconds = seconds > 0, abs(seconds)
    if seconds < MINUTE:
        return gettext("in a moment") if future else gettext("just now")
    if seconds < HOUR:
        count = seconds // MINUTE
        if future:
            return ngettext("in %(num)d min", "in %(num)d min", count)
        return ngettext("%(num)d min ago", "%(num)d min ago", count)
    if seconds < DAY:
        count = seconds // HOUR
        if future:
            return ngettext("in %(num)d hour", "in %(num)d hours", count)
        return ngettext("%(num)d hour ago", "%(num)d hours ago", count)
    return _within_the_year(value) or moment(value)


def _within_the_year(value: datetime) -> str | None:
    """Return ``27.11. 15:30``, in English ``27 Nov 15:30``; ``None`` for another year than this."""
    local = value.astimezone(settings().zone)
    if local.year != clock.now().astimezone(settings().zone).year:
        return None
    return f"{local:%d.%m. %H:%M}" if language() == "sr_Latn" else f"{local.day} {local:%b %H:%M}"


def amount(value: int, currency: str = "") -> Markup:
    """Write an amount so that columns line up."""
    return Markup('<span class="num">{}</span>').format(money.write(value, currency, language()))


def icon(name: str, extra: str = "") -> Markup:
    """Draw one of ``static/lib/icons.svg``, hidden from screen readers, because a word is next to it."""
    icons: str | None = getattr(g, "icons", None)
    if icons is None:
        icons = g.icons = url_for("static", filename="lib/icons.svg")  # a page draws a hundred of them
    return _icon(icons, name, extra)


@lru_cache(maxsize=1_000)
def _icon(icons: str, name: str, extra: str) -> Markup:
    return Markup(f'<svg class="icon {escape(extra)}" aria-hidden="true"><use href="{icons}#{escape(name)}"/></svg>')


def masked(size: str = "") -> Markup:
    """Draw what is not opened: the value is not in the page at all."""
    css = f" masked-{size}" if size else ""
    return Markup('<span class="masked{}"><span class="sr-only">{}</span></span>').format(
        css, gettext("Hidden until verified")
    )


def country_name(code: str) -> str:
    """Return a country in the reader's language."""
    return countries().get(code, code)


def init_filters(app: Flask) -> None:
    """Give templates their filters and globals."""
    app.jinja_env.filters.update(
        day=day,
        moment=moment,
        hour=hour,
        ago=ago,
        relative=relative,
        amount=amount,
        initials=initials,
        country_name=country_name,
    )
    app.jinja_env.tests["same_name"] = same_name
    app.jinja_env.globals.update(
        read_cookie=read_cookie,
        icon=icon,
        masked=masked,
        settings=settings,
        language=language,
        languages=locale.LANGUAGES,
        chosen_theme=locale.choose_theme,  # Flask-Admin gives its pages a "theme" of its own
        now=clock.now,
        today_words=today_words,
        escape=escape,
        url_for=url_for,
    )
