"""The FAQ's way to a DNS record, in Serbian, on a phone and wide; the real name server answers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.pages import findings, sideways, sign_in
from tests.support.name_servers import PowerDnsServer, query
from tests.support.server import LiveServer

DOMAIN = "prodavnica-jasen.example.rs"


def test_a_record_is_added_and_deleted_as_the_faq_says(
    own_server: Callable[..., LiveServer], new_page: Callable[..., Page], power_dns: PowerDnsServer
) -> None:
    server = own_server(demo=True, DNS_URL=power_dns.url)
    page = new_page(width=390, height=844)
    page.set_default_timeout(8_000)
    page.goto(f"{server.url}/moj/login")
    sign_in(page, server, "ana", portal=True)
    for name, size in (("telefon", (390, 844)), ("sirok", (1280, 720))):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.goto(f"{server.url}/moj/")
        page.get_by_role("navigation").get_by_role("link", name="Domeni", exact=True).click()
        page.get_by_role("link", name="Upravljanje DNS zonama", exact=True).click()
        page.get_by_role("listitem").filter(has_text=DOMAIN).get_by_role("link", name=re.compile("^Manage")).click()
        expect(page.get_by_role("heading", name=DOMAIN)).to_be_visible()
        page.locator("#add > summary").click()  # the "+"
        page.get_by_label("Naziv", exact=True).fill(name)
        page.get_by_label("Vrednost", exact=True).fill("203.0.113.77")
        page.get_by_role("button", name="Dodaj zapis").click()
        expect(page.locator(".dns-undo")).to_contain_text("Zapis dodat")
        answered(power_dns, f"{name}.{DOMAIN}", ["203.0.113.77"])
        page.get_by_role("button", name=f"Obriši {name} A").click()  # the "X"
        expect(page.locator(".dns-undo")).to_contain_text("Zapis obrisan")
        answered(power_dns, f"{name}.{DOMAIN}", [])
        assert findings(page, "main") == [] and sideways(page) == []
        page.get_by_role("button", name="Poništi").click()
        expect(page.locator(".dns-undo")).to_contain_text(re.compile(r"Vraćena verzija \d+"))
        expect(page.locator("tr", has_text=name)).to_contain_text("203.0.113.77")


def answered(server: PowerDnsServer, name: str, expected: list[str]) -> None:
    """Wait until the name server answers so."""
    until = time.monotonic() + 15
    found = query(server.port, name, "A")
    while found != expected and time.monotonic() < until:
        time.sleep(0.2)
        found = query(server.port, name, "A")
    assert found == expected
