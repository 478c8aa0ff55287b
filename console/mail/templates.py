"""Mail texts, from ``templates/mail/<name>.txt`` and ``.html``, in the receiver's language.

The first line of the text template is the subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask_babel import get_locale
from jinja2 import Environment, FileSystemLoader, StrictUndefined, meta, select_autoescape

from console.core import money
from console.core.context import settings
from console.core.places import TEMPLATES
from console.core.texts import gettext, in_language, of_reader, pgettext

FOLDER = TEMPLATES / "mail"
MAX_SUBJECT = 200


@dataclass(frozen=True)
class Rendered:
    subject: str
    text: str
    html: str


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(gettext, _plural, newstyle=True, pgettext=pgettext)  # type: ignore[attr-defined]
    environment.filters.update(money=money.write, day=_day, moment=_moment)
    return environment


def names() -> tuple[str, ...]:
    """Return every mail there is, by the name of its templates; what others are only built from is none."""
    environment, files = _environment(), {path.name for path in FOLDER.iterdir()}
    parts: set[str | None] = set()
    for file in files:
        source = (FOLDER / file).read_text(encoding="utf-8")
        parts.update(meta.find_referenced_templates(environment.parse(source)))
    return tuple(sorted({Path(file).stem for file in files - parts}))


def _plural(singular: str, plural: str, count: int) -> str:
    """Choose the form; Jinja fills it in, where Flask-Babel's own ``ngettext`` would do so too early."""
    text: str = of_reader().translations.ungettext(singular, plural, count)
    return text


def _day(value: date) -> str:
    """Write a calendar day in the mail's language: ``23.11.2026.``, ``23 Nov 2026``."""
    return f"{value.day} {value:%b %Y}" if str(get_locale()).startswith("en") else f"{value:%d.%m.%Y.}"


def _moment(value: datetime) -> str:
    """Write an instant in the configured zone, to the minute."""
    local = value.astimezone(settings().zone)
    return f"{_day(local.date())} {local:%H:%M}"


def render(template: str, language: str, /, **values: Any) -> Rendered:
    """Render both parts of ``template``. Line breaks never reach the subject."""
    with in_language(language):
        values["language"] = language
        whole = _environment().get_template(f"{template}.txt").render(values)
        html = _environment().get_template(f"{template}.html").render(values)
    subject, _, text = whole.partition("\n")
    return Rendered(" ".join(subject.split())[:MAX_SUBJECT], f"{text.strip()}\n{_help_links(language, values)}", html)


def _help_links(language: str, values: dict[str, Any]) -> str:
    """Return what is under every text, as ``base.html`` has it under every page."""
    address = f"{values['base_url']}/help/"
    with in_language(language):
        return f"\n{gettext('Help')}: {address}\n{gettext('Privacy')}: {address}privacy\n"
