"""Which pages there are to look at, as whom; axe on each of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from console.core.settings import DEMO_PASSWORD
from tests.support.server import ROOT, LiveServer

AXE = ROOT / "node_modules/axe-core/axe.min.js"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
GRAVE = ("serious", "critical")


@dataclass(frozen=True)
class Look:
    """One way of looking: size, language, theme."""

    name: str
    width: int
    height: int
    language: str
    dark: bool


SIZES = {"wide": (1280, 720), "phone": (390, 844)}
LOOKS = tuple(
    Look(f"{size}-{language[:2]}-{'dark' if dark else 'light'}", *dimensions, language, dark)
    for size, dimensions in SIZES.items()
    for language in ("sr-Latn-RS", "en-GB")
    for dark in (False, True)
)


def sign_in(page: Page, server: LiveServer, who: str, *, portal: bool = False) -> None:
    """Sign in as one of the demo's people."""
    sign_in_at(page, f"{server.url}/moj/login" if portal else f"{server.url}/login", f"{who}@example.test")


def sign_in_at(page: Page, address: str, email: str) -> None:
    """Sign in by the request that the form sends; the page stays where it is.

    How it is filled in is walked by the README and in ``tests/staff/test_pages_in_browser.py``: not once more, and two
    pages less, before each test.
    """
    headers = {"Accept-Language": page.evaluate("navigator.language")}
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.request.get(address, headers=headers).text())
    assert token is not None
    fields = {"email": email, "password": DEMO_PASSWORD, "csrf_token": token[1]}
    answer = page.request.post(address, form=fields, headers=headers | {"Referer": address}, max_redirects=0)
    assert answer.status in (302, 303), answer.status


# What sticks lies over half of something at nearly every place a page can be scrolled to; axe takes such a
# half for a target that is too small. Where the page stood when it was looked at must not decide.
UNSTICK = """() => {
  window.unstuck = [...document.querySelectorAll("body *")].filter(
    (one) => getComputedStyle(one).position === "sticky" || one.matches(".demo"));
  window.unstuck.forEach((one) => one.style.setProperty("position", "static"));
}"""
# What passed is not described: that costs more than finding it.
RUN = """([within, runOnly]) => axe.run(within, { runOnly, resultTypes: ["violations"] })"""
RESTICK = """() => window.unstuck.forEach((one) => one.style.removeProperty("position"))"""


def findings(page: Page, within: str = "html", *, strict: bool = False) -> list[str]:
    """Run axe (WCAG 2.0 to 2.2, A and AA) and return what is serious or critical.

    Args:
        within: selects what is looked at, as a dialog on a page that was looked at before it opened.
        strict: return everything, and what is against best practice too.
    """
    page.wait_for_load_state()  # what was waited for may stand there before the styles do
    if page.evaluate("window.axe === undefined"):
        page.evaluate(AXE.read_text())
    page.evaluate(UNSTICK)
    result: dict[str, Any] = page.evaluate(RUN, [within, [*WCAG, "best-practice"] if strict else WCAG])
    page.evaluate(RESTICK)
    return [
        f"{page.url}: {violation['impact']} {violation['id']}: {json.dumps(node['target'])} {node['html'][:200]}"
        for violation in result["violations"]
        if strict or violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


def sideways(page: Page) -> list[str]:
    """Return the page's address if it scrolls sideways."""
    page.wait_for_load_state()
    wider = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [f"{page.url}: scrolls sideways"] if wider else []


def assert_axe_is_there() -> None:
    assert Path(AXE).exists(), "axe-core is missing: make assets"
