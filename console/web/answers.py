"""One address, two answers: a page for people, JSON for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar

from flask import Response, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from console.core.context import settings
from console.core.errors import (
    Failed,
    NoSpace,
    NotFound,
    Refusal,
    SignInNeeded,
    Text,
    TooMany,
    Unavailable,
    after_storing,
)
from console.core.texts import lazy_gettext
from console.core.transaction import may_have_stored, transaction
from console.web.locale import settle_reader
from console.web.outage import do_without_database

Saved = TypeVar("Saved")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SECRET = re.compile(r"password|secret|(^|_)(code|pin|(?<!csrf_)token)(_|$)")
MOST_TYPED = 200_000  # characters that an error page shows again


def wants_json() -> bool:
    """Return whether the caller prefers JSON to a page."""
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def is_htmx() -> bool:
    """Return whether htmx asks, for a part to put into the page that is open."""
    return request.headers.get("HX-Request") == "true"


def answer_event(event: str, payload: dict[str, Any], body: str = "", status: int = 200) -> Response:
    """Answer htmx: ``body`` is put in place, and the page hears ``event`` where its request began."""
    return Response(body, status, {"HX-Trigger": json.dumps({event: payload})})


def local_time(instant: datetime | None) -> str | None:
    """Write ``instant`` for programs: RFC 3339 in the configured zone."""
    return None if instant is None else instant.astimezone(settings().zone).isoformat(timespec="seconds")


def reason(refusal: Refusal) -> str:
    """Return what is wrong, in words: with the fields, or with the whole."""
    texts = [str(text) for found in refusal.fields.values() for text in found if str(text)]
    return " ".join(texts) or str(refusal.message)


def problem(refusal: Refusal) -> dict[str, Any]:
    """Return the JSON body of an error."""
    return {"error": refusal.to_payload()}


def refuse(refusal: Refusal) -> Response:
    """Answer a refusal that no view answered itself."""
    if request.method not in SAFE and may_have_stored():
        refusal = after_storing(refusal)
    if isinstance(refusal, Unavailable):
        do_without_database()
    else:
        settle_reader()
    if wants_json():
        response = jsonify(problem(refusal))
    elif is_htmx():
        response = answer_event("refused", {"code": refusal.code, "message": reason(refusal), "drawn": False})
        response.headers["HX-Reswap"] = "none"
        if isinstance(refusal, SignInNeeded):
            response.headers["HX-Refresh"] = "true"
    else:
        entered = typed() if isinstance(refusal, Unavailable | NoSpace | Failed) else None
        response = Response(render_template("error.html", error=refusal, status=refusal.status, typed=entered))
    response.status_code = refusal.status
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def send_back(refusal: Refusal, url: str) -> ResponseReturnValue:
    """Answer a refusal of what a button did, which has no form to show it at: its page says why, programs are told."""
    if wants_json() or refusal.status == 404:
        return refuse(refusal)
    flash(reason(refusal), "error")
    return redirect(url, 303)


class VersionedForm(Protocol):
    """A form about something that has versions, as a zone."""

    def require(self) -> int:
        """Return the version that was looked at."""

    def show(self, refusal: Refusal) -> None:
        """Put a refusal's messages at the fields they are about."""


def save_version(
    form: VersionedForm,
    verb: Callable[[int], Saved],
    *,
    page: Callable[[], str],
    done: Callable[[Saved], ResponseReturnValue],
) -> ResponseReturnValue:
    """Carry out a verb on the version that a form was filled in for; refused, the form keeps what was typed.

    Args:
        page: draws the form on what there is now.
        done: answers where it was saved.
    """
    try:
        version = form.require()
        with transaction():
            saved = verb(version)
    except Refusal as refusal:
        if wants_json() or refusal.status == 404:
            return refuse(refusal)
        form.show(refusal)
        return Response(page(), refusal.status)
    return done(saved)


@dataclass(frozen=True)
class Typed:
    """What came with a form that could not be stored: the page shows it, so that it is not lost."""

    texts: list[str]  # as they were written
    again: list[tuple[str, str]]  # every field, where the same form may be sent again from here


def typed() -> Typed | None:
    """Return what was typed, without secrets; ``None`` where nothing was."""
    if request.method in SAFE:
        return None
    try:
        fields, files = list(request.form.items(multi=True)), any(one.filename for one in request.files.values())
    except (HTTPException, OSError):  # it could not even be read
        return None
    secret = any(SECRET.search(name) for name, _value in fields)
    texts = [value for name, value in fields if " " in value.strip() and not SECRET.search(name)]
    small = sum(len(value) for _name, value in fields) <= MOST_TYPED
    return Typed(texts if small else [], fields if small and not secret and not files else [])


def refuse_http(error: HTTPException) -> ResponseReturnValue:
    """Answer Flask's own errors (404, 405, a body too large, a missing CSRF token) in the same form."""
    if error.code is None or error.code < 400:
        return error
    failed = error.code == 500
    response = refuse(Failed(code="internal_server_error") if failed else HttpRefusal(error.code, error.name))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


class HttpRefusal(Refusal):
    """An error of the protocol, in our own words."""

    texts: ClassVar[dict[int, Text]] = {
        400: lazy_gettext("The form has expired or is incomplete. Nothing was changed; reload the page."),
        404: NotFound.default_message,
        405: lazy_gettext("This kind of request is not allowed here."),
        413: lazy_gettext("This is too large. Nothing was saved."),
        429: TooMany.default_message,
    }

    def __init__(self, status: int, name: str) -> None:
        super().__init__(self.texts.get(status, Failed.default_message), code=name.lower().replace(" ", "_"))
        self.status = status
