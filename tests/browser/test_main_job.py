"""The main job in Serbian, with what goes wrong on the way: a wrong PIN, an unknown owner, a tick that is missing.

In English it goes as the README tells it: ``test_readme_walks.py``. Axe looks here at what pages say when it goes
wrong; at the pages themselves in ``test_pages.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.pages import findings, sideways, sign_in
from tests.support.server import LiveServer


def test_verify_request_approve_execute(own_server: Callable[..., LiveServer], new_page: Callable[..., Page]) -> None:
    server = own_server(demo=True)
    problems: list[str] = []

    customer = new_page(width=390, height=844)
    sign_in(customer, server, "ana", portal=True)
    customer.goto(f"{server.url}/moj/")
    pin = re.sub(r"\D", "", customer.locator(".pin-code").first.inner_text())
    assert len(pin) == 6

    agent = new_page()
    sign_in(agent, server, "agent")
    agent.goto(f"{server.url}/console/verify/")
    agent.keyboard.press("Control+k")
    agent.keyboard.type("Ana ")
    option = agent.get_by_role("option").filter(has_text="Ana").filter(has_text="K-").first
    expect(option).to_be_visible()
    agent.keyboard.press("Escape")

    # The caller says e-mail and PIN; a wrong one first.
    agent.fill("[name=email]", "ana@example.test")
    agent.fill("[name=pin]", "000000" if pin != "000000" else "111111")
    agent.keyboard.press("Enter")
    expect(agent.locator("[name=email]").first).to_have_value("ana@example.test")
    expect(agent.locator("[name=pin]").first).to_have_value("")
    problems += findings(agent)
    agent.locator("[name=pin]").first.fill(f"{pin[:3]} {pin[3:]}")
    agent.keyboard.press("Enter")
    agent.wait_for_url("**/console/customers/K-*")
    expect(agent.locator(".badge-ok").first).to_be_visible()
    problems += findings(agent)

    agent.get_by_role("link", name="Prenesi uslugu").first.click()
    agent.wait_for_url("**/migrations/new**")
    agent.locator("[name=service]:enabled").first.check()
    agent.fill("[name=to_customer]", "nobody-there@example.test")
    agent.fill("[name=reason]", "Prodaja sajta")
    agent.get_by_role("button", name="Zatraži migraciju").click()
    expect(agent.get_by_role("alert").first).to_be_visible()
    expect(agent.locator("[name=reason]")).to_have_value("Prodaja sajta")
    problems += findings(agent) + sideways(agent)
    agent.fill("[name=to_customer]", "novi@example.test")
    agent.get_by_role("button", name="Zatraži migraciju").click()
    agent.wait_for_url("**/migrations/M-*")
    assert agent.locator(".diff").count() == 0, "documents are not for agents"
    story = agent.url

    billing = new_page()
    sign_in(billing, server, "billing")
    billing.goto(story)
    previewed = billing.locator(".doc-issue .doc-total .num").all_inner_texts()
    assert len(previewed) == 2
    for button in ("Odobri migraciju", "Izvrši migraciju"):
        billing.get_by_role("button", name=button).click()
        assert billing.locator(".execute [type=checkbox]").evaluate("box => !box.validity.valid"), "the tick is needed"
        billing.locator(".execute [type=checkbox]").check()
        billing.get_by_role("button", name=button).click()
        expect(billing.get_by_role("button", name=button)).to_have_count(0)
    assert billing.locator(".doc-issue .doc-total .num").all_inner_texts() == previewed
    expect(billing.locator(".doc-issue a.ref")).to_have_count(2)
    billing.locator(".doc-issue a.ref").first.click()
    billing.wait_for_url("**/proformas/PR-*")

    # What was verified ends by hand, and closes at once.
    agent.goto(f"{server.url}/console/customers/{_account(agent, server)}")
    agent.get_by_role("button", name=re.compile("Završi|Zatvori")).first.click()
    expect(agent.locator(".masked").first).to_be_visible()
    assert "ana@example.test" not in agent.content()
    assert problems == []


def _account(page: Page, server: LiveServer) -> str:
    answer = page.request.get(
        f"{server.url}/console/customers/?search=Ana", headers={"Accept": "application/json"}
    ).json()
    number: str = next(row["number"] for row in answer["items"] if "Ana" in row["name"])
    return number
