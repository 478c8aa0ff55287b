"""What does not fit folds where it can be reached: tabs, filters, the portal's navigation, the end of the menu."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import sign_in
from tests.support.server import LiveServer

VIEWS = "nav.views"


def test_tabs_and_filters_fold(live_server: LiveServer, new_page: Callable[..., Page]) -> None:
    page = new_page(width=390, height=844, language="en-GB")
    sign_in(page, live_server, "supervisor")
    page.goto(f"{live_server.url}/console/tickets/?view=solved")
    tabs, more = page.locator(f"{VIEWS} > .nav-tabs .nav-link"), page.locator(f"{VIEWS} [data-tabs-more]")
    expect(more).to_be_visible()
    expect(page.locator(f"{VIEWS} > .nav-tabs [aria-current]")).to_be_in_viewport(ratio=1)
    fits = "list => list.scrollWidth <= list.clientWidth"
    assert page.locator(f"{VIEWS} > .nav-tabs").evaluate(fits)
    inside = more.locator("[data-tabs-rest] .nav-link")
    assert tabs.count() + inside.count() >= 8
    more.locator("summary").click()
    inside.last.click()
    expect(page.locator(f"{VIEWS} > .nav-tabs [aria-current]")).to_be_in_viewport(ratio=1)  # it came out to be seen

    expect(page.get_by_role("searchbox")).to_be_visible()
    assignee = page.locator("[name=assignee]")
    expect(assignee).to_be_hidden()
    page.locator("label.filters-label").click()
    expect(assignee).to_be_visible()
    with page.expect_navigation():
        assignee.select_option("none")
    expect(page.locator("label.filters-label .count")).to_be_visible()  # how many are on is seen while they are folded

    # Turned to the side, everything fits, and is in its own order.
    page.set_viewport_size({"width": 1600, "height": 900})
    expect(more).to_be_hidden()
    assert page.locator("[data-view]").first.get_attribute("data-view") == "mine"
    expect(assignee).to_be_visible()
    expect(page.locator("label.filters-label")).to_be_hidden()


def test_the_portals_navigation_is_all_in_sight(live_server: LiveServer, new_page: Callable[..., Page]) -> None:
    for language in ("sr-Latn-RS", "en-GB"):
        page = new_page(width=360, height=740, language=language)
        sign_in(page, live_server, "ana", portal=True)
        page.goto(f"{live_server.url}/moj/")
        entries = page.locator(".portal-nav a:visible")  # "My account" is in the person's menu
        assert entries.count() == 6
        for entry in entries.all():
            expect(entry).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("path", ["/console/verify/", "/console/tickets/new"])
def test_one_can_type_at_once(live_server: LiveServer, new_page: Callable[..., Page], path: str) -> None:
    page = new_page()
    sign_in(page, live_server, "agent")
    page.goto(live_server.url + path)
    expect(page.locator("main input:not([type=hidden], [type=radio])").first).to_be_focused()
