"""Static files go out compressed, and an unchanged one not at all; pages, which hold secrets, never."""

from __future__ import annotations

from tests.support.client import ConsoleClient

TAKES = {"Accept-Encoding": "gzip, deflate, br"}


def test_a_style_sheet_is_compressed_and_known_again(client: ConsoleClient) -> None:
    plain = client.get("/static/console.css", headers={"Accept-Encoding": "identity"})
    small = client.get("/static/console.css", headers=TAKES)
    assert small.headers["Content-Encoding"] == "br"
    assert "Accept-Encoding" in small.headers["Vary"]
    assert len(small.data) < len(plain.data) / 3
    again = client.get("/static/console.css", headers=TAKES | {"If-None-Match": small.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_flask_admin_s_own_files_too(client: ConsoleClient) -> None:
    answer = client.get("/console/static/admin/js/form.js", headers=TAKES)
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "br"


def test_a_page_is_not(client: ConsoleClient) -> None:
    assert "Content-Encoding" not in client.get("/login", headers=TAKES).headers
