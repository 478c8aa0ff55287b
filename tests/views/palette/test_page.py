"""Ctrl-K finds only what its user may open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from console.core.transaction import transaction
from console.customers.rights import Right
from console.customers.verification.service import end
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

pytestmark = pytest.mark.both


class Account:
    """An account whose name, domain and document share a word."""

    def __init__(self, word: str) -> None:
        self.customer = factories.make_customer(name=f"{word} d.o.o.")
        self.service = factories.make_service(self.customer)
        self.domain = factories.make_domain(self.service, f"{word.lower()}.example.rs")
        self.proforma = factories.make_proforma(self.customer, [self.service])
        self.storno = factories.make_proforma(self.customer, [self.service], cancelled=True).storno


def find(client: ConsoleClient, typed: str) -> dict[str, list[dict[str, Any]]]:
    answer = client.get_json("/console/palette/", query_string={"q": typed})
    assert answer.status_code == 200
    return {group["name"]: group["items"] for group in answer.json["groups"]}


def names(client: ConsoleClient, typed: str) -> dict[str, set[str]]:
    return {group: {item["name"] for item in items} for group, items in find(client, typed).items()}


@pytest.fixture
def accounts(session: Session) -> tuple[Account, Account]:
    with transaction():
        return Account("Jasenje"), Account("Jasenovo")


def test_documents_by_role(client: ConsoleClient, accounts: tuple[Account, Account]) -> None:
    sign_in(client, Role.BILLING)
    found = find(client, "jasen")
    assert len(found) == 3
    customers, domains, documents = (({item["name"] for item in group}) for group in found.values())
    assert customers == {"Jasenje d.o.o.", "Jasenovo d.o.o."}
    assert domains == {"jasenje.example.rs", "jasenovo.example.rs"}
    assert {one.proforma.number for one in accounts} <= documents


def test_stornos_by_number(client: ConsoleClient, accounts: tuple[Account, Account]) -> None:
    number = accounts[0].storno.number
    sign_in(client, Role.BILLING)
    assert any(number in group for group in names(client, number.lower()).values())


WAYS = (
    "{check}{body}",
    "97 {check}{body}",
    "97-{check}-{year}-{rest}",
    "{check} {year} {rest}",
    "{check}{year}{rest6}",
)


@pytest.mark.parametrize("way", WAYS)
def test_documents_and_payments_by_reference(
    client: ConsoleClient, accounts: tuple[Account, Account], way: str
) -> None:
    proforma = accounts[0].proforma
    payment = factories.pay_proforma(proforma, 1_000, reference=f"97 {proforma.reference}")
    check, year, rest = proforma.reference[:2], proforma.reference[2:6], proforma.reference[6:]
    typed = way.format(check=check, body=year + rest, year=year, rest=rest, rest6=rest[:4])
    sign_in(client, Role.BILLING)
    found = list(names(client, typed).values())
    assert proforma.number in found[0] and any(name.startswith(payment.number) for name in found[1])
    assert accounts[1].proforma.number not in found[0] or way is WAYS[-1]
    assert list(names(client, payment.number.lower()).values())[-1] == {f"{payment.number} · {payment.reference}"}


@pytest.mark.parametrize("typed", ["11.880,00", "11,880.00", "11880", "11880,00 RSD", "11.880,00 din."])
def test_documents_by_amount(client: ConsoleClient, accounts: tuple[Account, Account], typed: str) -> None:
    customer = accounts[0].customer
    line = factories.LineSpec(None, net=990_000)
    proforma, cancelled = (factories.make_proforma(customer, [line], cancelled=one) for one in (False, True))
    sign_in(client, Role.BILLING)
    (found,) = names(client, typed).values()
    assert found == {proforma.number, cancelled.number, cancelled.storno.number}
    sign_in(client, Role.AGENT)
    assert names(client, typed) == {}


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("typed", ["jasen", "11.880,00", "97 16-2026-000001", "UP-1", "PR-2026-000001"])
def test_it_takes_at_most_eight_statements(
    app: Flask, client: ConsoleClient, accounts: tuple[Account, Account], typed: str
) -> None:
    sign_in(client, Role.BILLING)
    find(client, typed)
    with count_queries(app) as seen:
        find(client, typed)
    assert seen.count <= 8, "\n".join(seen)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "typed", ["9" * 200, "97 " * 60, "1e9", "٣٤٥٦٧٨٩", "1" * 19, "99999999999999999,99", "UP-" + "9" * 30]
)
def test_odd_numbers_find_nothing(client: ConsoleClient, accounts: tuple[Account, Account], typed: str) -> None:
    sign_in(client, Role.BILLING)
    assert names(client, typed) == {}


def test_an_agent_finds_number_and_name_only(client: ConsoleClient, accounts: tuple[Account, Account]) -> None:
    sign_in(client, Role.AGENT)
    found = names(client, "jasen")
    assert list(found.values()) == [{"Jasenje d.o.o.", "Jasenovo d.o.o."}]
    assert names(client, accounts[0].proforma.number) == {}
    assert names(client, accounts[0].storno.number) == {}
    assert names(client, "jasenje.example") == {}


def test_a_verification_opens_its_account_only(
    client: ConsoleClient, accounts: tuple[Account, Account], clock: Clock
) -> None:
    mine, other = accounts
    staff = sign_in(client, Role.AGENT)
    verification = factories.make_verification(staff, factories.owner_of(mine.customer))
    found = set().union(*names(client, "jasen").values())
    assert {"jasenje.example.rs", mine.proforma.number} <= found
    assert not {"jasenovo.example.rs", other.proforma.number} & found
    with transaction():
        end(staff.actor(), verification.id)
    assert "jasenje.example.rs" not in set().union(*names(client, "jasen").values())


@pytest.mark.only("sqlite")
def test_it_closes_with_its_time(client: ConsoleClient, accounts: tuple[Account, Account], clock: Clock) -> None:
    staff = sign_in(client, Role.AGENT)
    factories.make_verification(staff, factories.owner_of(accounts[0].customer))
    assert len(names(client, "jasenje")) == 3
    clock.advance(timedelta(minutes=31))
    assert len(names(client, "jasenje")) == 1


@pytest.mark.parametrize(
    ("rights", "opened"),
    [({Right.DOMAINS}, "jasenje.example.rs"), ({Right.INVOICES}, "PR-"), ({Right.TICKETS}, None)],
)
def test_it_opens_what_the_person_holds(
    client: ConsoleClient, accounts: tuple[Account, Account], rights: set[Right], opened: str | None
) -> None:
    staff = sign_in(client, Role.AGENT)
    member = factories.make_member(accounts[0].customer, rights=frozenset(rights))
    factories.make_verification(staff, member)
    found = find(client, "jasenje")
    assert len(found) == (1 if opened is None else 2)
    if opened:
        assert all(item["name"].startswith(opened) for item in list(found.values())[1])


@pytest.mark.only("sqlite")
def test_a_colleagues_verification_opens_nothing(
    client: ConsoleClient, accounts: tuple[Account, Account], session: Session
) -> None:
    factories.make_verification(factories.make_staff(Role.AGENT), factories.owner_of(accounts[0].customer))
    sign_in(client, Role.AGENT)
    assert len(names(client, "jasenje")) == 1


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("role", list(Role))
def test_commands_are_pages_one_may_open(client: ConsoleClient, role: Role) -> None:
    sign_in(client, role)
    commands = [item for items in find(client, "").values() for item in items]
    assert commands
    for command in commands:
        assert client.get(command["url"]).status_code == 200, command


@pytest.mark.only("sqlite")
def test_commands_by_their_beginnings(client: ConsoleClient) -> None:
    sign_in(client, Role.AGENT)
    client.submit("/preferences", language="sr_Latn")
    items = client.get_json("/console/palette/?q=korisn").json["groups"][0]["items"]
    assert items[0]["url"] == "/console/customers/"


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("language", ["sr_Latn", "en"])
def test_commands_by_other_forms_in_both_languages(client: ConsoleClient, language: str) -> None:
    sign_in(client, Role.SUPERVISOR)
    client.submit("/preferences", language=language)

    def first(typed: str) -> str:
        groups = find(client, typed)
        return str(list(groups.values())[-1][0]["url"]) if groups else ""

    for typed in ("nov tiket", "novi tik", "novog tiketa", "Нови тикет", "new ticket", "tickets new"):
        assert first(typed) == "/console/tickets/new/", typed
    for typed in ("korisnika", "korisnicima", "customer"):
        assert first(typed) == "/console/customers/", typed
    for typed in ("novo odeljenje", "new department", "departments new"):
        assert first(typed) == "/console/departments/new/", typed
    assert first("nešto sasvim drugo") == ""


@pytest.mark.only("sqlite")
def test_what_may_be_begun_is_by_role(new_client: Callable[[], ConsoleClient]) -> None:
    for role, address in ((Role.ADMIN, "/console/tickets/new/"), (Role.BILLING, "/console/departments/new/")):
        client = new_client()
        sign_in(client, role)
        assert address not in str(find(client, "")), role


@pytest.mark.parametrize("typed", ["***", "\"'", "😀"])
@pytest.mark.only("sqlite")
def test_signs_alone_are_nothing_to_search_for(client: ConsoleClient, typed: str) -> None:
    sign_in(client, Role.SUPERVISOR)
    answer = client.get_json("/console/palette/", query_string={"q": typed}).json
    assert answer["groups"] == []
    assert answer["message"]


@pytest.mark.parametrize("typed", ["\0", "%", "*", '"', "a" * 5000, "OR", "NEAR(", "ћ", "-", "'; --"])
def test_anything_can_be_typed(client: ConsoleClient, typed: str) -> None:
    sign_in(client, Role.BILLING)
    find(client, typed)


@pytest.mark.only("sqlite")
def test_nobody_signed_in(client: ConsoleClient, app: Flask) -> None:
    assert client.get_json("/console/palette/?q=x").status_code == 401
