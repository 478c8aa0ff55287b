"""One address, two answers: a page for people, JSON for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from flask import Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from console.core.context import settings
from console.core.errors import Busy, NotFound, Refusal, Text, TooMany
from console.core.texts import lazy_gettext
from console.web.locale import settle_reader


def wants_json() -> bool:
    """Tell whether the caller prefers JSON to a page."""
    accepted = request.accept_mimetypes
    return accepted["application/json"] > accepted["text/html"]


def local_time(instant: datetime | None) -> str | None:
    """Write ``instant`` for programs: RFC 3339 in the configured zone."""
    return None if instant is None else instant.astimezone(settings().zone).isoformat(timespec="seconds")


def problem(refusal: Refusal) -> dict[str, Any]:
    """Return the JSON body of an error."""
    error: dict[str, Any] = {"code": refusal.code, "message": str(refusal.message)}
    if refusal.fields:
        error["fields"] = {name: [str(text) for text in texts] for name, texts in refusal.fields.items()}
    return {"error": error | refusal.details}


def refuse(refusal: Refusal) -> Response:
    """Answer a refusal that no view answered itself."""
    settle_reader()
    if wants_json():
        response = jsonify(problem(refusal))
    else:
        response = Response(render_template("error.html", error=refusal, status=refusal.status))
    response.status_code = refusal.status
    if isinstance(refusal, TooMany | Busy):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def refuse_http(error: HTTPException) -> ResponseReturnValue:
    """Answer Flask's own errors (404, 405, a body too large, a missing CSRF token) in the same form."""
    if error.code is None or error.code < 400:
        return error
    response = refuse(HttpRefusal(error.code, error.name))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


class HttpRefusal(Refusal):
    """An error of the protocol, in our own words."""

    texts: ClassVar[dict[int, Text]] = {
        400: lazy_gettext("The form was out of date or incomplete. Nothing was changed; open the page again."),
        404: NotFound.default_message,
        405: lazy_gettext("This address does not take that kind of request."),
        413: lazy_gettext("That is too large. Nothing was stored."),
        429: TooMany.default_message,
        500: lazy_gettext("Something went wrong on our side. Nothing was changed."),
    }

    def __init__(self, status: int, name: str) -> None:
        super().__init__(self.texts.get(status, self.texts[500]), code=name.lower().replace(" ", "_"))
        self.status = status
