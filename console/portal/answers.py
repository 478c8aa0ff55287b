"""A form that was refused: shown again with what was typed, or told to a program."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, make_response

from console.core.errors import Refusal
from console.portal.forms import PortalForm
from console.web.answers import refuse, wants_json


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
