"""Every page: no serious or critical axe finding, no CSP report, no console error, nothing sideways.

In both languages and themes, wide and on a phone. Each walk begins in one of the eight looks every day, chosen by
``--seed``, and in the others with ``--prove``; its pages come wide and on a phone in turn, and whether one scrolls
sideways is asked of each in both sizes.
(Console errors, CSP reports and requests to other hosts fail in the ``new_page`` fixture.)
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page

from tests.browser.pages import AXE, LOOKS, SIZES, Look, assert_axe_is_there, findings, sideways, sign_in
from tests.support.server import LiveServer

# Pages by who opens them. "{row}" is the first row's own page of the list before it.
PAGES = {
    "agent": ["/console/", "/console/desk/", "/console/chats/", "{row}", "/console/tickets/",
              "/console/tickets/?view=mine", "{row}", "{row}/facts",
              "{row}/give", "{row}/merge", "{row}/split", "{row}/link", "{row}/forward", "{row}/void",
              "/console/tickets/new",
              "/console/verify/", "/console/customers/", "{row}", "/console/migrations/", "{row}",
              "/console/migrations/new", "/console/products/", "/console/profile/", "/console/nowhere",
              "/console/hours/",
              "/console/reports/mine", "/console/reports/chats/mine",
              "/console/reviews/", "{row}", "/console/reviews/figures"],
    "billing": ["/console/", "/console/billing/", "/console/money/", "/console/duties/?when=open&sort=due_on", "{row}",
                "/console/customers/", "{row}", "{row}?tab=documents", "/console/mail/", "{row}",
                "/console/corrections/", "/console/payments/", "{row}", "/console/statements/", "{row}",
                "/console/services/", "{row}",
                "/console/domains/", "/console/proformas/", "{row}", "/console/stornos/", "{row}",
                "/console/migrations/?state=requested", "{row}", "/console/migrations/?state=executed", "{row}",
                "/console/quotes/", "{row}", "/console/quotes/new",
                "/console/proformas/?unpaid=1", "{row}/storno", "{row}/correct", "/console/suspensions/?state=open",
                "/console/proformas/new", "/console/proformas/new?customer=K-10016",
                "/console/proformas/?search=zzzzqq"],
    "supervisor": ["/console/", "/console/chats/?status=closed", "{row}", "/console/chat-settings/",
                   "/console/tickets/?view=solved", "{row}", "{row}/review", "/console/reports/",
                   "/console/reports/?from=2020-01-01", "/console/reports/chats/?period=last_month",
                   "/console/audit/", "/console/recoveries/",
                   "/console/customers/", "{row}", "{row}/state", "{row}?tab=people",
                   "/console/mail/?state=failed", "{row}", "/console/mail/?state=waiting", "{row}",
                   "/console/mail/templates/?name=migration_executed",
                   "/console/mail/in/", "{row}", "/console/mail/blocked/",
                   "/console/replies/", "{row}", "/console/replies/new/", "/console/replies/categories",
                   "/console/reviews/", "{row}", "/console/reviews/?state=done", "{row}", "/console/reviews/rubric",
                   "/console/reviews/figures",
                   "/console/help/", "/console/help/new", "/console/help/10/", "/console/help/10/versions",
                   "/console/help/10/preview"],
    "admin": ["/console/", "/console/departments/", "{row}", "/console/sla/?department=sales", "/console/hours/",
              "/console/staff/",
              "/console/staff/new/", "/console/products/", "{row}", "/console/products/new/", "/console/audit/",
              "/console/settings/", "/console/settings/brand/", "/console/settings/issuer/",
              "/console/settings/requests/", "/console/settings/renewals/", "/console/settings/retention/",
              "/console/chat-settings/", "/console/applications/", "/console/applications/new",
              "/console/applications/1", "/console/mail/mailboxes/", "/console/mail/mailboxes/new"],
}  # fmt: skip
ZONE = "/moj/domains/prodavnica-jasen.example.rs"
AUTHORIZE = (  # of the demo's application
    "/oauth/authorize?response_type=code&client_id=webmail&scope=openid+email+profile+offline_access&code_challenge_method=S256"
    f"&code_challenge={'x' * 43}&redirect_uri=https://webmail.example.test/oauth/callback"
)
PORTAL = [
    "/moj/", "/moj/mails/", "{row}", "/moj/tickets/", "{row}", "/moj/tickets/new", "/moj/contacts/", "/moj/users/",
    "/moj/password",
    "/moj/sessions", "/moj/security", "/moj/security/totp", "/moj/security/totp/setup", "/moj/services/",
    "{row}", "{row}/cancel", "{row}/password", "/moj/documents/", "{row}", "/moj/credit/", "/moj/quotes/", "{row}",
    "/moj/requests/", "/moj/migrations/", "/moj/migrations/new", "/moj/orders/new",
    "/moj/domains/", "/moj/domains/dns", f"{ZONE}/records", f"{ZONE}/history", f"{ZONE}/history/2", f"{ZONE}/draft",
    f"{ZONE}/draft?import=1", "/moj/privacy", "/moj/profile", "/moj/email", "/moj/handover",
    f"{AUTHORIZE}&prompt=consent", f"{AUTHORIZE}&prompt=login", "/oauth/end-session",
    "/moj/notices", "/moj/chat",
]  # fmt: skip
SIGNED_OUT = [
    "/login",
    "/login/forgotten",
    "/reset/nothing",
    "/moj/login",
    "/moj/forgotten",
    "/moj/register",
    "/moj/register/nothing",
    "/moj/reset/nothing",
    "/moj/transfer/nothing",
    "/moj/recovery/nothing",
    "/moj/recovery/stop/nothing",
    "/moj/invitation/nothing",
    "/moj/email/confirm/nothing",
    "/moj/handover/accept/nothing",
    "/nowhere",
    "/t/nothing",
    "/v/nothing",
    "/pay/nothing",
    "/demo/mailbox",
    "/chat/",
    "/chat/frame",
    "/help/",
    "/help/?q=lozinka",
    "/help/contacts-and-users",
    "/help/privacy",
    "/oauth/authorize?client_id=nothing",
]
WALKS = PAGES | {"ana": PORTAL, "nobody": SIGNED_OUT}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each walk its look; with ``--prove`` it has the others too."""
    if "look" not in metafunc.fixturenames:
        return
    chosen = random.Random(metafunc.config.getoption("--seed")).sample(LOOKS, len(WALKS))  # noqa: S311
    walks = [
        pytest.param(who, look, id=f"{who}-{look.name}", marks=() if look is daily else pytest.mark.full)
        for who, daily in zip(WALKS, chosen, strict=True)
        for look in LOOKS
    ]
    metafunc.parametrize(("who", "look"), walks)


