"""The demo's mailbox: open where nothing is sent, not there where mail leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, Route
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core import clock
from console.core.actor import SYSTEM
from console.core.context import files
from console.core.settings import Settings
from console.core.transaction import transaction
from console.mail.models import Mail, MailState
from console.tickets import links, mails
from tests.browser.pages import sideways
from tests.factories.mail import make_mail
from tests.factories.tickets import make_ticket
from tests.support.client import ConsoleClient
from tests.views.conftest import axe, new_page, served  # noqa: F401  (fixtures)

pytestmark = pytest.mark.only("sqlite")
EVIL = "<script>alert(1)</script>"
REAL = {
    "secret_key": "a" * 64,
    "seal_keys": ("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",),
    "base_url": "https://podrska.example.test",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, env="demo")


def paths(key: int) -> list[str]:
    return ["/demo/mailbox", f"/demo/mailbox?mail={key}", f"/demo/mailbox/{key}/html", f"/demo/mailbox/{key}/files/0"]


@pytest.mark.parametrize(
    "settings_",
    [{"env": "production", **REAL}, {"env": "development"}, {"env": "demo", "smtp_url": "smtp://127.0.0.1:2525"}],
)
def test_outside_of_a_demo_and_where_mail_leaves_there_is_none(
    make_app: Callable[[Settings], Flask], settings: Settings, session: Session, settings_: dict[str, Any]
) -> None:
    mail = make_mail(attachments=[{"name": "a.txt", "type": "text/plain", "size": 1, "digest": files().put(b"a")}])
    app = make_app(replace(settings, **settings_))
    for path in paths(mail.id):
        for accept in ("text/html", "application/json"):
            answer = app.test_client().get(path, headers={"Accept": accept})
            assert answer.status_code == 404 and mail.subject not in answer.text


def test_it_shows_what_left_and_its_links_work(client: ConsoleClient, session: Session) -> None:
    now = clock.now()
    with transaction():
        ticket = make_ticket(SYSTEM, requester_email="ana@example.test")
        confirmed = session.scalars(select(Mail.id)).one()  # by opening it
        mail = mails.opened(SYSTEM, ticket)
        mail.attachments = [{"name": "zapis.txt", "type": "text/plain", "size": 2, "digest": files().put(b"MX")}]
        other = make_mail(to_address="neko@example.test", send_after=now - timedelta(hours=1))
        hidden = [
            make_mail(state=MailState.QUEUED, send_after=now + timedelta(seconds=30), subject="Može da se povuče"),
            make_mail(state=MailState.CANCELLED, subject="Povučeno"),
            make_mail(state=MailState.FAILED, subject="Nije otišlo"),
        ]
        token = links.requester_token(ticket)
    answer = client.get_json("/demo/mailbox")
    assert [item["id"] for item in answer.json["items"]] == [mail.id, confirmed, other.id]
    page = client.get("/demo/mailbox")
    assert mail.subject in page.text and not any(one.subject in page.text for one in hidden)
    assert f"/t/{token}" in page.text  # in the text part; whoever reads it here is the receiver
    assert "Link-" not in page.text  # the mark in place of a sealed link, in how the others begin
    letter = client.get(f"/demo/mailbox/{mail.id}/html")
    assert f'href="http://127.0.0.1:8000/t/{token}"' in letter.text and '<base target="_blank">' in letter.text
    assert "allow-popups" in letter.headers["Content-Security-Policy"]
    assert "allow-scripts" not in letter.headers["Content-Security-Policy"]
    assert client.get(f"/t/{token}").status_code == 200
    only = client.get_json("/demo/mailbox?to=Neko@example.test").json["items"]
    assert [item["id"] for item in only] == [other.id]
    assert client.get(f"/demo/mailbox/{mail.id}/files/0").data == b"MX"
    for odd in (f"/demo/mailbox/{mail.id}/files/1", "/demo/mailbox/0/html", "/demo/mailbox?mail=2147483647"):
        assert client.get(odd).status_code == 404
    for odd in ("mail=x", "mail=99999999999", "to=%00", "to=<b>", "mail="):
        assert client.get(f"/demo/mailbox?{odd}").status_code == 200


def test_nothing_runs_in_it(client: ConsoleClient, session: Session) -> None:
    make_mail(subject=EVIL, to_name=EVIL, text=EVIL, html=f"<html><head></head><body>{EVIL}</body></html>")
    page = client.get("/demo/mailbox", headers={"Accept-Language": "en"})
    assert EVIL not in page.text and "&lt;script&gt;alert" in page.text
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"]


def test_empty_it_says_what_to_do(client: ConsoleClient, session: Session) -> None:
    assert "Reply to a ticket" in client.get("/demo/mailbox", headers={"Accept-Language": "en"}).text


def test_new_mail_appears_by_itself_and_its_link_is_followed(
    served: str,  # noqa: F811
    new_page: Callable[..., Page],  # noqa: F811
    axe: Callable[[Page], list[str]],  # noqa: F811
    session: Session,
    settings: Settings,
) -> None:
    """The newcomer's way: a confirmation comes in, its button opens the question; on a telephone too."""
    session.rollback()
    page = new_page(language="en-GB", width=390, height=844)
    page.goto(f"{served}/demo/mailbox")
    page.get_by_text("No e-mails yet").wait_for()
    with transaction():
        ticket = make_ticket(SYSTEM, requester_email="ana@example.test", subject="Pošta ne radi", language="en")
        for mail in session.scalars(select(Mail).where(Mail.subject_ref == f"ticket:{ticket.id}")):
            mail.html = mail.html.replace(settings.base_url, served)  # another server than the one that wrote it
        make_mail(to_address="neko@example.test")
    page.locator("[data-mail]").nth(1).wait_for()  # without a reload
    assert page.locator("[data-box-notice]").inner_text() == "New messages"
    assert axe(page) == [] and sideways(page) == []
    page.locator("[data-mail]", has_text="We have received your question").click()
    frame = page.frame_locator("iframe.letter-html")
    with page.expect_popup() as popup:
        frame.get_by_role("link", name="Read the question and add to it").click()
    popup.value.wait_for_load_state()
    assert "/t/" in popup.value.url and "Pošta ne radi" in popup.value.inner_text("main")
    page.click("[data-part=text]")
    assert page.locator(".letter-text").is_visible() and not page.locator("iframe.letter-html").is_visible()
    assert axe(page) == [] and sideways(page) == []
    page.click(".box-back")
    page.locator("[data-mail]", has_text="Nov PIN").click()
    page.frame_locator("iframe.letter-html").locator("body").wait_for()
    page.set_viewport_size({"width": 1280, "height": 720})
    page.select_option("#to", "neko@example.test")  # followed at once
    page.wait_for_url("**to=neko*")
    assert page.locator("[data-mail]").count() == 1 and axe(page) == []
    _assert_nothing_runs(page, served)


