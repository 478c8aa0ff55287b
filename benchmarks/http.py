"""A browser's part of a bench: sign in, then ask."""

from __future__ import annotations

import re
from http.client import HTTPConnection, HTTPResponse
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from werkzeug.test import Client

_FIELD = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"|value="([^"]+)"[^>]*name="csrf_token"')
_META = re.compile(r'<meta name="csrf-token" content="([^"]+)"')
SEE_OTHER = (302, 303)


class BenchError(Exception):
    """The bench cannot be done; ``str()`` says why."""


def token_in(page: str) -> str:
    """Return the CSRF token that ``page`` carries."""
    found = _FIELD.search(page) or _META.search(page)
    if found is None:
        raise BenchError("a page carries no CSRF token")
    return next(group for group in found.groups() if group)


def sign_in(client: Client, email: str, password: str) -> None:
    """Sign a client of the application in, through the form."""
    token = token_in(client.get("/login").text)
    answer = client.post("/login", data={"csrf_token": token, "email": email, "password": password})
    if answer.status_code not in SEE_OTHER:
        raise BenchError(f"signing in was answered with {answer.status_code}")


class Browser:
    """One kept connection to a served console, with its cookies."""

    def __init__(self, url: str, connection: HTTPConnection | None = None) -> None:
        self._connection = connection or HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._cookies: dict[str, str] = {}
        self.token = ""

    def get(self, path: str) -> tuple[int, str]:
        """Ask for a page; remember the token it carries."""
        status, body = self._ask("GET", path, None, {})
        found = _META.search(body) or _FIELD.search(body)
        if found:
            self.token = next(group for group in found.groups() if group)
        return status, body

    def post(self, path: str, *, json: bool = False, **fields: str) -> tuple[int, str]:
        """Send a form."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": self.token}
        if json:
            headers["Accept"] = "application/json"
        return self._ask("POST", path, urlencode({"csrf_token": self.token, **fields}), headers)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    @property
    def cookie(self) -> str:
        """Return the cookies as a request carries them."""
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, str]:
        self._connection.request(method, path, body, {**headers, **({"Cookie": self.cookie} if self.cookie else {})})
        answer = self._connection.getresponse()
        self._remember(answer)
        return answer.status, answer.read().decode()

    def _remember(self, answer: HTTPResponse) -> None:
        for header in answer.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(header).items():
                self._cookies[name] = morsel.value
