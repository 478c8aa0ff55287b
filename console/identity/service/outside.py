"""Staff's sign-in through an OpenID provider outside, where the settings name one.

It stands for the password alone: who signs in there with the verified address of an active account goes on to our own
second step. No account is made, and roles stay ours. Discovery, PKCE, state and nonce are Authlib's and joserfc's work;
they are loaded with the first use.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from console.audit.service import record
from console.core.actor import Actor
from console.core.context import settings
from console.core.emails import normal_email
from console.core.errors import Invalid, SignInNeeded
from console.core.ids import new_token
from console.core.logging import get_logger
from console.core.texts import lazy_gettext
from console.staff.queries import staff_by_email
from console.staff.signin import Pending, pending_of

log = get_logger(__name__)

CALLBACK = "/login/oidc/callback"
TIMEOUT = 10.0
MAX_ANSWER = 500_000
ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA")  # public keys alone: never ``none``, never a shared secret
LEEWAY = 120  # seconds by which the two clocks may differ


@dataclass(frozen=True)
class Begun:
    """What must come back with the person, kept in their cookie, and where they are sent."""

    url: str
    state: str
    nonce: str
    verifier: str


class Refused(Exception):
    """The provider's answer cannot be used; the reason goes to the log, not to the visitor."""


def is_configured() -> bool:
    """Return whether staff may come from outside."""
    return bool(settings().staff_oidc_issuer and settings().staff_oidc_client_id)


def begin() -> Begun:
    """Return where to send someone who signs in. Asks the provider: call outside of a transaction.

    Raises:
        Invalid: ``outside``: it does not answer.
    """
    state, nonce, verifier = new_token(), new_token(), new_token()
    try:
        client, metadata = _client(), _metadata()
        url, _state = client.create_authorization_url(
            _endpoint(metadata, "authorization_endpoint"), state=state, nonce=nonce, code_verifier=verifier
        )
    except (Refused, OSError, ValueError) as error:
        log.warning("outside sign-in not begun", error=type(error).__name__, reason=_reason(error))
        raise _failed() from error
    return Begun(str(url), state, nonce, verifier)


def finish(begun: Begun, answer: Mapping[str, str]) -> str:
    """Return the verified address that the provider vouches for. Asks it: call outside of a transaction.

    Args:
        answer: the parameters that came back with the person.

    Raises:
        Invalid: ``outside``: whatever was wrong, in one and the same words.
    """
    from authlib.oauth2 import OAuth2Error  # late: see above
    from joserfc.errors import JoseError

    try:
        metadata = _metadata()
        if answer.get("iss", metadata["issuer"]) != metadata["issuer"] or answer.get("state") != begun.state:
            raise Refused("another provider's answer, or to another question")
        token = _client().fetch_token(
            _endpoint(metadata, "token_endpoint"),
            code=answer.get("code", ""),
            grant_type="authorization_code",
            code_verifier=begun.verifier,
        )
        return _verified_address(_claims(metadata, token, begun.nonce))
    except (Refused, OAuth2Error, JoseError, OSError, ValueError, KeyError, TypeError) as error:
        log.warning("outside sign-in refused", error=type(error).__name__, reason=_reason(error))
        raise _failed() from error


def enter(email: str, address: str | None) -> Pending:
    """Return the sign-in of the active account with an address that was verified outside, to go on with.

    Raises:
        Invalid: ``outside``: there is none.
    """
    staff = staff_by_email(normal_email(email))
    if staff is None or not staff.active:
        raise _failed()
    record(staff.actor(address), "staff.came_from_outside", staff.email, issuer=settings().staff_oidc_issuer)
    return pending_of(staff)


def note_failure(address: str | None) -> None:
    """Write a refused sign-in to the audit log; whose it was is not known."""
    visitor = Actor(kind="visitor", id=None, name="", address=address)
    record(visitor, "staff.sign_in_failed", "unknown", issuer=settings().staff_oidc_issuer)


def lapsed() -> SignInNeeded:
    """Return the refusal of an answer to which nothing was asked in this browser."""
    return SignInNeeded(lazy_gettext("This took too long. Sign in again."), code="sign_in_again")


def _claims(metadata: Mapping[str, Any], token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
    """Return what an ID token says, once all that OpenID Connect asks for holds."""
    from authlib.oidc.core import CodeIDToken  # late: see above
    from joserfc import jwt
    from joserfc.jwk import KeySet

    keys = KeySet.import_key_set(_get(_endpoint(metadata, "jwks_uri")))  # type: ignore[arg-type]
    decoded = jwt.decode(str(token["id_token"]), keys, algorithms=list(ALGORITHMS))
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        {
            "iss": {"essential": True, "values": [metadata["issuer"]]},
            "aud": {"essential": True, "values": [settings().staff_oidc_client_id]},
            "nonce": {"essential": True, "values": [nonce]},
        },
        {"nonce": nonce, "client_id": settings().staff_oidc_client_id, "access_token": token.get("access_token")},
    )
    claims.validate(leeway=LEEWAY)
    return dict(claims)


def _verified_address(claims: Mapping[str, Any]) -> str:
    email = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(email, str):
        raise Refused("no verified address")
    return email


def _metadata() -> dict[str, Any]:
    issuer = settings().staff_oidc_issuer or ""
    found = _get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise Refused("the discovery names another issuer")
    return found


def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
    """Return an address of the provider's, of the same kind as its own: never a plain one behind an https one."""
    url, issuer = str(metadata[name]), settings().staff_oidc_issuer or ""
    if urlsplit(url).scheme not in ("https", urlsplit(issuer).scheme):
        raise Refused(f"{name} is no address to trust")
    return url


def _client() -> Any:
    from authlib.oauth2.client import OAuth2Client  # late: see above

    return OAuth2Client(
        _Session(),
        client_id=settings().staff_oidc_client_id,
        client_secret=settings().staff_oidc_client_secret,
        scope="openid email",
        redirect_uri=settings().base_url + CALLBACK,
        code_challenge_method="S256",
    )


class _Answer:
    """What Authlib's client reads of an answer."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status_code, self.body = status, body

    def json(self) -> Any:
        return json.loads(self.body)

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise Refused(f"answered {self.status_code}")


class _Session:
    """The one call that Authlib's client makes of its session, over the standard library."""

    def post(self, url: str, data: Any, headers: Mapping[str, str], auth: Any) -> _Answer:
        url, prepared, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return _send(Request(url, body.encode(), prepared, method="POST"))  # noqa: S310  https, or this machine: settings


class _NoRedirect(HTTPRedirectHandler):
    """A provider's endpoints are where the discovery says they are."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Follow none."""


def _get(url: str) -> dict[str, Any]:
    answer = _send(Request(url, headers={"Accept": "application/json"}))  # noqa: S310  as above
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise Refused("no JSON object")
    return found


def _send(request: Request) -> _Answer:
    try:
        with build_opener(ProxyHandler({}), _NoRedirect()).open(request, timeout=TIMEOUT) as response:
            return _Answer(response.status, response.read(MAX_ANSWER))
    except HTTPError as error:
        with error:
            return _Answer(error.code, error.read(MAX_ANSWER))
    except URLError as error:
        raise Refused(str(error.reason)) from error


def _reason(error: Exception) -> str:
    """Return what may be logged: our own words, never an answer that could hold a token."""
    return str(error)[:200] if isinstance(error, Refused) else ""


def _failed() -> Invalid:
    return Invalid(
        lazy_gettext(
            "Signing in through your company’s provider did not work. Try again, or sign in with your password."
        ),
        code="outside",
    )
