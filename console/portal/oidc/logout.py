"""An application ends the session here too: at once with an ID token of this person, else the person is asked."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from console.core.transaction import transaction
from console.extensions import csrf
from console.identity.oidc import applications, families
from console.portal.blueprint import portal, signed_in
from console.portal.oidc.blueprint import as_query, oauth, refused
from console.portal.signin import end_session_here
from console.web.identity import current_person
from console.web.navigation import MAX_LOCATION
from console.web.security import allow_form_action, keep_private


@oauth.route("/oauth/end-session", methods=["GET", "POST"])
@csrf.exempt  # a POST changes nothing: it leads to the GET
def end_session() -> ResponseReturnValue:
    """End the session of the person whom the ID token names; ask where there is none, or it names another."""
    from console.portal.oidc.server import OAuth2Error  # late: see blueprint

    if request.method == "POST":
        target = as_query("oauth.end_session")
        return redirect(target if len(target) <= MAX_LOCATION else url_for("oauth.end_session"), 303)
    try:
        ending = _read()
    except OAuth2Error as error:
        return refused(error)
    if not current_user.is_authenticated:
        return _done(ending)
    claims = ending.id_token_claims or {}
    if claims.get("sub") == str(current_person().id):
        return _end(ending)
    if ending.redirect_uri:
        allow_form_action(applications.origin(ending.redirect_uri))
    query = request.query_string.decode("ascii", "replace")
    return keep_private(make_response(render_template("portal/sso/end.html", query=query)))


@portal.post("/sso/end")
@signed_in
def confirm_end() -> ResponseReturnValue:
    """End the session after the person confirmed."""
    from console.portal.oidc.server import OAuth2Error  # late: see blueprint

    try:
        return _end(_read())
    except OAuth2Error as error:
        return refused(error)


def _read() -> Any:
    """Return what is asked for.

    Raises:
        OAuth2Error: the ID token is none of ours.
    """
    from console.portal.oidc.server import InvalidRequestError, server  # late: see blueprint

    try:
        return server.validate_endpoint_request("end_session")
    except ValueError as error:  # it is no token at all
        raise InvalidRequestError from error


def _end(ending: Any) -> Response:
    """End the session, and what the application held through it."""
    person_id = current_person().id
    if ending.client is not None:
        with transaction():
            families.end_online(person_id, ending.client.application.id)
    end_session_here()
    return _done(ending)


def _done(ending: Any) -> Response:
    target = ending.redirect_uri or url_for("portal.login", bye=1)
    return keep_private(make_response(redirect(target, 303)))
