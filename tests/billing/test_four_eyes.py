"""The four-eyes rule: of requester, approver and executor nobody takes two steps in a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from console.core.actor import Actor
from console.core.errors import Conflict
from console.core.settings import Settings
from console.customers.models import Customer
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.factories import LineSpec
from tests.factories.migrations import Move, make_move
from tests.support.client import ConsoleClient, sign_in

pytestmark = [pytest.mark.only("sqlite"), pytest.mark.usefixtures("session")]
WORTH = 1_188_000  # of the document that moves, with PDV


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """The rule on, above the amounts that a test names."""
    return replace(settings, migration_four_eyes=True, migration_four_eyes_above=getattr(request, "param", {}))


def above(**amounts: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("settings", [amounts], indirect=True)


def clerk() -> Actor:
    return factories.actor_of(factories.make_staff(Role.BILLING))


def move_of(requester: Staff) -> Move:
    """A migration that ``requester`` asks for, with one document of 9.900,00 and PDV."""
    old = factories.make_customer()
    service = factories.make_service(old)
    factories.make_proforma(old, [LineSpec(service, 990_000)])
    move = make_move(old, services=[service])
    move.agent = factories.actor_of(requester)
    move.verification_id = factories.make_verification(requester, factories.owner_of(old)).id
    return move


def refused(call: Callable[[], Any], code: str = "four_eyes") -> None:
    with pytest.raises(Conflict) as caught:
        call()
    assert caught.value.code == code


def test_nobody_takes_two_steps_in_a_row() -> None:
    requester = factories.make_staff(Role.BILLING)
    move = move_of(requester)
    move.request()
    move.billing = factories.actor_of(requester)
    refused(move.approve)
    approver = move.billing = clerk()
    move.approve()
    refused(move.execute)
    move.billing = factories.actor_of(requester)  # a step lies between
    assert move.execute()["migration"]["state"] == "executed"
    assert approver.id != requester.id


@above(RSD=WORTH)
def test_up_to_the_amount_one_may_do_all(session: Session) -> None:
    requester = factories.make_staff(Role.BILLING)
    move = move_of(requester)
    move.billing = factories.actor_of(requester)
    move.request()
    move.approve()
    # A further document lifts it above: then the approval by the one who asked counts no more.
    factories.make_proforma(session.get_one(Customer, move.old.id), [LineSpec(move.services[0], 100)])
    move.billing = clerk()
    refused(move.execute, "four_eyes_approval")


@above(RSD=WORTH - 1)
def test_above_the_amount_it_holds() -> None:
    move = move_of(factories.make_staff(Role.AGENT))
    move.to_approved()
    refused(move.execute)
    move.billing = clerk()
    move.execute()


@above(EUR=1)
def test_a_currency_without_an_amount_is_above_it() -> None:
    move = move_of(factories.make_staff(Role.AGENT)).to_approved()
    refused(move.execute)


def test_an_administrator_sets_it_on_a_page(client: ConsoleClient, session: Session) -> None:
    sign_in(client, Role.ADMIN)
    address = "/console/settings/billing/"
    off = {"migration_four_eyes": "no", "migration_four_eyes_above_rsd": "0", "migration_four_eyes_above_eur": "0"}
    assert client.submit(address, json=True, **off).status_code == 200
    move = move_of(factories.make_staff(Role.AGENT)).to_approved()
    on = off | {"migration_four_eyes": "yes", "migration_four_eyes_above_rsd": "11.879,99"}
    assert client.submit(address, json=True, **on).status_code == 200
    refused(move.execute)
    assert client.submit(address, json=True, migration_four_eyes_above_rsd="11.880,00").status_code == 200
    assert move.execute()["migration"]["state"] == "executed"


def test_the_page_says_why_there_is_no_button_and_who_may(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], session: Session
) -> None:
    move = move_of(factories.make_staff(Role.AGENT))
    colleague = factories.make_staff(Role.BILLING, name="Snežana Đukić")
    gone = factories.make_staff(Role.BILLING, name="Bivši Kolega", active=False)
    move.to_approved()
    address = f"/console/migrations/{move.ref}"
    sign_in(client, staff=session.get_one(Staff, move.billing.id))
    page = client.get(address, headers={"Accept-Language": "sr"}).text
    assert "Vi ste odobrili ovu migraciju" in page and colleague.name in page and gone.name not in page
    assert f'action="{address}/execute"' not in page
    preview = client.get_json(f"{address}/preview").get_json()
    assert preview["four_eyes"] == "four_eyes"
    fields = {"plan": preview["plan"], "idempotency_key": "k"}
    answer = client.submit(f"{address}/execute", json=True, **fields)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (409, "four_eyes")

    other = new_client()
    sign_in(other, staff=session.get_one(Staff, colleague.id))
    assert f'action="{address}/execute"' in other.get(address).text
    assert other.get_json(f"{address}/preview").get_json()["four_eyes"] is None
    assert other.submit(f"{address}/execute", json=True, **fields).status_code == 200
