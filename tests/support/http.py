"""A browser without JavaScript on a served console: it keeps its cookies, and no status is an exception."""

from __future__ import annotations

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

from console.core.settings import DEMO_PASSWORD

SECONDS = 40.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    text: str

    def error(self) -> dict[str, Any]:
        """Return the error of a JSON answer."""
        found: dict[str, Any] = json.loads(self.text)["error"]
        return found


class Browser:
    """One browser, in English so that texts can be compared with the source."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))

    @property
    def cookie(self) -> str:
        """The header with its cookies."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask(path, None, headers)

    def token(self, path: str) -> str:
        """Return the token of a page."""
        found = re.search(
            r'name="csrf_token"[^>]*value="([^"]+)"|name="csrf-token" content="([^"]+)"', self.get(path).text
        )
        assert found is not None, path
        return found[1] or found[2]

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """Send a form."""
        return self._ask(path, urllib.parse.urlencode(fields).encode(), headers)

    def upload(self, path: str, field: str, name: str, content: bytes, **headers: str) -> Answer:
        """Send a file."""
        line = "----------file"
        head = f'--{line}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'.encode()
        body = head + content + f"\r\n--{line}--\r\n".encode()
        return self._ask(path, body, {"Content-Type": f"multipart/form-data; boundary={line}"} | headers)

    def sign_in(self, who: str) -> Answer:
        """Sign in as one of the demo's staff."""
        form = {"email": f"{who}@example.test", "password": DEMO_PASSWORD, "csrf_token": self.token("/login")}
        return self.post("/login", form)

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, {"Accept-Language": "en"} | named)
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode(errors="replace"))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read().decode(errors="replace"))