def walk(page: Page, server: LiveServer, paths: list[str]) -> list[str]:
    """Open each page and gather what is wrong with it, wide and on a phone: the size it came in is the next page's."""
    page.add_init_script(path=AXE)  # a third of what it costs to bring it to each page
    problems: list[str] = []
    row = ""
    for path in paths:
        address = path.replace("{row}", row) if row else path
        assert "{row}" not in address, f"no row before {path}"
        page.goto(server.url + address)
        problems += findings(page) + sideways(page)
        resize(page)
        problems += sideways(page)
        row = first_row(page, address) or row
    return problems


def first_row(page: Page, path: str) -> str | None:
    """Return the address of what a list's first row is about; in the portal, a link that goes on with a number."""
    opens = page.locator("table [data-open]")
    if opens.count():
        return opens.first.get_attribute("href")
    links = page.locator("main a[href]").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    return next((link for link in links if re.fullmatch(rf"{re.escape(path)}[^/?]*\d", link)), None)


def resize(page: Page) -> None:
    """Make a wide page a phone's, and a phone's a wide one."""
    own = page.viewport_size
    assert own is not None
    width, height = next(size for size in SIZES.values() if size[0] != own["width"])
    page.set_viewport_size({"width": width, "height": height})


def test_each_page(live_server: LiveServer, new_page: Callable[..., Page], who: str, look: Look) -> None:
    assert_axe_is_there()
    page = new_page(width=look.width, height=look.height, language=look.language, dark=look.dark)
    if who != "nobody":
        sign_in(page, live_server, who, portal=who == "ana")
    assert walk(page, live_server, WALKS[who]) == []


def test_a_day_without_hours_on_a_phone(own_server: Callable[..., LiveServer], new_page: Callable[..., Page]) -> None:
    server = own_server(demo=True, CLOCK="2026-11-28T11:00:00+01:00")  # a Saturday: its sentence is the longest
    for language in ("sr-Latn-RS", "en-GB"):
        page = new_page(width=390, height=844, language=language)
        sign_in(page, server, "supervisor")
        for path in ("/console/", "/console/desk/", "/console/hours/"):
            page.goto(server.url + path)
            assert sideways(page) == []


@pytest.mark.only("sqlite")
def test_no_list_is_left_out(app: Flask) -> None:
    """Whoever adds a list adds it above."""
    lists = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.endswith(".index_view")}
    named = {path.partition("?")[0] for paths in PAGES.values() for path in paths}
    assert lists <= named
