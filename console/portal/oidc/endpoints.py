"""What applications ask: who we are, a token for a code, who a token is about."""

from __future__ import annotations

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from console.core.addresses import source
from console.core.transaction import transaction
from console.extensions import csrf
from console.identity.oidc import keys, metadata
from console.portal.oidc.blueprint import is_readable, oauth, refused
from console.web import limits
from console.web.limits import Limit

# Failures only: each guesses a secret, a code or a token of 256 bits, so that this saves work alone.
TOKENS = Limit("sso-token", 120, 15 * limits.MINUTE, shared=True)
USERINFO = Limit("sso-userinfo", 120, 15 * limits.MINUTE, shared=True)


@oauth.get("/.well-known/openid-configuration")
def configuration() -> ResponseReturnValue:
    """Answer with the discovery document."""
    return _public(jsonify(metadata.configuration()))


@oauth.get("/oauth/jwks")
def jwks() -> ResponseReturnValue:
    """Publish the keys that verify."""
    return _public(jsonify(keys.public_set()))


@oauth.post("/oauth/token")
@csrf.exempt  # no cookie is read: an application shows its secret, a code or a refresh token
def token() -> ResponseReturnValue:
    """Exchange a code or a refresh token."""
    from console.portal.oidc.server import InvalidRequestError, OAuth2Error, server  # late: see blueprint

    if not is_readable():
        return server.handle_error_response(None, InvalidRequestError())
    limits.count(TOKENS, source(request.remote_addr))
    keys.signing_key()
    try:
        with transaction():  # commits a refusal too: what was shown twice ends its family
            response: Response = server.create_token_response()
    except OAuth2Error as error:
        return refused(error)
    return _answer(response, TOKENS)


@oauth.route("/oauth/userinfo", methods=["GET", "POST"])
@csrf.exempt  # no cookie is read: what opens it is the access token
def userinfo() -> ResponseReturnValue:
    """Say whom an access token is about."""
    from console.portal.oidc.server import OAuth2Error, server  # late: see blueprint

    limits.count(USERINFO, source(request.remote_addr))
    try:
        response: Response = server.create_endpoint_response("userinfo")
    except OAuth2Error as error:
        return refused(error)
    return _answer(response, USERINFO)


def _answer(response: Response, limit: Limit) -> Response:
    if response.status_code < 400:
        limits.give_back(limit, source(request.remote_addr))
    response.headers["Cache-Control"] = "no-store"
    return response


def _public(response: Response) -> Response:
    """Let it be remembered for a few minutes: less than the time for which a new key waits."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
