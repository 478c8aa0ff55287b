"""The blueprint of the protocol's addresses, and what its views share. Authlib is imported late, with a request."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.core.errors import Invalid
from console.core.texts import lazy_gettext
from console.identity.oidc.metadata import issuer
from console.web.answers import wants_json
from console.web.navigation import MAX_PATH
from console.web.security import keep_private

if TYPE_CHECKING:
    from console.portal.oidc.server import OAuth2Error

oauth = Blueprint("oauth", __name__)

# What Authlib repeats in an error may have no other characters (RFC 6749, section 4.1.2.1).
_REPEATED = ("response_type", "client_id", "redirect_uri", "scope", "grant_type", "prompt", "response_mode")
_ALLOWED = frozenset(string.printable) - frozenset('"\\\t\n\r\x0b\x0c')


def require_readable() -> None:
    """Refuse what no application sends.

    Raises:
        Invalid: ``unreadable``: characters that no parameter has, or more than comes back from a sign-in.
    """
    if not is_readable() or len(request.full_path) > MAX_PATH:
        raise Invalid(lazy_gettext("The application sent a request that cannot be read."), code="unreadable")


def is_readable() -> bool:
    """Return whether the parameters have the characters that the protocol allows."""
    return not any(set(value) - _ALLOWED for name in _REPEATED for value in request.values.getlist(name))


def as_query(endpoint: str) -> str:
    """Return the address of a view with what was posted: only there does a browser send its cookies from elsewhere."""
    return f"{url_for(endpoint)}?{urlencode([*request.args.items(multi=True), *request.form.items(multi=True)])}"


def refused(error: OAuth2Error) -> ResponseReturnValue:
    """Answer a protocol error: to the application if its address is registered, otherwise to the person."""
    from console.portal.oidc.server import server  # late: see above

    if error.redirect_uri or wants_json():
        return with_issuer(server.handle_error_response(None, error))
    response = make_response(render_template("portal/sso/wrong.html", code=error.error), error.status_code)
    return keep_private(response)


def with_issuer(response: Response) -> Response:
    """Name us in what goes back to an application (RFC 9207), so that it is not mixed up with another provider."""
    from authlib.common.urls import add_params_to_uri  # late: see above

    if response.location:
        response.location = add_params_to_uri(response.location, {"iss": issuer()})
    return keep_private(response)
