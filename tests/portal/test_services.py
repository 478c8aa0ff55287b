"""Services and documents in the portal: who sees what, how a list goes on, what a page says."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from console.billing.service import cancel_proforma
from console.core.actor import SYSTEM
from console.core.transaction import transaction
from console.customers.models import Customer
from console.customers.rights import Right
from console.hosting.models import ProductKind, Service
from tests import factories
from tests.factories.migrations import Move, make_move
from tests.support.client import ConsoleClient, sign_in_person
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")

ENGLISH = {"Accept-Language": "en"}
STATEMENTS = 8


def _sign_in_user(client: ConsoleClient, customer: Customer, *rights: Right) -> None:
    sign_in_person(client, factories.make_member(customer, rights=rights).person.email)


def _executed() -> Move:
    move = make_move().to_approved()
    move.execute()
    return move


def test_a_list_has_what_the_reader_may_see_of_their_own_accounts(client: ConsoleClient) -> None:
    ana, _other = factories.ana(), factories.ana()
    labels = {
        (Right.PRODUCTS,): {"prodavnica-jasen.example.rs", "čajdžinica.example.rs"},
        (Right.PRODUCTS, Right.DOMAINS): 3,
        (Right.DOMAINS,): 1,
    }
    for rights, expected in labels.items():
        reader = client.application.test_client()
        assert isinstance(reader, ConsoleClient)
        _sign_in_user(reader, ana.customer, *rights)
        items = reader.get_json("/moj/services/").json["items"]
        assert len({one["id"] for one in items}) == len(items)
        if isinstance(expected, set):
            assert {one["label"] for one in items} == expected
        else:
            assert len(items) == expected
        domains = [one for one in items if one["kind"] == "domain"]
        assert len(domains) == (Right.DOMAINS in rights)
        # The name of the hosting is no business of who sees domains alone.
        assert all((one["hosted_with"] is not None) == (Right.PRODUCTS in rights) for one in domains)
    _sign_in_user(client, ana.customer, Right.TICKETS)
    assert client.get("/moj/services/").status_code == 404
    assert "/moj/services/" not in client.get("/moj/").text


def test_a_long_list_goes_on_by_key_searches_and_takes_few_statements(app: Flask, client: ConsoleClient) -> None:
    customer = factories.make_customer()
    product = factories.make_product()
    day = factories.today()
    for place in range(30):  # many end on one day
        factories.make_service(
            customer, product, label=f"sajt{place}.example.rs", paid_until=day + timedelta(place // 9)
        )
    sign_in_person(client, factories.owner_of(customer).person.email)
    with count_queries(app) as queries:
        first = client.get("/moj/services/", headers=ENGLISH)
    assert first.status_code == 200 and queries.count <= STATEMENTS
    found, cursor = [], ""
    while cursor is not None:
        page = client.get_json("/moj/services/", query_string={"next": cursor}).json
        found += page["items"]
        cursor = page["next"]
    assert [one["label"] for one in found] == [f"sajt{place}.example.rs" for place in range(30)]
    (hit,) = client.get_json("/moj/services/?search=sajt17").json["items"]
    assert hit["label"] == "sajt17.example.rs"
    assert client.get_json(f"/moj/services/?search={hit['number']}").json["items"] == [hit]
    for odd in ("x", "2026-13-01.4", ".", "2026-01-01.", "9" * 40):
        assert client.get_json("/moj/services/", query_string={"next": odd}).status_code == 200


def test_one_service_says_price_state_and_what_goes_with_it(client: ConsoleClient) -> None:
    ana = factories.ana()
    sign_in_person(client, ana.owner.person.email)
    shop = ana.services[0]
    page = client.get(f"/moj/services/{shop.id}", headers=ENGLISH).text
    assert "14,400.00 RSD" in page and "12,000.00 RSD" in page and "PDV 20 %" in page
    assert "hosted with this service" in page and ana.proformas[0].number in page
    _sign_in_user(client, ana.customer, Right.PRODUCTS)
    limited = client.get(f"/moj/services/{shop.id}", headers=ENGLISH).text
    assert ana.proformas[0].number not in limited and "hosted with this service" not in limited
    assert "Transfer to another customer" in page and "Transfer to another customer" not in limited


def test_a_service_of_another_account_is_not_there(client: ConsoleClient) -> None:
    ana, other = factories.ana(), factories.ana()
    sign_in_person(client, other.owner.person.email)
    assert client.get(f"/moj/services/{ana.services[0].id}").status_code == 404
    assert client.get("/moj/services/999999").status_code == 404


def test_a_moved_service_tells_nothing_of_its_former_owner(client: ConsoleClient) -> None:
    move = _executed()
    sign_in_person(client, factories.owner_of(move.new).person.email)
    page = client.get(f"/moj/services/{move.service_ids[0]}", headers=ENGLISH).text
    assert f"Transferred to this account ({move.ref})" in page
    assert move.old.name not in page and move.old.number not in page


def test_documents_are_filtered_and_say_what_is_to_pay(app: Flask, client: ConsoleClient) -> None:
    customer = factories.make_customer()
    service = factories.make_service(customer)
    wait = factories.make_proforma(customer, [service])
    paid = factories.make_proforma(customer, [service], paid=-1)
    half = factories.make_proforma(customer, [service], paid=400_000, issued_days_ago=30)
    gone = factories.make_proforma(customer, [service], cancelled=True)
    factories.make_proforma(factories.make_customer())
    sign_in_person(client, factories.owner_of(customer).person.email)
    numbers = {
        state: [one["number"] for one in client.get_json(f"/moj/documents/?state={state}").json["items"]]
        for state in ("all", "open", "paid", "cancelled")
    }
    assert numbers == {
        "all": [one.number for one in (gone, half, paid, wait)],
        "open": [half.number, wait.number], "paid": [paid.number], "cancelled": [gone.number],
    }  # fmt: skip
    with count_queries(app) as queries:
        page = client.get("/moj/documents/", headers=ENGLISH).text
    assert queries.count <= STATEMENTS
    assert "24,800.00 RSD" in page  # 14,400 and what is left of another 14,400
    assert "invoice" not in page.lower()
    one = client.get_json(f"/moj/documents/{half.number}").json["proforma"]
    assert (one["owed"], one["paid"], one["overdue"], one["lines"][0]["service"]) == (
        1_040_000, 400_000, True, service.number,
    )  # fmt: skip


def test_a_document_shows_how_it_is_paid_and_a_cancelled_one_does_not(client: ConsoleClient) -> None:
    customer = factories.make_customer()
    wait, gone = factories.make_proforma(customer), factories.make_proforma(customer, cancelled=True)
    sign_in_person(client, factories.owner_of(customer).person.email)
    page = client.get(f"/moj/documents/{wait.number}", headers=ENGLISH).text
    assert wait.reference in page and wait.issuer["account"] in page
    over = client.get(f"/moj/documents/{gone.number}", headers=ENGLISH).text
    assert "Do not pay it" in over and gone.reference not in over
    storno = client.get_json(f"/moj/documents/{gone.number}").json["proforma"]["storno"]
    response = client.get(f"/moj/documents/storno/{storno}", headers=ENGLISH)
    assert response.status_code == 200 and gone.number in response.text and "Pogrešno izdato" in response.text
    stranger = factories.owner_of(factories.make_customer())
    sign_in_person(client, stranger.person.email)
    for path in (wait.number, gone.number, f"storno/{storno}", "PR-1", "storno/ST-1"):
        assert client.get(f"/moj/documents/{path}").status_code == 404
    _sign_in_user(client, customer, Right.PRODUCTS)
    assert client.get(f"/moj/documents/{wait.number}").status_code == 404


def test_what_a_migration_made_of_a_document_stays_on_its_side(client: ConsoleClient) -> None:
    move = _executed()
    for customer in (move.old, move.new):
        sign_in_person(client, factories.owner_of(customer).person.email)
        other = move.new if customer is move.old else move.old
        for one in client.get_json("/moj/documents/").json["items"]:
            page = client.get(f"/moj/documents/{one['number']}", headers=ENGLISH)
            assert page.status_code == 200 and other.name not in page.text


def test_a_service_shows_its_renewals_to_who_reads_documents(client: ConsoleClient) -> None:
    customer = factories.make_customer()
    service: Service = factories.make_service(customer, factories.make_product(ProductKind.VPS))
    paid = factories.make_proforma(customer, [service], paid=-1)
    with transaction():
        cancel_proforma(SYSTEM, factories.make_proforma(customer, [service]), "Proba")
    sign_in_person(client, factories.owner_of(customer).person.email)
    assert f"Paid by pro-forma {paid.number}" in client.get(f"/moj/services/{service.id}", headers=ENGLISH).text
    _sign_in_user(client, customer, Right.PRODUCTS)
    assert paid.number not in client.get(f"/moj/services/{service.id}", headers=ENGLISH).text
