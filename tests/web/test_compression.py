"""Static files go out compressed, and an unchanged one not at all; pages, which hold secrets, never."""

from __future__ import annotations

from pathlib import Path

from werkzeug.test import EnvironBuilder

from tests.support.client import ConsoleClient

TAKES = {"Accept-Encoding": "gzip, deflate, br"}


def test_a_style_sheet_is_compressed_and_known_again(client: ConsoleClient) -> None:
    plain = client.get("/static/lib/console.css", headers={"Accept-Encoding": "identity"})
    small = client.get("/static/lib/console.css", headers=TAKES)
    assert small.headers["Content-Encoding"] == "br"
    assert "Accept-Encoding" in small.headers["Vary"]
    assert len(small.data) < len(plain.data) / 3
    again = client.get("/static/lib/console.css", headers=TAKES | {"If-None-Match": small.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_flask_admin_s_own_files_too(client: ConsoleClient) -> None:
    answer = client.get("/console/static/admin/js/form.js", headers=TAKES)
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "br"


def test_a_page_is_not(client: ConsoleClient) -> None:
    assert "Content-Encoding" not in client.get("/login", headers=TAKES).headers


def test_no_file_stays_open_when_an_answer_is_not_taken(client: ConsoleClient) -> None:
    """A server that loses its client may not close what it was given."""
    environ = EnvironBuilder("/static/lib/console.css", headers=[*TAKES.items()]).get_environ()
    answer = client.application(environ, lambda *_: lambda _: None)
    opened = [link for link in Path("/proc/self/fd").iterdir() if link.resolve().name == "console.css"]
    answer.close()  # type: ignore[attr-defined]
    assert opened == []