def test_a_choice_made_before_the_script_is_there_is_followed(
    served: str,  # noqa: F811
    new_page: Callable[..., Page],  # noqa: F811
    session: Session,
) -> None:
    """A slow line: the list is read and chosen from before its script has come. Going back is no choice."""
    session.rollback()
    make_mail(to_address="neko@example.test")
    make_mail(to_address="drugi@example.test")
    page = new_page(language="en-GB")
    held: list[Route] = []
    page.route("**/mail.js", lambda route: held.append(route))  # noqa: PLW0108  (Playwright marks the function)
    page.goto(f"{served}/demo/mailbox", wait_until="commit")
    page.select_option("#to", "neko@example.test")
    assert "to=" not in page.url
    for route in held:
        route.continue_()
    page.unroute("**/mail.js")
    page.wait_for_url("**to=neko*")
    page.go_back()
    page.locator("[data-mail]").nth(1).wait_for()
    page.wait_for_timeout(300)
    assert "to=" not in page.url


def _assert_nothing_runs(page: Page, address: str) -> None:
    """Open a mail full of scripts, in its frame and alone, in a context where the browser's protests are no failure."""
    trap = (
        "<script>open('/demo/mailbox?ran')</script><img src=/static/lib/favicon.svg onerror=1 onload=\"open('?ran')\">"
    )
    with transaction():
        key = make_mail(html=f"<html><head></head><body>{trap}<p>Zdravo</p></body></html>").id
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context()
    requests: list[str] = []
    try:
        evil = context.new_page()
        context.on("request", lambda request: requests.append(request.url))
        evil.goto(f"{address}/demo/mailbox?mail={key}")
        evil.frame_locator("iframe.letter-html").get_by_text("Zdravo").wait_for()
        evil.goto(f"{address}/demo/mailbox/{key}/html")
        evil.get_by_text("Zdravo").wait_for()
        assert len(context.pages) == 1 and not any("ran" in url for url in requests)
        assert "<script" not in evil.content() and "<img" not in evil.content()  # cleaned before the sandbox blocks it
    finally:
        context.close()
