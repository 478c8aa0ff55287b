"""Staff's sign-in through a provider outside, over HTTP: the provider is a small one of this test, with real keys."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Flask
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core import context
from console.core.db import db
from console.core.settings import Settings, SettingsError
from console.core.transaction import transaction
from console.settings.live import LiveSettings
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.support.client import ConsoleClient

pytestmark = pytest.mark.only("sqlite")

CLIENT, SECRET = "console", "provider-secret"
ENGLISH = {"Accept-Language": "en"}


@dataclass
class Provider:
    """An OpenID provider that says what a test wants."""

    url: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}, private=True))
    published: RSAKey | None = None
    claims: dict[str, Any] = field(default_factory=dict)  # over those that are right
    header: dict[str, Any] = field(default_factory=dict)
    issuer: str | None = None
    sent_query: dict[str, str] = field(default_factory=dict)  # what the browser was sent with
    exchanged: dict[str, str] = field(default_factory=dict)
    authorization: str = ""

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
        }

    def jwks(self) -> dict[str, Any]:
        return {"keys": [(self.published or self.key).as_dict(private=False)]}

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        self.exchanged, self.authorization = form, authorization
        proven = create_s256_code_challenge(form.get("code_verifier", "")) == self.sent_query.get("code_challenge")
        if form.get("code") != "good" or not proven:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        right = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "42",
            "iat": now,
            "exp": now + 60,
            "nonce": self.sent_query["nonce"],
        }
        header = {"alg": "RS256", "kid": "one"} | self.header
        algorithm = header["alg"]
        key: Any = None if algorithm == "none" else self.key
        signed = jwt.encode(header, right | self.claims, key, [algorithm])
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": signed}


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, made.jwks() if self.path == "/jwks" else made.configuration())

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self._answer(*made.token(form, self.headers.get("Authorization", "")))

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def outside(own_app: Flask, client: ConsoleClient, provider: Provider) -> ConsoleClient:
    """A browser of a console that has the provider."""
    environment = replace(
        context.environment(),
        staff_oidc_issuer=provider.url,
        staff_oidc_client_id=CLIENT,
        staff_oidc_client_secret=SECRET,
    )
    context.attach(own_app.extensions, environment, LiveSettings(environment))
    return client


@pytest.fixture
def agent(session: Session) -> Staff:
    return factories.make_staff(Role.AGENT)


def come(client: ConsoleClient, provider: Provider, **changed: str) -> Any:
    """Go to the provider and come back with its answer."""
    sent = client.get("/login/oidc")
    assert sent.status_code == 302 and sent.location.startswith(f"{provider.url}/authorize?")
    provider.sent_query = {name: values[0] for name, values in parse_qs(urlsplit(sent.location).query).items()}
    answer = {"code": "good", "state": provider.sent_query["state"]} | changed
    return client.get("/login/oidc/callback", query_string=answer, headers=ENGLISH)


def is_in(client: ConsoleClient) -> bool:
    return client.get_json("/console/").status_code == 200


def vouch(provider: Provider, staff: Staff, **claims: Any) -> None:
    provider.claims = {"email": staff.email.upper(), "email_verified": True} | claims


def test_a_verified_address_of_an_active_account_signs_in(
    outside: ConsoleClient, provider: Provider, agent: Staff
) -> None:
    assert "/login/oidc" in outside.get("/login").text
    vouch(provider, agent)
    answer = come(outside, provider)
    assert answer.status_code == 303 and is_in(outside)
    assert provider.sent_query["code_challenge_method"] == "S256" and provider.sent_query["scope"] == "openid email"
    assert provider.authorization.startswith("Basic ") and SECRET not in str(provider.exchanged)
    found = db.session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("staff."))).all()
    assert list(found)[-2:] == ["staff.came_from_outside", "staff.signed_in"]


def test_our_second_step_is_still_asked(outside: ConsoleClient, provider: Provider, agent: Staff) -> None:
    with transaction() as session:
        session.get_one(Staff, agent.id).password_temporary = True
    vouch(provider, agent, amr=["mfa"])
    assert come(outside, provider).location == "/login"
    assert not is_in(outside) and outside.get_json("/login").json["needs"] == "new_password"


def wrong_answers(provider: Provider, agent: Staff) -> Iterator[tuple[str, dict[str, Any]]]:
    other = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
    yield "unverified", {"claims": {"email_verified": False}}
    yield "verified in words", {"claims": {"email_verified": "true"}}
    yield "no address", {"claims": {"email": None}}
    yield "a stranger", {"claims": {"email": "stranger@example.test"}}
    yield "another nonce", {"claims": {"nonce": "x"}}
    yield "another application", {"claims": {"aud": "other"}}
    yield "another issuer", {"claims": {"iss": "https://evil.test"}}
    yield "too old", {"claims": {"exp": int(time.time()) - 600}}
    yield "unsigned", {"header": {"alg": "none"}}
    yield "another key", {"published": other}
    yield "discovery of another", {"issuer": "https://evil.test"}


def test_everything_else_is_refused_in_the_same_words(outside: ConsoleClient, provider: Provider, agent: Staff) -> None:
    messages = set()
    for name, change in wrong_answers(provider, agent):
        vouch(provider, agent)
        before = {key: getattr(provider, key) for key in change}
        for key, value in change.items():
            setattr(provider, key, before[key] | value if isinstance(value, dict) else value)
        if name == "discovery of another":
            answer = outside.get("/login/oidc", headers=ENGLISH)
        else:
            answer = come(outside, provider)
        assert answer.status_code == 422 and not is_in(outside), name
        messages.add("did not work" in answer.text)
        for key, value in before.items():
            setattr(provider, key, value)
    assert messages == {True}
    vouch(provider, agent)
    for changed in (
        {"state": "x"},
        {"code": "bad"},
        {"iss": "https://evil.test"},
        {"error": "access_denied", "code": ""},
    ):
        assert come(outside, provider, **changed).status_code == 422 and not is_in(outside)
    assert outside.get("/login/oidc/callback?code=good").status_code == 422, "nothing was sent_query in this browser"
    with transaction() as session:
        session.get_one(Staff, agent.id).active = False
    assert come(outside, provider).status_code == 422 and not is_in(outside)


def test_without_settings_there_is_no_such_way(client: ConsoleClient) -> None:
    assert "/login/oidc" not in client.get("/login").text
    for path in ("/login/oidc", "/login/oidc/callback?code=x&state=y"):
        assert client.get(path).location == "/login"


def test_settings_that_cannot_work_are_refused() -> None:
    right = {"CONSOLE_STAFF_OIDC_ISSUER": "https://login.example.test", "CONSOLE_STAFF_OIDC_CLIENT_ID": "console"}
    assert Settings.from_environ(right).staff_oidc_client_id == "console"
    for wrong in ("http://login.example.test", "login.example.test", "https://x.test/?a=1", "ftp://x.test"):
        with pytest.raises(SettingsError, match="STAFF_OIDC_ISSUER"):
            Settings.from_environ(right | {"CONSOLE_STAFF_OIDC_ISSUER": wrong})
    with pytest.raises(SettingsError, match="go together"):
        Settings.from_environ({"CONSOLE_STAFF_OIDC_CLIENT_ID": "console"})
