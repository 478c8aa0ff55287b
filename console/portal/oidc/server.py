"""Authlib's provider over our verbs. Imported with the first request for it: Authlib takes long to load.

Each subclass does what Authlib documents to be implemented; nothing here writes but through ``console.identity.oidc``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import ClientMixin, InvalidRequestError, TokenMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator, BearerTokenValidator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.core.models import AuthorizationCodeMixin as OpenIDCodeMixin
from authlib.oidc.core.userinfo import UserInfoEndpoint
from authlib.oidc.rpinitiated import EndSessionEndpoint
from flask import request as flask_request
from joserfc.jwk import KeySet, RSAKey

from console.core import clock
from console.core.actor import Actor
from console.core.ids import same_token, token_digest
from console.identity.oidc import applications, keys, tokens
from console.identity.oidc.metadata import AUTH_METHODS, issuer
from console.identity.oidc.models import SsoApplication, SsoCode, SsoGrant, SsoToken

MAX_SECRET = 200
LOCALES = {"sr_Latn": "sr-Latn", "en": "en"}


@dataclass(frozen=True)
class GrantUser:
    """What Authlib calls the resource owner: a grant, and when its person last showed who they are."""

    grant: SsoGrant
    authenticated_at: datetime


class Client(ClientMixin):
    """An application as Authlib asks about it."""

    def __init__(self, application: SsoApplication) -> None:
        self.application = application
        self.client_metadata = {"post_logout_redirect_uris": application.post_logout_uris}

    def get_client_id(self) -> str:
        return self.application.client_id

    def get_default_redirect_uri(self) -> None:
        """Return none: the address is always named in the request."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """Return what it may have of what it asks for; none without ``openid``."""
        named = (scope or "").split()
        if "openid" not in named:
            return None
        return " ".join(one for one in applications.SCOPES if one in named and one in self.application.scopes)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.application.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        digest = self.application.secret_digest
        return (
            digest is not None and len(client_secret) <= MAX_SECRET and same_token(token_digest(client_secret), digest)
        )

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return (method == "none") is self.application.is_public

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


class Code(OpenIDCodeMixin):
    """A stored code as Authlib asks about it."""

    code_challenge_method = "S256"

    def __init__(self, row: SsoCode) -> None:
        self.row = row
        self.code_challenge = row.challenge

    def get_redirect_uri(self) -> str:
        return self.row.redirect_uri

    def get_scope(self) -> str:
        return self.row.scope

    def get_nonce(self) -> str | None:
        return self.row.nonce

    def get_auth_time(self) -> int:
        """Return it by the clock that the application has too."""
        ago = clock.now() - self.row.authenticated_at
        return int((clock.machine_now() - ago).timestamp())


class Token(TokenMixin):
    """A stored token as Authlib asks about it; only ones that count are ever found."""

    def __init__(self, row: SsoToken) -> None:
        self.row = row
        self.scope = row.scope

    def check_client(self, client: Client) -> bool:
        return self.row.code.grant.application_id == client.application.id

    def get_scope(self) -> str:
        return self.row.scope

    def get_user(self) -> SsoGrant:
        return self.row.code.grant

    def get_client(self) -> Client:
        return Client(self.row.code.grant.application)

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return False


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code, the only way in."""

    TOKEN_ENDPOINT_AUTH_METHODS = list(AUTH_METHODS)

    @staticmethod
    def validate_authorization_redirect_uri(request: Any, client: Client) -> str:
        """Return the address, if it is registered to the letter. Otherwise nothing is sent anywhere."""
        uri: str = request.payload.redirect_uri or ""
        if not client.check_redirect_uri(uri):
            raise InvalidRequestError("The redirect_uri is not registered for this application.")
        return uri

    def generate_authorization_code(self) -> str:
        return tokens.new_secret()

    def save_authorization_code(self, code: str, request: Any) -> None:
        user: GrantUser = request.user
        data = request.payload.data
        said = tokens.Request(
            redirect_uri=request.payload.redirect_uri,
            scope=request.scope,
            challenge=data["code_challenge"],
            nonce=data.get("nonce") or None,
        )
        tokens.issue_code(code, user.grant, said, user.authenticated_at)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        row = tokens.find_code(_sender(), code, client.application.id)
        return Code(row) if row is not None else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        tokens.use_code(authorization_code.row)

    def authenticate_user(self, authorization_code: Code) -> SsoGrant:
        return authorization_code.row.grant

    def generate_token(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add a refresh token only where ``offline_access`` was granted."""
        offline = "offline_access" in str(kwargs.get("scope")).split()
        kwargs["include_refresh_token"] = kwargs.get("include_refresh_token", True) and offline
        token: dict[str, Any] = super().generate_token(*args, **kwargs)
        return token


class Refresh(RefreshTokenGrant):
    """A refresh token, replaced each time."""

    TOKEN_ENDPOINT_AUTH_METHODS = list(AUTH_METHODS)
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        row = tokens.find_refresh(_sender(), refresh_token, self.request.client.application.id)
        return Token(row) if row is not None else None

    def authenticate_user(self, refresh_token: Token) -> SsoGrant:
        return refresh_token.get_user()

    def revoke_old_credential(self, refresh_token: Token) -> None:
        tokens.use_refresh(refresh_token.row)


class RequiredS256(CodeChallenge):
    """PKCE by SHA-256, for every application: a request without it, or with ``plain``, is refused."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE is required: code_challenge with code_challenge_method S256.")
        super().validate_code_challenge(grant, redirect_uri)


