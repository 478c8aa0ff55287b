"""Language and theme: chosen by the browser, kept per person once they choose."""

from __future__ import annotations

from flask import has_request_context, request, session
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from console.core.context import settings
from console.web.outage import do_without_database

LANGUAGES = {"sr_Latn": "Srpski", "en": "English"}
THEMES = ("light", "dark")
# Readers of these languages read our Serbian better than our English.
_SERBIAN = ("sr-Latn", "sr", "sr-RS", "sr-Latn-RS", "sh", "bs", "hr", "me", "cnr", "mk", "sl")


def choose_language() -> str:
    """Return the language of this request: the person's own, the browser's, the installation's."""
    if not has_request_context():
        return settings().locale
    chosen = _own("language") or session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    best = request.accept_languages.best_match([*_SERBIAN, "en", "en-US", "en-GB"])
    if best is None:
        return settings().locale
    return "en" if best.startswith("en") else "sr_Latn"


def choose_theme() -> str | None:
    """Return ``light``, ``dark``, or ``None`` for whatever the system says."""
    chosen = _own("theme") or session.get("theme")
    return str(chosen) if chosen in THEMES else None


def _own(name: str) -> str | None:
    settle_reader()
    if not current_user.is_authenticated:
        return None
    owner = current_user.staff or current_user.person
    value: str | None = getattr(owner, name)
    return value


def settle_reader() -> None:
    """Find the signed-in reader; ``None`` where the database does not answer: the page that says so needs no more."""
    try:
        _ = current_user.is_authenticated
    except SQLAlchemyError:
        do_without_database()
