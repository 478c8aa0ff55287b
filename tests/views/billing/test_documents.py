"""A pro-forma's and a storno's page: the document itself, its relations, and who may open it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from console.billing.models import Storno
from console.core.transaction import transaction
from console.customers.models import TaxStatus
from console.customers.rights import Right
from console.customers.verification.service import end
from console.staff.roles import Role
from tests import factories
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")


def test_all_that_a_document_says(client: ConsoleClient) -> None:
    customer = factories.make_customer(name="Mlekara Jasen", address="Sirarska 3", city="Zlatibor")
    service = factories.make_service(customer)
    proforma = factories.make_proforma(customer, [service], paid=400_000)
    sign_in(client, Role.BILLING)
    page = client.get(f"/console/proformas/{proforma.number}", headers={"Accept-Language": "sr"}).text
    for text in (
        proforma.number, "Mlekara Jasen", "Sirarska 3", "Zlatibor", "Mint Hosting d.o.o.", service.number,
        "12.000,00", "2.400,00", "14.400,00 RSD", "10.400,00 RSD", proforma.reference, "840-955845-10", "delimično",
    ):  # fmt: skip
        assert text in page, text
    answer = client.get_json(f"/console/proformas/{proforma.number}").json["proforma"]
    assert answer["total"] == 1_440_000
    assert answer["customer"] == customer.number
    assert answer["lines"][0]["service"] == service.number


def test_what_is_still_owed_shows_wherever_the_document_does(client: ConsoleClient) -> None:
    """A part was paid and the day has passed: both are said, and the amount is what is left."""
    customer = factories.make_customer()
    number = factories.make_proforma(customer, issued_days_ago=30, paid=400_000).number
    whole = factories.make_proforma(customer, issued_days_ago=30).number
    sign_in(client, Role.BILLING)
    for address in (
        "/console/proformas/",
        f"/console/proformas/{number}",
        f"/console/customers/{customer.number}?tab=documents",
        "/console/",
    ):
        page = client.get(address, headers={"Accept-Language": "sr"}).text
        assert "10.400,00 RSD" in page and "preostalo od 14.400,00 RSD" in page, address
        assert "delimično plaćen, kasni" in page or address == "/console/", "there all are overdue"
    (found,) = client.get_json(f"/console/palette/?q={number}").json["groups"][0]["items"]
    assert "10.400,00 RSD preostalo od 14.400,00 RSD · delimično plaćen, kasni" in found.values()
    for answer in (
        client.get_json(f"/console/proformas/{number}").json["proforma"],
        next(row for row in client.get_json("/console/proformas/").json["items"] if row["number"] == number),
        next(
            row
            for row in client.get_json(f"/console/customers/{customer.number}").json["proformas"]
            if row["number"] == number
        ),
    ):
        assert (answer["total"], answer["paid"], answer["owed"], answer["overdue"]) == (
            1_440_000, 400_000, 1_040_000, True,
        )  # fmt: skip
    exported = client.get("/console/proformas/export/csv/", headers={"Accept-Language": "en"}).text
    rows = {row["Number"]: row for row in csv.DictReader(io.StringIO(exported.lstrip("\ufeff")))}
    assert (rows[number]["Amount"], rows[number]["Outstanding"], rows[number]["Overdue"]) == (
        "14400.00",
        "10400.00",
        "yes",
    )
    assert rows[whole]["Outstanding"] == "14400.00"


def test_why_there_is_no_tax(client: ConsoleClient) -> None:
    abroad = factories.make_proforma(factories.make_customer(tax_status=TaxStatus.ABROAD, country="DE"))
    sign_in(client, Role.BILLING)
    page = client.get(f"/console/proformas/{abroad.number}", headers={"Accept-Language": "sr"}).text
    assert "mesto prometa je kod kupca" in page


def test_storno_and_original_point_at_each_other(client: ConsoleClient, session: Session) -> None:
    proforma = factories.make_proforma(factories.make_customer(), cancelled=True)
    storno = session.query(Storno).one()
    sign_in(client, Role.BILLING)
    original = client.get(f"/console/proformas/{proforma.number}").text
    assert f'href="/console/stornos/{storno.number}"' in original
    assert "paper is-void" in original
    page = client.get(f"/console/stornos/{storno.number}").text
    assert f'href="/console/proformas/{proforma.number}"' in page
    assert "−14.400,00 RSD" in page
    answer = client.get_json(f"/console/stornos/{storno.number}").json["storno"]
    assert (answer["proforma"], answer["total"]) == (proforma.number, -1_440_000)


def test_queries_do_not_grow_with_lines(app: Flask, client: ConsoleClient) -> None:
    customer = factories.make_customer()
    short = factories.make_proforma(customer, [factories.make_service(customer)]).number
    long = factories.make_proforma(customer, [factories.make_service(customer) for _ in range(12)]).number
    sign_in(client, Role.BILLING)
    counts = []
    for number in (short, long):
        with count_queries(app) as seen:
            client.get(f"/console/proformas/{number}")
        counts.append(seen.count)
    assert counts[0] == counts[1] <= 7


class TestWhoMayOpenOne:
    @pytest.mark.parametrize("role", [Role.AGENT, Role.ADMIN])
    def test_not_without_a_verification(self, client: ConsoleClient, session: Session, role: Role) -> None:
        proforma = factories.make_proforma(factories.make_customer(), cancelled=True)
        storno = session.query(Storno).one()
        sign_in(client, role)
        for path in (f"proformas/{proforma.number}", f"stornos/{storno.number}"):
            assert client.get(f"/console/{path}").status_code == 404
            assert client.get_json(f"/console/{path}").status_code == 404

    def test_under_a_verification_with_the_right(self, client: ConsoleClient, session: Session) -> None:
        customer = factories.make_customer()
        mine = factories.make_proforma(customer).number
        other = factories.make_proforma(factories.make_customer()).number
        staff = sign_in(client, Role.AGENT)
        verification = factories.make_verification(staff, factories.owner_of(customer))
        assert client.get(f"/console/proformas/{mine}").status_code == 200
        assert client.get(f"/console/proformas/{other}").status_code == 404
        assert client.get("/console/proformas/").status_code == 404
        with transaction():
            end(staff.actor(), verification.id)
        assert client.get(f"/console/proformas/{mine}").status_code == 404

    def test_not_with_another_right(self, client: ConsoleClient) -> None:
        customer = factories.make_customer()
        number = factories.make_proforma(customer).number
        staff = sign_in(client, Role.AGENT)
        member = factories.make_member(customer, rights=frozenset({Right.DOMAINS, Right.PRODUCTS}))
        factories.make_verification(staff, member)
        assert client.get(f"/console/proformas/{number}").status_code == 404

    def test_a_colleagues_verification_opens_nothing(
        self, client: ConsoleClient, new_client: Callable[[], ConsoleClient]
    ) -> None:
        customer = factories.make_customer()
        number = factories.make_proforma(customer).number
        factories.make_verification(sign_in(new_client(), Role.AGENT), factories.owner_of(customer))
        sign_in(client, Role.AGENT)
        assert client.get(f"/console/proformas/{number}").status_code == 404


def test_a_copy_of_a_thousand_lines_draws_the_services_once(client: ConsoleClient) -> None:
    """A line keeps its service, also one that an account with very many does not offer."""
    customer = factories.make_customer()
    services = [factories.make_service(customer) for _number in range(201)]
    proforma = factories.make_proforma(customer, [services[place % 201] for place in range(1_000)])
    sign_in(client, Role.BILLING)
    page = client.get(f"/console/proformas/{proforma.number}/correct")
    assert len(page.data) < 2_500_000
    assert page.text.count("<option") < 1_000 * 2 + 3 * 402
    chosen = re.findall(r'<option value="charge:(\d+)" selected', page.text)
    assert [int(key) for key in chosen] == [line.service_id for line in proforma.lines]


def test_the_copy_of_a_short_document_offers_each_line_every_service(client: ConsoleClient) -> None:
    """Without a script there is nothing that fills a line in."""
    customer = factories.make_customer()
    services = [factories.make_service(customer) for _number in range(4)]
    proforma = factories.make_proforma(customer, services)
    sign_in(client, Role.BILLING)
    page = client.get(f"/console/proformas/{proforma.number}/correct").text
    assert page.count('<option value="renew:') == page.count('<option value="charge:') == 4 * 4
    assert "data-partial" not in page
