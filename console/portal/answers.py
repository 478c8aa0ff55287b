"""What several pages answer: a form that was refused, a mailed link that no longer works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, make_response, render_template

from console.core.errors import NotFound, Refusal
from console.portal.forms import PortalForm
from console.web.answers import refuse, wants_json
from console.web.security import keep_private


def show_again(refusal: Refusal, form: PortalForm, page: Callable[[], str | Response]) -> Response:
    """Answer a refusal with the page of its form.

    Args:
        page: draws the page; called after the messages are at their fields.
    """
    if wants_json():
        return refuse(refusal)
    form.show(refusal)
    response = make_response(page())
    response.status_code = refusal.status
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def link_gone(template: str = "portal/link_gone.html", **values: Any) -> Response:
    """Answer for a mailed link that was used, revoked, is too old, or never was.

    Raises:
        NotFound: ``link_gone``, to a program.
    """
    if wants_json():
        raise NotFound(code="link_gone")
    return keep_private(make_response(render_template(template, **values), NotFound.status))
