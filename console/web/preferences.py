"""Language, theme and single keys: kept with the person, for visitors in their cookie."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, jsonify, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user

from console.core import clock
from console.core.context import settings
from console.core.db import db
from console.core.errors import Invalid, Text
from console.core.sessions import find_live
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers.models import Person, PersonSession
from console.staff.models import Staff
from console.web.answers import wants_json
from console.web.identity import OAUTH, PERSON_TOKEN, PORTAL
from console.web.locale import LANGUAGES, THEMES
from console.web.navigation import local_path

blueprint = Blueprint("preferences", __name__)

SYSTEM = "system"  # the theme of the device
ALLOWED = {
    "language": tuple(LANGUAGES),
    "theme": (*THEMES, SYSTEM),
    "single_keys": ("on", "off"),
}


@blueprint.post("/preferences")
def save() -> ResponseReturnValue:
    """Take ``language``, ``theme``, ``single_keys`` (each may be missing), then go back to ``next``."""
    chosen = _chosen()
    back = local_path(request.form.get("next"), "/")
    owner = _owner(back)
    if owner is not None and chosen:
        with transaction():
            _keep(owner, chosen)
    for name in ("language", "theme"):
        if name in chosen:
            session[name] = chosen[name]  # also for the pages after signing out
    return jsonify(chosen) if wants_json() else redirect(back, 303)


def _chosen() -> dict[str, str]:
    chosen = {name: request.form[name] for name in ALLOWED if request.form.get(name)}
    wrong: dict[str, list[Text]] = {
        name: [lazy_gettext("Not a valid choice.")] for name, value in chosen.items() if value not in ALLOWED[name]
    }
    if wrong:
        raise Invalid(fields=wrong)
    return chosen


def _owner(back: str) -> Staff | Person | None:
    """Return whose choice it is: on the portal's pages the customer's, elsewhere staff's."""
    if back.startswith((PORTAL, OAUTH)):
        return _person()
    staff: Staff | None = current_user.staff if current_user.is_authenticated else None
    return staff


def _person() -> Person | None:
    token = session.get(PERSON_TOKEN)
    if not isinstance(token, str):
        return None
    idle = timedelta(minutes=settings().session_idle_minutes)
    row = find_live(db.session(), PersonSession, token, now=clock.now(), idle=idle)
    return row.person if row else None


def _keep(owner: Staff | Person, chosen: dict[str, str]) -> None:
    if "language" in chosen:
        owner.language = chosen["language"]
    if "theme" in chosen:
        owner.theme = None if chosen["theme"] == SYSTEM else chosen["theme"]
    if "single_keys" in chosen and isinstance(owner, Staff):
        owner.single_keys = chosen["single_keys"] == "on"
