"""HTML mail in a real browser, wherever what it says is shown: no script of it runs, no request leaves."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, Route
from sqlalchemy.orm import Session

from console.core.settings import Settings
from console.staff.models import Staff
from console.tickets.models import ticket_number
from tests import factories
from tests.browser.pages import sign_in_at
from tests.factories.tickets import make_department
from tests.mail.receiving.hostile import HOSTILE, payloads, public_payloads
from tests.tickets.mail_in.scene import OURS, SERVER, mails_to, make_raw, proven, take

pytestmark = pytest.mark.only("sqlite")
A_TICKET = 25  # messages; more of one sender in an hour wait
AT_ONCE = 100
# Frames as the page of a message has one, for other messages too, until each is loaded.
FRAMES = """async (addresses) => {
  const pattern = document.querySelector("iframe");
  await Promise.all(addresses.map((address) => new Promise((loaded) => {
    const frame = pattern.cloneNode();
    frame.onload = () => loaded();
    frame.src = address;
    document.body.append(frame);
  })));
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
}"""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, mail_authserv_id=SERVER, mail_from=OURS)


def chosen(rng: random.Random, count: int, public: int) -> list[str]:
    own = payloads()
    every = [own[place * len(own) // len(HOSTILE) // 2] for place in range(2 * len(HOSTILE))]  # each piece once
    listed = public_payloads() if public else []
    return [*every, *rng.sample(own, len(own))][:count] + rng.sample(listed, min(public, len(listed)))


def watch(page: Page) -> list[str]:
    """Return what the page will have met: dialogs, new windows, requests to others."""
    met: list[str] = []

    def on_dialog(dialog: Dialog) -> None:
        met.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def on_request(request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:")):
            met.append(request.url)

    page.on("dialog", on_dialog)
    page.context.on("page", lambda opened: met.append(f"window: {opened.url}"))
    page.context.on("request", on_request)
    return met


def test_nothing_of_a_mail_runs_or_loads(
    served: str, new_page: Callable[..., Page], enter: Callable[..., Staff], session: Session, rng: random.Random,
    samples: Callable[[int, int], int], proof: Callable[[str], None],
) -> None:  # fmt: skip
    make_department()
    every = chosen(rng, samples(360, 24), samples(600, 0))
    rows, tickets, emails = [], [], []
    for place, payload in enumerate(every):
        if place % A_TICKET == 0:
            emails.append(factories.ana().owner.person.email)
        email, flat = emails[-1], " ".join(payload.split())
        sent = mails_to(email)
        written = {"subject": flat[:200], "sender": f'"{flat[:60].translate({34: 39, 92: 47})}" <{email}>'}
        row = take(make_raw(
            f"Tekst {payload}", html=payload, auth=proven(email.rpartition("@")[2]),
            to=str(sent[-1].reply_to) if sent else OURS, **written,
        ))  # fmt: skip
        assert row.ticket_id is not None, payload
        rows.append(row.id)
        tickets.append((row.ticket_id, email))
    session.rollback()

    page = new_page()
    met = watch(page)
    enter(page, "agent", f"/console/mail/in/{rows[0]}")
    page.locator("iframe").wait_for()
    for place in range(0, len(rows), AT_ONCE):
        addresses = [f"{served}/console/mail/in/{key}/html" for key in rows[place : place + AT_ONCE]]
        page.evaluate(FRAMES, addresses)
        page.reload()
    portal = new_page()
    met_there = watch(portal)
    for key, email in dict(tickets).items():
        page.goto(f"{served}/console/tickets/{ticket_number(key)}")
        assert page.locator("[data-text]").filter(has_text="Tekst").count() > 0
        portal.context.clear_cookies()
        sign_in_at(portal, f"{served}/moj/login", email)
        portal.goto(f"{served}/moj/tickets/{ticket_number(key)}")
        assert portal.get_by_text("Tekst").count() > 0
    assert met == [] and met_there == []
    proof(f"{len(every)} hostile mails in Chromium, on three pages each: 0 scripts, 0 dialogs, 0 requests")


def test_images_of_others_load_when_asked_for_and_own_ones_at_once(
    served: str, browser: Browser, enter: Callable[..., Staff], session: Session
) -> None:
    """And what is quoted, and a signature, are folded."""
    make_department()
    pixel = "data:image/png;base64,iVBORw0KGgo="
    html = f'<p>Zdravo</p><img src="https://pratilac.test/a.png" alt="Baner"><img src="{pixel}">'
    remote = take(make_raw(html=html)).id
    quoted = take(make_raw("Radi, hvala.\n\nDana 24.11.2026. u 10:15, Mint <p@x.rs> je napisao(la):\n> Staro.\n")).id
    session.rollback()

    context = browser.new_context(locale="sr-Latn-RS")  # of its own: it asks another host, for once
    page = context.new_page()
    met = watch(page)
    enter(page, "agent", f"/console/mail/in/{remote}")
    frame = page.frame_locator("iframe")
    frame.get_by_text("Zdravo").wait_for()
    assert met == []
    requests: list[str | None] = []

    def answer(route: Route) -> None:
        requests.append(route.request.headers.get("referer"))
        route.fulfill(body="", content_type="image/png")

    context.route("https://pratilac.test/**", answer)
    page.get_by_role("link", name="Prikaži slike").click()
    frame.locator("img[src^=https]").wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    assert requests == [None]  # and it learns not from where
    page.goto(f"{served}/console/mail/in/{quoted}")
    assert page.get_by_text("Radi, hvala.").is_visible()
    assert not page.get_by_text("Staro.").is_visible()
    page.locator(".letter-quoted summary").click()
    assert page.get_by_text("Staro.").is_visible()
    context.close()