class IdToken(OpenIDCode):
    """The ID token that comes with the first access token."""

    def exists_nonce(self, _nonce: str, _request: Any) -> bool:
        """Leave nonces to the application, as OpenID Connect says; a code serves once."""
        return False

    def resolve_client_private_key(self, _client: Client) -> RSAKey:
        return keys.signing_key()

    def get_client_algorithm(self, _client: Client) -> str:
        return keys.ALGORITHM

    def get_encode_header(self, client: Client) -> dict[str, Any]:
        return {"alg": keys.ALGORITHM, "kid": self.resolve_client_private_key(client).kid}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        now = int(clock.machine_now().timestamp())
        lasts = int(tokens.ACCESS_LASTS.total_seconds())
        return {"iss": issuer(), "aud": client.get_client_id(), "iat": now, "exp": now + lasts}

    def generate_user_info(self, user: SsoGrant, scope: str) -> UserInfo:
        return claims_of(user, scope)


class BearerToken(BearerTokenValidator):
    """An access token: opaque, looked up by its digest."""

    def authenticate_token(self, token_string: str) -> Token | None:
        row = tokens.find_access(token_string)
        return Token(row) if row is not None else None


class Protector(ResourceProtector):
    """Takes the token from the header, or from the body of a form (RFC 6750, section 2.2)."""

    def parse_request_authorization(self, request: Any) -> tuple[Any, str]:
        posted = flask_request.form.get("access_token") if flask_request.method == "POST" else None
        if not posted:
            found: tuple[Any, str] = super().parse_request_authorization(request)
            return found
        if request.headers.get("Authorization"):
            raise InvalidRequestError("More than one access token in the request.")
        return self.get_token_validator("bearer"), posted


class Claims(UserInfoEndpoint):
    """Who the person is, for who has an access token of theirs."""

    def generate_user_info(self, user: SsoGrant, scope: str) -> UserInfo:
        return claims_of(user, scope)


class EndSession(EndSessionEndpoint):
    """What an application asks for when its user signs out: only checked here, done by the page."""

    def get_server_jwks(self) -> KeySet:
        return keys.verifying_set()

    def get_algorithms(self) -> list[str]:
        return [keys.ALGORITHM]

    def end_session(self, end_session_request: Any) -> None:
        """Leave it to the page, which knows the session."""


def claims_of(grant: SsoGrant, scope: str) -> UserInfo:
    """Return what an application may know of the person: by the scopes that were granted."""
    person, customer, scopes = grant.person, grant.membership.customer, scope.split()
    info = UserInfo(sub=str(person.id))
    if "profile" in scopes:
        language = person.language or customer.language
        info.update(name=person.name, account=customer.number, locale=LOCALES.get(language, "sr-Latn"))
    if "email" in scopes:
        info.update(email=person.email, email_verified=True)  # no one signs in with an address they did not confirm
    return info


def _query_client(client_id: str) -> Client | None:
    application = applications.find(client_id)
    return Client(application) if application is not None else None


def _save_token(token: dict[str, Any], request: Any) -> None:
    """Store what is handed out. A refresh keeps the scope that was granted, whatever the access token is for."""
    before: Token | None = request.refresh_token
    code = before.row.code if before is not None else request.authorization_code.row
    tokens.store(code, token["access_token"], token["scope"], is_refresh=False)
    if "refresh_token" in token:
        scope = before.row.scope if before is not None else token["scope"]
        tokens.store(code, token["refresh_token"], scope, is_refresh=True)


def _sender() -> Actor:
    return Actor(kind="visitor", id=None, name="", address=flask_request.remote_addr)


def _secret(**_kwargs: Any) -> str:
    return tokens.new_secret()


def _build() -> AuthorizationServer:
    made = AuthorizationServer(query_client=_query_client, save_token=_save_token)
    lasts = int(tokens.ACCESS_LASTS.total_seconds())
    made.register_token_generator("default", BearerTokenGenerator(_secret, _secret, lasts))
    made.register_grant(CodeGrant, [IdToken(), RequiredS256(required=True)])
    made.register_grant(Refresh)
    protector = Protector()
    protector.register_token_validator(BearerToken(realm="oauth"))
    made.register_endpoint(Claims(resource_protector=protector))
    made.register_endpoint(EndSession)
    return made


server = _build()

__all__ = ["GrantUser", "InvalidRequestError", "OAuth2Error", "server"]
