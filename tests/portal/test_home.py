"""Home: what waits for a customer, in few statements and few bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urljoin

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from console.core.transaction import transaction
from console.customers.models import CustomerKind, MemberRole, Membership
from console.customers.rights import Right
from console.staff.roles import Role
from console.tickets.models import TicketStatus
from tests import factories
from tests.factories.migrations import make_move
from tests.support.client import ConsoleClient, sign_in_person
from tests.support.queries import count_queries
from tests.tickets.canned.support import make_ticket

pytestmark = pytest.mark.only("sqlite")

ENGLISH = {"Accept-Language": "en"}
MOST_BYTES = 150 * 1024


@pytest.fixture
def owner(session: Session) -> Membership:
    return factories.owner_of(factories.make_customer(CustomerKind.COMPANY))


def fill(owner: Membership) -> None:
    """Give the account two of everything that home shows."""
    customer = owner.customer
    for days in (4, 400):
        factories.make_service(customer, paid_until=factories.today() + timedelta(days=days))
        factories.make_proforma(customer)
        ticket = make_ticket(subject=f"Pitanje {days}", requester_email=owner.person.email)
        with transaction():
            ticket.customer_id = customer.id
            ticket.status = TicketStatus.WAITING if days == 4 else TicketStatus.OPEN
    factories.make_verification(factories.make_staff(Role.AGENT), owner)


def test_what_waits_is_shown_to_those_whose_it_is(owner: Membership, new_client: Callable[[], ConsoleClient]) -> None:
    fill(owner)
    texts = {Right.PRODUCTS: "ends in", Right.INVOICES: "To pay", Right.TICKETS: "waiting for you"}
    for right in (*texts, None):
        member = owner if right is None else factories.make_member(owner.customer, rights=[right])
        browser = new_client()
        sign_in_person(browser, member.person.email)
        page = browser.get("/moj/", headers=ENGLISH).text
        assert {one: words in page for one, words in texts.items()} == {one: right in (one, None) for one in texts}
        assert "Update account" in page and "Support PIN" in page


def test_the_page_takes_few_statements_however_much_there_is(
    app: Flask, client: ConsoleClient, owner: Membership
) -> None:
    sign_in_person(client, owner.person.email)
    counts = []
    for _ in range(2):
        fill(owner)
        client.get("/moj/")  # a new PIN is made once
        with count_queries(app) as page:
            assert client.get("/moj/").status_code == 200
        counts.append(page.count)
    assert counts[0] == counts[1] <= 8, "\n".join(page)


def test_a_migration_under_way_is_shown_to_both_sides(
    session: Session, new_client: Callable[[], ConsoleClient]
) -> None:
    move = make_move()
    move.request()
    for customer, words in ((move.old, "from this account"), (move.new, "to this account")):
        browser = new_client()
        sign_in_person(browser, factories.owner_of(customer).person.email)
        page = browser.get("/moj/", headers=ENGLISH).text
        assert move.ref in page and words in page


def test_a_person_on_several_accounts_switches_in_the_bar(client: ConsoleClient, owner: Membership) -> None:
    second = factories.make_member(factories.make_customer(), MemberRole.USER, person=owner.person)
    sign_in_person(client, owner.person.email)
    page = client.get(f"/moj/profile?account={owner.customer.number}").text
    assert f'href="/moj/?account={second.customer.number}"' in page  # there is no profile for them there
    assert f'href="/moj/profile?account={owner.customer.number}"' in page


def test_the_transfer_is_small_enough_for_a_phone(client: ConsoleClient, owner: Membership) -> None:
    fill(owner)
    sign_in_person(client, owner.person.email)
    sizes: dict[str, int] = {}
    letters = frozenset(client.get("/moj/", headers={"Accept-Language": "sr-Latn"}).text)
    assert letters & frozenset("čćšžđ")
    paths = ["/moj/"]
    while paths:
        path = paths.pop()
        if path in sizes:
            continue
        answer = client.get(path, headers={"Accept-Encoding": "gzip", "Accept-Language": "sr-Latn"})
        assert answer.status_code == 200, path
        sizes[path] = len(answer.data)
        if ".woff2" not in path:
            paths += [urljoin(path, found) for found in linked(path, client.get(path).text, letters)]
    assert len(sizes) > 8 and sum(".woff2" in path for path in sizes) == 2, sizes
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def linked(path: str, text: str, letters: frozenset[str]) -> list[str]:
    """Return what a page, a style or a module loads at once; of the fonts those that have letters of the page."""
    if path.endswith("/"):
        tags = re.findall(r"<(?:link|script)\b[^>]*>", text)
        return [found for tag in tags for found in re.findall(r'(?:href|src)="([^"]+)"', tag)]
    if ".js" in path:
        return re.findall(r"(?:from|import)\s*['\"]([^'\"]+)['\"]", text)
    faces = re.findall(r"@font-face[^}]+\}", text)
    return [url for face in faces if has_any(face, letters) for url in re.findall(r'url\("([^"]+)"', face)]


def has_any(face: str, letters: frozenset[str]) -> bool:
    """Return whether a font's range has one of the letters, as a browser asks."""
    found = re.findall(r"U\+([0-9A-F]+)(?:-([0-9A-F]+))?", face)
    ranges = [(int(first, 16), int(last or first, 16)) for first, last in found]
    return any(first <= ord(letter) <= last for letter in letters for first, last in ranges)
