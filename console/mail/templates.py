"""Mail texts, from ``templates/mail/<name>.txt`` and ``.html``, in the receiver's language.

The first line of the text template is the subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask_babel import force_locale, gettext, ngettext
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from console.core import money

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "mail"
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
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["money"] = money.write
    return environment


def render(name: str, language: str, **values: Any) -> Rendered:
    """Render both parts of ``name``. Line breaks never reach the subject."""
    with force_locale(language):
        values["language"] = language
        whole = _environment().get_template(f"{name}.txt").render(values)
        html = _environment().get_template(f"{name}.html").render(values)
    subject, _, text = whole.partition("\n")
    return Rendered(" ".join(subject.split())[:MAX_SUBJECT], text.strip() + "\n", html)
