"""An application that signs people in: Authlib's client, over the test client, or over HTTP in a process of its own.

``python -m tests.support.relying_party`` reads a JSON on its standard input, as :func:`main` says.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from authlib.common.security import generate_token
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet

REDIRECT = "https://webmail.example.test/callback"
AFTER = "https://webmail.example.test/bye"


class Answer:
    """What Authlib's client reads of an answer."""

    def __init__(self, status: int, headers: Any, text: str) -> None:
        self.status_code, self.headers, self.text = status, headers, text

    def json(self) -> Any:
        return json.loads(self.text)

    def raise_for_status(self) -> None:
        assert self.status_code < 400, (self.status_code, self.text)


Fetch = Callable[[str, str, dict[str, str], str], Answer]


class Session:
    """The two calls that Authlib's client makes of its session."""

    def __init__(self, fetch: Fetch) -> None:
        self.fetch = fetch

    def post(self, url: str, data: Any = None, headers: Any = None, auth: Any = None, **_kwargs: Any) -> Answer:
        return self.request("POST", url, data=data, headers=headers, auth=auth)

    def request(self, method: str, url: str, data: Any = None, headers: Any = None, auth: Any = None) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} | dict(headers or {})
        body = data if isinstance(data, str) else urlencode(data or {})
        if auth is not None:
            url, headers, body = auth.prepare(method, url, headers, body)
        return self.fetch(method, url, headers, body)


class RelyingParty:
    """One application."""

    def __init__(
        self, fetch: Fetch, base: str, client_id: str, secret: str | None = None, *, method: str | None = None
    ) -> None:
        self.fetch = fetch
        discovered = fetch("GET", f"{base}/.well-known/openid-configuration", {}, "")
        discovered.raise_for_status()
        self.metadata: dict[str, Any] = discovered.json()
        self.client = OAuth2Client(
            Session(fetch),
            client_id=client_id,
            client_secret=secret,
            token_endpoint_auth_method=method,
            scope="openid email profile",
            redirect_uri=REDIRECT,
            code_challenge_method="S256",
        )
        self.jwks: Any = None
        self.leeway = 0  # of a test that moves our clock, and not the application's
        self.verifier = self.state = self.nonce = ""

    def start(self, **params: Any) -> str:
        """Return where to send the person."""
        self.verifier, self.nonce = generate_token(64), generate_token(20)
        params = {"nonce": self.nonce, "code_verifier": self.verifier} | params
        url, self.state = self.client.create_authorization_url(self.metadata["authorization_endpoint"], **params)
        return str(url)

    def exchange(self, location: str, **more: Any) -> dict[str, Any]:
        """Exchange the code that an address carries."""
        return dict(
            self.client.fetch_token(
                self.metadata["token_endpoint"],
                authorization_response=location,
                state=self.state,
                **({"code_verifier": self.verifier} | more),
            )
        )

    def claims(self, token: dict[str, Any]) -> dict[str, Any]:
        """Return what the ID token says, checked as OpenID Connect says."""
        if self.jwks is None:
            self.jwks = self.load_keys()
        try:
            decoded = jwt.decode(token["id_token"], KeySet.import_key_set(self.jwks), algorithms=["RS256"])
        except InvalidKeyIdError:  # a new key signs: the set is asked for again
            self.jwks = self.load_keys()
            decoded = jwt.decode(token["id_token"], KeySet.import_key_set(self.jwks), algorithms=["RS256"])
        checked = CodeIDToken(
            decoded.claims,
            decoded.header,
            {"iss": {"values": [self.metadata["issuer"]]}},
            {"nonce": self.nonce, "client_id": self.client.client_id, "access_token": token["access_token"]},
        )
        checked.validate(leeway=self.leeway)
        return dict(checked)

    def load_keys(self) -> Any:
        found: Any = self.fetch("GET", self.metadata["jwks_uri"], {}, "").json()
        return found

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        return dict(self.client.refresh_token(self.metadata["token_endpoint"], refresh_token=refresh_token))

    def userinfo(self, access_token: str) -> Answer:
        return self.fetch("GET", self.metadata["userinfo_endpoint"], {"Authorization": f"Bearer {access_token}"}, "")


def query_of(location: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return dict(parse_qsl(urlsplit(location).query))


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class Web:
    """A browser without a script: cookies, forms with their token, redirects one by one."""

    def __init__(self) -> None:
        self.opener: OpenerDirector = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()), _Stay())

    def fetch(self, method: str, url: str, headers: dict[str, str], body: str) -> Answer:
        data = body.encode() if method == "POST" else None
        try:
            with self.opener.open(Request(url, data, headers, method=method), timeout=30) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode())
        except HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read().decode())

    def submit(self, page: Answer, url: str, **fields: str) -> Answer:
        """Send the form of a page."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert found is not None
        return self.fetch("POST", url, {}, urlencode({"csrf_token": found[1], **fields}))

    def follow(self, url: str, until: str) -> tuple[str, Answer]:
        """Follow redirects as far as ours go; return the last address with its answer."""
        for _ in range(10):
            answer = self.fetch("GET", url, {}, "")
            location = answer.headers.get("Location")
            if location is None:
                return url, answer
            url = urljoin(url, location)
            if url.startswith(until):
                return url, answer
        raise AssertionError(url)


def main() -> None:
    """Sign a person in by ``base``, ``client_id``, ``secret``, ``email``, ``password``; print what came of it."""
    order = json.load(sys.stdin)
    base, web = order["base"], Web()
    party = RelyingParty(Web().fetch, base, order["client_id"], order["secret"])
    url, page = web.follow(party.start(), REDIRECT)
    if not url.startswith(REDIRECT) and "/moj/login" in url:
        fields = {"email": order["email"], "password": order["password"], "next": query_of(url)["next"]}
        signed_in = web.submit(page, f"{base}/moj/login", **fields)
        url, page = web.follow(urljoin(base, signed_in.headers["Location"]), REDIRECT)
    if not url.startswith(REDIRECT) and 'value="allow"' in page.text:
        allowed = web.submit(page, f"{base}/moj/sso/consent?{urlsplit(url).query}", decision="allow")
        url = allowed.headers["Location"]
    if not url.startswith(REDIRECT):
        sys.stdout.write(json.dumps({"refused": True, "status": page.status_code, "page": page.text}))
        return
    token = party.exchange(url)
    sys.stdout.write(
        json.dumps({"claims": party.claims(token), "userinfo": party.userinfo(token["access_token"]).json()})
    )


if __name__ == "__main__":
    main()
