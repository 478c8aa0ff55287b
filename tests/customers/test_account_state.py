"""Suspending, closing and reopening an account: who may, what it means, and what its owner is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.customers.models import Customer, CustomerStatus
from console.customers.queries import customer_by_number, live_verification
from console.customers.service import MAX_REASON, close_customer, reopen_customer, suspend_customer
from console.staff.roles import Role
from tests import factories
from tests.customers.account.support import audited, mails
from tests.support.client import ConsoleClient, sign_in, sign_in_person

# What a page shows does not depend on the database.
pytestmark = pytest.mark.only("sqlite")


def supervisor() -> Actor:
    return factories.actor_of(factories.make_staff(Role.SUPERVISOR))


def status_of(number: str) -> CustomerStatus:
    db.session.expire_all()
    return customer_by_number(number).status


def test_a_supervisor_suspends_closes_and_reopens_on_the_page(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], session: Session
) -> None:
    customer = factories.make_customer()
    number, owner = customer.number, factories.owner_of(customer).person.email
    page, state = f"/console/customers/{number}", f"/console/customers/{number}/state"
    sign_in(client, Role.SUPERVISOR)
    portal = new_client()
    sign_in_person(portal, owner)
    assert f'href="{state}"' in client.get(page).text

    assert client.submit(state, state="suspended", reason="Dug stariji od 60 dana").status_code == 303
    assert status_of(number) is CustomerStatus.SUSPENDED
    assert "Ovaj nalog je suspendovan." in portal.get("/moj/").text

    unticked = client.submit(state, state="closed", reason="Na zahtev vlasnika")
    assert unticked.status_code == 422 and "Na zahtev vlasnika" in unticked.text  # what was typed is not lost
    assert status_of(number) is CustomerStatus.SUSPENDED
    assert client.submit(state, state="closed", reason="Na zahtev vlasnika", confirmed="1").status_code == 303
    assert status_of(number) is CustomerStatus.CLOSED
    assert number not in portal.get("/moj/").text

    answer = client.submit(state, json=True, state="active", reason="Dug je izmiren")
    assert answer.json == {"customer": {"number": number, "status": "active"}}
    assert "Ovaj nalog je suspendovan." not in portal.get("/moj/").text and number in portal.get("/moj/").text
    notified = [(mail.to_address, mail.subject.removeprefix(f"Nalog {number} je ")) for mail in mails("account_state")]
    assert notified == [(owner, "suspendovan"), (owner, "zatvoren"), (owner, "ponovo otvoren")]
    assert "Razlog: Dug stariji od 60 dana" in mails("account_state")[0].text
    steps = [(entry.data["before"], entry.data["after"]) for entry in audited("customer.status_changed")]
    assert steps == [("active", "suspended"), ("suspended", "closed"), ("closed", "active")]


@pytest.mark.parametrize("verb", [suspend_customer, close_customer, reopen_customer])
@pytest.mark.parametrize("role", [Role.AGENT, Role.BILLING, Role.ADMIN])
def test_no_other_role_changes_the_state(
    session: Session, verb: Callable[[Actor, Customer, str], None], role: Role
) -> None:
    customer = factories.make_customer()
    with pytest.raises(NotFound), transaction():
        verb(factories.actor_of(factories.make_staff(role)), customer, "Dug")
    assert (status_of(customer.number), mails("account_state")) == (CustomerStatus.ACTIVE, [])


@pytest.mark.parametrize("reason", ["", " \n ", "x" * (MAX_REASON + 1)])
def test_a_reason_is_needed(session: Session, reason: str) -> None:
    customer = factories.make_customer()
    with pytest.raises(Invalid) as refusal, transaction():
        suspend_customer(supervisor(), customer, reason)
    assert list(refusal.value.fields) == ["reason"] and status_of(customer.number) is CustomerStatus.ACTIVE


@pytest.mark.parametrize(
    ("status", "verb"),
    [
        (CustomerStatus.ACTIVE, reopen_customer),
        (CustomerStatus.SUSPENDED, suspend_customer),
        (CustomerStatus.CLOSED, close_customer),
        (CustomerStatus.CLOSED, suspend_customer),
    ],
)
def test_a_state_that_cannot_follow_is_refused(
    session: Session, status: CustomerStatus, verb: Callable[[Actor, Customer, str], None]
) -> None:
    customer = factories.make_customer(status=status)
    notified = len(mails("account_state"))
    with pytest.raises(Conflict) as refusal, transaction():
        verb(supervisor(), customer, "Dug")
    assert (refusal.value.code, status_of(customer.number), len(mails("account_state"))) == ("state", status, notified)


def test_an_account_without_an_owner_stays_closed(session: Session) -> None:
    customer = factories.make_customer(status=CustomerStatus.CLOSED)
    with transaction():
        factories.owner_of(customer).removed_at = clock.now()  # as an erasure leaves it
    with pytest.raises(Conflict) as refusal, transaction():
        reopen_customer(supervisor(), customer, "Greška")
    assert refusal.value.code == "no_owner"


def test_suspending_leaves_verifications_and_a_reason_holds_no_pin(session: Session) -> None:
    customer = factories.make_customer()
    staff = factories.make_staff()
    factories.make_verification(staff, factories.owner_of(customer))
    with transaction():
        suspend_customer(supervisor(), customer, "Rekao je PIN 482913")
    assert live_verification(factories.actor_of(staff), customer.id) is not None
    (mail,) = mails("account_state")
    assert "482913" not in mail.text
