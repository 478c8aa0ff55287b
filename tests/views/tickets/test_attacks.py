"""What people send us is shown as text and given out as downloads; nothing of it runs, nothing is somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Dialog, Page, expect
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM, Actor
from console.core.settings import Settings
from console.core.transaction import transaction
from console.staff.models import Staff
from console.tickets.models import Ticket, TicketStatus
from console.tickets.service import attachments, questions
from console.tickets.service import messages as ticket_messages
from tests import factories
from tests.browser import pages
from tests.factories.tickets import make_ticket
from tests.support.client import ConsoleClient, sign_in

SCRIPT = "<script>window.ran=1</script><img src=x onerror='window.ran=1'>\"'><svg onload=window.ran=1>{{7*7}}"
RTL = "\u202egnp.exe\u202c"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="window.ran=1"><script>window.ran=1</script></svg>'
HTML = b"<!doctype html><script>window.ran=1</script>"
GIFJS = b"GIF89a/*" + b"\0" * 20 + b"*/=1;window.ran=1"
VISITOR = Actor(kind="visitor", id=None, name="visitor", address="10.0.0.1")
NAMES = {
    "../../etc/passwd.txt": "passwd.txt",
    "..\\..\\boot.ini": "boot.ini",
    f"slika{RTL}.txt": "slikagnp.exe.txt",
    '"><img src=x onerror=alert(1)>.svg': "img src=x onerror=alert(1).svg",
    "a\r\nSet-Cookie: x=1.txt": "aSet-Cookie x=1.txt",
    '=HYPERLINK("http:\\x").csv': "x).csv",
    "prazno\u0000.txt": "prazno.txt",
}


@pytest.fixture
def ticket(session: Session) -> Ticket:
    opened = make_ticket(SYSTEM, subject=f"{SCRIPT} {RTL}"[:190], body=SCRIPT, requester_name=f"{SCRIPT}"[:110])
    with transaction():
        for name, content in (("slika.svg", SVG), ("strana.html", HTML), ("gif.gif", GIFJS)):
            attachment = attachments.attach(VISITOR, opened, name, content)
            questions.add_question(
                VISITOR, opened, f"{SCRIPT}\n> {SCRIPT}\n> javascript:alert(1)", client_id=name, via="link",
                attachments=(attachment.id,),
            )  # fmt: skip
    return opened


def _url(ticket: Ticket) -> str:
    return f"/console/tickets/{ticket.number}"


def _files(client: ConsoleClient, ticket: Ticket) -> list[dict[str, Any]]:
    payload = client.get_json(_url(ticket)).get_json()["messages"]
    return [file for message in payload for file in message["files"]]


def test_it_is_text_everywhere(client: ConsoleClient, ticket: Ticket) -> None:
    sign_in(client)
    pages = [client.get(_url(ticket)).text, client.get_json(_url(ticket) + "/entries?after=0").get_json()["html"]]
    pages.append(client.get("/console/tickets/").text)
    for page in pages:
        assert "<script>window" not in page and "<img src=x" not in page and "<svg onload" not in page
        assert "49}}" not in page and 'href="javascript' not in page
    assert "{{7*7}}" in pages[0]
    policy = client.get(_url(ticket)).headers["Content-Security-Policy"]
    assert "script-src" in policy and "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]


def test_files_are_only_ever_downloaded(client: ConsoleClient, ticket: Ticket) -> None:
    sign_in(client)
    found = _files(client, ticket)
    assert [file["name"] for file in found] == ["slika.svg", "strana.html", "gif.gif"]
    for file, content in zip(found, (SVG, HTML, GIFJS), strict=True):
        answer = client.get(f"{_url(ticket)}/files/{file['id']}", headers={"Accept": "image/svg+xml,text/html"})
        assert answer.data == content
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_names_lead_nowhere(client: ConsoleClient, ticket: Ticket) -> None:
    sign_in(client)
    for name, clean in NAMES.items():
        with transaction():
            attachment = attachments.attach(VISITOR, ticket, name, b"x")
            questions.add_question(VISITOR, ticket, "evo", client_id=clean, via="link", attachments=(attachment.id,))
        file = _files(client, ticket)[-1]
        assert file["name"] == clean
        answer = client.get(f"{_url(ticket)}/files/{file['id']}")
        assert answer.status_code == 200 and "Set-Cookie: x" not in str(answer.headers)
        assert "\u202e" not in answer.headers["Content-Disposition"] and ".." not in file["name"]
    assert client.get(_url(ticket)).text.count("<img src=x") == 0


def test_what_is_of_others_is_not_there(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], ticket: Ticket
) -> None:
    sign_in(client)
    other = make_ticket(SYSTEM)
    file = _files(client, ticket)[0]["id"]
    assert client.get(f"{_url(other)}/files/{file}").status_code == 404
    assert client.get(f"{_url(ticket)}/files/999999").status_code == 404
    assert client.submit(f"{_url(ticket)}/files/{file}/remove", json=True).status_code == 404  # it was sent
    data = {"csrf_token": client.csrf_token(), "file": (BytesIO(b"moje"), "moje.txt")}
    pending = client.post(_url(ticket) + "/files", data=data, headers={"Accept": "application/json"}).get_json()
    key = pending["file"]["id"]
    colleague = new_client()
    sign_in(colleague)
    assert colleague.get(f"{_url(ticket)}/files/{key}").status_code == 404
    assert colleague.submit(f"{_url(ticket)}/files/{key}/remove", json=True).status_code == 404
    fields = {"body": "x", "based_on": 10**6, "attachments": [key]}
    assert colleague.submit(_url(ticket) + "/reply", json=True, client_id="krade", **fields).status_code == 422
    assert client.submit(_url(other) + "/reply", json=True, client_id="drugde", **fields).status_code == 422
    assert client.submit(_url(ticket) + "/reply", json=True, client_id="moje", **fields).status_code == 200
    # Somebody else's composition cannot be spoken for, nor their reply taken back.
    assert colleague.submit(_url(ticket) + "/note", json=True, client_id="moje", body="x").status_code == 422
    sent = client.get_json(_url(ticket)).get_json()["messages"][-1]["id"]
    assert colleague.submit(_url(ticket) + "/take-back", json=True, message=sent).status_code == 404


def test_nothing_is_done_without_a_token(client: ConsoleClient, ticket: Ticket) -> None:
    sign_in(client)
    for verb in ("reply", "note", "take-back", "draft", "seen", "files", "files/1/remove"):
        answer = client.post(f"{_url(ticket)}/{verb}", data={"body": "x", "client_id": "x", "kind": "note"})
        assert answer.status_code == 400, verb


@pytest.mark.only("sqlite")
def test_nothing_runs_in_a_browser(
    sqlite_app: Flask,
    session: Session,
    settings: Settings,
    ticket: Ticket,
    own_server: Callable[..., Any],
    new_page: Callable[..., Page],
) -> None:
    staff: Staff = factories.make_staff(email="agent@example.test")
    with transaction():
        ticket_messages.note(staff.actor(), ticket.id, ticket_messages.Writing(SCRIPT, "beleska"))
    assert ticket.status is TicketStatus.OPEN
    number = ticket.number
    session.rollback()
    server = own_server(DATABASE_URL=settings.database_url, FILES=settings.files, AUDIT_ANCHOR=settings.audit_anchor)
    page = new_page(language="en-GB")
    requests: list[str] = []

    def refuse(dialog: Dialog) -> None:
        requests.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    page.on("request", lambda request: requests.append(request.url) if request.url.endswith("/x") else None)
    pages.sign_in(page, server, "agent")
    page.context.add_cookies([{"name": "ticket_next", "value": "stay", "url": server.url}])
    page.goto(f"{server.url}/console/tickets/{number}")
    for summary in page.locator(".quoted > summary").all():
        summary.click()
    page.keyboard.press("r")
    page.keyboard.type(SCRIPT)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#timeline .entry-us")).to_contain_text("window.ran")
    # A file is a download wherever it is opened from: no page of ours ever shows it.
    for link in page.locator(".entry-files a").all():
        with page.expect_download() as download:
            link.click()
        assert download.value.suggested_filename in ("slika.svg", "strana.html", "gif.gif")
    frame = page.evaluate(
        """async (url) => {
          const image = new Image();
          const drawn = new Promise((done) => { image.onload = () => done(true); image.onerror = () => done(false); });
          image.src = url;
          return [await drawn, window.ran ?? 0];
        }""",
        page.locator(".entry-files a").first.get_attribute("href"),
    )
    assert frame == [False, 0]
    assert requests == []
