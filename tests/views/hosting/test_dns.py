"""DNS records on an agent's page: opened by a verification, changed for a caller who may, and the owner is told."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.db import db
from console.customers.models import Membership, VerificationKind
from console.customers.rights import Right
from console.hosting.models import Domain
from console.mail.models import Mail
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.hosting.dns.test_verbs import domain_of
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")

ENGLISH = {"Accept-Language": "en"}
WWW = {"name": "www", "type": "A", "ttl": "3600", "value": "203.0.113.10"}


@pytest.fixture
def owner(session: Session) -> Membership:
    return factories.owner_of(factories.make_customer())


@pytest.fixture
def domain(owner: Membership) -> Domain:
    return domain_of(owner)


@pytest.fixture
def agent(client: ConsoleClient, session: Session) -> Staff:
    return sign_in(client, Role.AGENT)


def url(domain: Domain, rest: str = "") -> str:
    return f"/console/customers/{domain.service.customer.number}/dns/{domain.name}{rest}"


def test_an_agent_changes_records_for_a_verified_caller(
    client: ConsoleClient, agent: Staff, owner: Membership, domain: Domain
) -> None:
    assert client.get(url(domain)).status_code == 404
    manager = factories.make_member(owner.customer, rights=[Right.DOMAINS, Right.MANAGE_DOMAINS])
    factories.make_verification(agent, manager)
    assert "Add a record" in client.get(url(domain), headers=ENGLISH).text
    saved = client.submit(url(domain, "/records"), **WWW, version=0)
    assert saved.status_code == 303
    page = client.get(saved.location, headers=ENGLISH).text
    assert "203.0.113.10" in page and "dns-undo" in page
    (mail,) = db.session.scalars(select(Mail).where(Mail.template == "dns_changed")).all()
    assert mail.to_address == owner.person.email and "www 3600 IN A 203.0.113.10" in mail.text
    (record,) = client.get_json(url(domain)).json["records"]
    path = url(domain, f"/records/{record['id']}")
    assert 'value="203.0.113.10"' in client.get(path).text
    wrong = client.submit(path, headers=ENGLISH, **WWW | {"value": "x"}, version=1)
    assert wrong.status_code == 422 and "Enter an IPv4 address" in wrong.text
    assert client.submit(path, json=True, **WWW | {"ttl": "60"}, version=1).json["record"]["ttl"] == 60
    assert client.submit(f"{path}/delete", json=True, version=1).status_code == 409
    assert client.submit(f"{path}/delete", version=2).status_code == 303
    assert client.submit(url(domain, "/history/2/restore"), version=3).status_code == 303
    assert len(client.get_json(url(domain)).json["records"]) == 1
    assert "Record deleted" in client.get(url(domain, "/history"), headers=ENGLISH).text
    assert "Put this version back" in client.get(url(domain, "/history/1"), headers=ENGLISH).text


def test_who_may_only_read_changes_nothing(
    client: ConsoleClient, agent: Staff, owner: Membership, domain: Domain
) -> None:
    factories.make_verification(agent, factories.make_member(owner.customer, rights=[Right.DOMAINS]))
    page = client.get(url(domain), headers=ENGLISH).text
    assert "Only reading is open" in page and "Add a record" not in page
    assert client.submit(url(domain, "/records"), json=True, **WWW, version=0).status_code == 404
    assert client.get(url(domain).replace(domain.name, domain_of(_stranger()).name)).status_code == 404


def _stranger() -> Membership:
    return factories.owner_of(factories.make_customer())


def test_an_override_and_a_role_read_but_do_not_change(
    client: ConsoleClient, owner: Membership, domain: Domain
) -> None:
    supervisor = sign_in(client, Role.SUPERVISOR)
    factories.make_verification(supervisor, owner, kind=VerificationKind.OVERRIDE)
    assert client.get(url(domain)).status_code == 200
    assert client.submit(url(domain, "/records"), json=True, **WWW, version=0).status_code == 404


def test_the_customer_page_leads_there(
    app: Flask, client: ConsoleClient, agent: Staff, owner: Membership, domain: Domain
) -> None:
    page = f"/console/customers/{owner.customer.number}?tab=services"
    assert url(domain) not in client.get(page).text
    factories.make_verification(agent, owner)
    assert f'href="{url(domain)}' in client.get(page).text
    with count_queries(app) as queries:
        client.get(url(domain))
    assert queries.count <= 8, queries
