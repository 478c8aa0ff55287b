"""A suspended service is restored on a page of its own, which the list of requests and the account lead to."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from console.hosting.models import ServiceStatus
from console.staff.roles import Role
from tests import factories
from tests.support.client import ConsoleClient, sign_in

pytestmark = pytest.mark.only("sqlite")
ENGLISH = {"Accept-Language": "en"}


def test_one_that_came_suspended_is_restored_with_a_reason(client: ConsoleClient, session: Session) -> None:
    service = factories.make_suspended(factories.make_customer(name="Mlekara Jasen"))
    here = f"/console/services/{service.id}/restore"
    staff = sign_in(client, Role.BILLING)
    assert here in client.get("/console/suspensions/").text
    factories.make_verification(staff, factories.owner_of(service.customer))
    assert here in client.get(f"/console/customers/{service.customer.number}?tab=services").text
    assert "Reason of the suspension: not paid." in client.get(here, headers=ENGLISH).text
    wrong = client.submit(here, headers=ENGLISH, reason=" ")
    assert wrong.status_code == 422 and "Enter a reason." in wrong.text
    assert client.submit(here, reason="Prodavac javio").status_code == 303
    session.expire_all()
    assert service.status is ServiceStatus.ACTIVE
    late = client.submit(here, headers=ENGLISH, reason="Prodavac javio")
    assert late.status_code == 409 and "The service is not suspended." in late.text
    assert client.get(here).status_code == 302
    assert here not in client.get("/console/suspensions/").text


def test_one_suspended_for_abuse_is_a_supervisors(client: ConsoleClient, session: Session) -> None:
    service = factories.make_abuser(factories.make_customer())
    here = f"/console/services/{service.id}/restore"
    sign_in(client, Role.BILLING)
    assert here not in client.get("/console/suspensions/").text
    assert client.get(here).status_code == 404
    assert client.submit(here, reason="Očišćen").status_code == 404
    sign_in(client, Role.SUPERVISOR)
    answer = client.submit(here, json=True, reason="Očišćen").json
    assert answer["service"] == {"number": service.number, "status": "active"}
    again = client.submit(here, headers=ENGLISH, reason="Očišćen")
    assert again.status_code == 409 and "The service is not suspended." in again.text
    assert client.submit(here, json=True, reason="Očišćen").get_json()["error"]["code"] == "not_suspended"
    reloaded = client.get(here)
    assert reloaded.status_code == 302 and service.customer.number in reloaded.location
    sign_in(client, Role.AGENT)
    assert client.get(here).status_code == client.submit(here, reason="Očišćen").status_code == 404
