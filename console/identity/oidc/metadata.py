"""What the provider says about itself: OpenID Connect Discovery 1.0."""

from __future__ import annotations

from typing import Any

from console.core.context import settings
from console.identity.oidc.applications import SCOPES
from console.identity.oidc.keys import ALGORITHM

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
CLAIMS = (
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "name",
    "locale",
    "email",
    "email_verified",
    "account",
)


def issuer() -> str:
    """Return the issuer of every token."""
    return settings().base_url


def configuration() -> dict[str, Any]:
    """Return the metadata."""
    base = issuer()
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth/authorize",
        "token_endpoint": f"{base}/oauth/token",
        "userinfo_endpoint": f"{base}/oauth/userinfo",
        "jwks_uri": f"{base}/oauth/jwks",
        "end_session_endpoint": f"{base}/oauth/end-session",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": list(CLAIMS),
        "ui_locales_supported": ["sr-Latn", "en"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }
