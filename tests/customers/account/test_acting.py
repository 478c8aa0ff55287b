"""An agent changes an account for a verified caller: what the caller may, and the owner is told of each change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core.db import db
from console.customers.account.corrections import open_correction
from console.customers.account.models import Handover
from console.customers.models import Customer, CustomerKind, MemberRole, Membership, TaxStatus, VerificationKind
from console.customers.rights import Right
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.customers.account.support import mails
from tests.support.client import ConsoleClient, sign_in, sign_in_person

pytestmark = pytest.mark.only("sqlite")

ENGLISH = {"Accept-Language": "en"}
MAIL = {"categories": ["support"]}
CONTACT = {"name": "Vera", "email": "vera@knjige.example.rs", "permissions": ["invoices"], "categories": ["invoice"]}


@pytest.fixture
def firm(session: Session) -> Customer:
    return factories.make_customer(CustomerKind.COMPANY, name="Jasen d.o.o.")


@pytest.fixture
def owner(firm: Customer) -> Membership:
    return factories.owner_of(firm)


@pytest.fixture
def agent(client: ConsoleClient) -> Staff:
    return sign_in(client, Role.AGENT)


def base(firm: Customer) -> str:
    return f"/console/customers/{firm.number}"


def test_contacts_and_users_are_changed_for_the_caller_and_the_owner_is_told(
    client: ConsoleClient, agent: Staff, firm: Customer, owner: Membership
) -> None:
    caller = factories.make_member(firm, rights=[Right.CONTACTS, Right.INVOICES])
    user = factories.make_member(firm)
    factories.make_verification(agent, caller)
    assert f"{base(firm)}/people/contact" in client.get(f"{base(firm)}?tab=people").text
    page = client.get(f"{base(firm)}/people/contact", headers=ENGLISH).text
    assert f"You are doing this for {caller.person.name}" in page and 'value="transfer" disabled' in page
    added = client.submit(f"{base(firm)}/people/contact", json=True, **CONTACT)
    key = added.json["member"]["id"]
    assert client.submit(f"{base(firm)}/people/contact/{key}", **CONTACT | {"permissions": []}).status_code == 303
    assert client.submit(f"{base(firm)}/people/user/{user.id}", permissions=["invoices"]).status_code == 303
    assert client.submit(f"{base(firm)}/people/invite", email="nov@example.rs", which="all").status_code == 303
    assert client.submit(f"{base(firm)}/people/member/{key}/remove").status_code == 303
    refused = client.submit(f"{base(firm)}/people/user/{user.id}", headers=ENGLISH, permissions=["transfer"])
    assert refused.status_code == 422 and "permissions that you have" in refused.text
    db.session.refresh(user)
    assert user.rights == ["invoices"]
    notified = mails("people_changed")
    assert len(notified) == 5 and {mail.to_address for mail in notified} == {owner.person.email}
    assert "nov@example.rs" in notified[-2].text


def test_an_invitation_is_sent_again_and_revoked_for_the_caller_and_the_owner_is_told(
    client: ConsoleClient, agent: Staff, firm: Customer, owner: Membership
) -> None:
    caller = factories.make_member(firm, rights=[Right.CONTACTS])
    other = factories.owner_of(factories.make_customer())
    factories.make_verification(agent, caller)
    factories.make_verification(agent, other)
    client.submit(f"{base(firm)}/people/invite", email="nov@example.rs", which="all")
    (invitation,) = client.get_json(base(firm)).json["invitations"]
    path = f"people/invitations/{invitation['id']}"
    page = client.get(f"{base(firm)}?tab=people").text
    assert "nov@example.rs" in page and f"{path}/resend" in page and f"{path}/revoke" in page
    for way in ("resend", "revoke"):
        assert client.submit(f"{base(other.customer)}/{path}/{way}").status_code == 404  # another account's
        assert client.submit(f"{base(firm)}/{path}/{way}").status_code == 303
    assert client.submit(f"{base(firm)}/{path}/revoke").status_code == 404  # it is over
    assert len(mails("invitation")) == 2 and client.get_json(base(firm)).json["invitations"] == []
    notified = mails("people_changed")
    assert [mail.to_address for mail in notified] == [owner.person.email] * 3
    assert [("ponovo" in mail.text, "opozvan" in mail.text) for mail in notified[1:]] == [(True, False), (False, True)]


def test_a_correction_that_waits_is_withdrawn_for_the_caller_and_the_owner_is_told(
    client: ConsoleClient, agent: Staff, firm: Customer, owner: Membership
) -> None:
    caller = factories.make_member(firm, rights=[Right.PROFILE])
    other = factories.make_member(firm, rights=[Right.CONTACTS])
    factories.make_verification(agent, caller)
    client.submit(f"{base(firm)}/profile", company="Jasen Plus d.o.o.", reason="Novo ime u registru")
    correction = open_correction(firm.id)
    assert correction is not None
    path = f"{base(firm)}/profile/corrections/{correction.id}/withdraw"
    for page in (base(firm), f"{base(firm)}/profile"):
        html = client.get(page).text
        assert path in html and "Jasen Plus d.o.o." in html
    assert client.get_json(base(firm)).json["customer"]["correction"]["after"] == {"name": "Jasen Plus d.o.o."}
    factories.make_verification(agent, other)  # the latest one counts
    assert client.submit(path).status_code == 404 and path not in client.get(base(firm)).text
    factories.make_verification(agent, caller)
    assert client.submit(path).status_code == 303
    assert open_correction(firm.id) is None and firm.name == "Jasen d.o.o."
    assert [mail.to_address for mail in mails("profile_changed")] == [owner.person.email] * 2


def test_the_owner_is_told_of_details_and_of_nothing_else(
    client: ConsoleClient, agent: Staff, firm: Customer, owner: Membership
) -> None:
    contact = factories.make_member(firm, MemberRole.CONTACT, rights=[Right.INVOICES])
    factories.make_verification(agent, owner)
    path = f"{base(firm)}/people/contact/{contact.id}"
    fields = CONTACT | {"email": contact.person.email, "categories": []}
    for more, mailed in (({}, 1), ({}, 1), ({"phone": "011 222 333"}, 2), ({"phone": "011 222 333"} | MAIL, 3)):
        assert client.submit(path, **fields | more).status_code == 303
        assert len(mails("people_changed")) == mailed


def test_the_page_says_that_the_owner_was_notified_only_where_something_differs(
    client: ConsoleClient, agent: Staff, firm: Customer, owner: Membership
) -> None:
    user = factories.make_member(firm, rights=[Right.INVOICES])
    factories.make_verification(agent, owner)
    path = f"{base(firm)}/people/user/{user.id}"
    for permissions, notified in ((["invoices"], False), ([], True)):
        answer = client.submit(path, headers=ENGLISH, permissions=permissions, categories=user.mail)
        assert answer.status_code == 303 and bool(mails("people_changed")) is notified
        assert ("notified by e-mail" in client.get(base(firm), headers=ENGLISH).text) is notified


def test_the_profile_is_changed_and_another_holder_waits_for_a_colleague(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], agent: Staff, firm: Customer, owner: Membership
) -> None:
    factories.make_verification(agent, owner)
    assert client.submit(f"{base(firm)}/profile", headers=ENGLISH, city="Niš").status_code == 303
    assert mails("profile_changed")[-1].to_address == owner.person.email
    assert "notified by e-mail" in client.get(base(firm), headers=ENGLISH).text
    assert client.submit(f"{base(firm)}/profile", headers=ENGLISH, city="Niš").status_code == 303
    assert "notified by e-mail" not in client.get(base(firm), headers=ENGLISH).text
    other = {"company": "Jasen Plus d.o.o."}
    response = client.submit(f"{base(firm)}/profile", headers=ENGLISH, **other)
    assert response.status_code == 409 and "correction or handover" in response.text and "Jasen Plus" in response.text
    assert client.submit(f"{base(firm)}/profile", **other, reason="Novo ime u registru").status_code == 303
    db.session.refresh(firm)
    correction = open_correction(firm.id)
    assert (firm.city, firm.name) == ("Niš", "Jasen d.o.o.") and correction is not None
    billing = new_client()
    sign_in(billing, Role.BILLING)
    assert "Novo ime u registru" in billing.get("/console/corrections/").text
    short = billing.submit(f"/console/corrections/{correction.id}/refuse", headers=ENGLISH, reason="x")
    assert short.status_code == 422 and "Enter a reason" in short.text
    assert billing.submit(f"/console/corrections/{correction.id}/confirm").status_code == 303
    db.session.refresh(firm)
    assert firm.name == "Jasen Plus d.o.o." and billing.get_json("/console/corrections/").json["items"] == []


def test_staff_choose_the_tax_of_another_country(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], agent: Staff, firm: Customer, owner: Membership
) -> None:
    portal, billing, path = new_client(), new_client(), "/console/corrections/"
    sign_in_person(portal, owner.person.email)
    moved = {"country": "DE", "city": "Berlin"}
    response = portal.submit("/moj/profile", headers=ENGLISH, **moved)
    assert (
        response.status_code == 200 and "You changed the country" in response.text and "Handover" not in response.text
    )
    assert portal.submit("/moj/profile", **moved, choice="correction", reason="Preselili smo se").status_code == 303
    assert "Germany" in portal.get("/moj/profile", headers=ENGLISH).text
    sign_in(billing, Role.BILLING)
    page = billing.get(path, headers=ENGLISH).text
    assert "Germany" in page and '<option value="abroad" selected>' in page
    key = open_correction(firm.id).id
    refused = billing.submit(f"{path}{key}/confirm", headers=ENGLISH)
    assert refused.status_code == 422 and "Choose how the holder is taxed" in refused.text
    assert billing.submit(f"{path}{key}/confirm", tax_status="abroad").status_code == 303
    db.session.refresh(firm)
    assert (firm.country, firm.city, firm.tax_status) == ("DE", "Berlin", TaxStatus.ABROAD)
    notice = mails("profile_changed")[-1]
    assert "buyer abroad" in notice.text or "kupac u inostranstvu" in notice.text


def test_the_owner_hands_over_by_phone(client: ConsoleClient, agent: Staff, firm: Customer, owner: Membership) -> None:
    factories.make_verification(agent, owner)
    assert f"{base(firm)}/handover" in client.get(base(firm)).text
    fields = {"kind": "person", "person_name": "Novi Vlasnik", "email": "novi@example.rs", "country": "RS"}
    assert client.submit(f"{base(firm)}/handover", **fields | {"email": "x"}).status_code == 422
    assert client.submit(f"{base(firm)}/handover", **fields).status_code == 303
    handover = db.session.scalars(select(Handover)).one()
    assert handover.staff_id == agent.id and mails("handover_update")[0].to_address == owner.person.email
    assert "novi@example.rs" in client.get(f"{base(firm)}/handover").text
    assert client.submit(f"{base(firm)}/handover/{handover.id}/withdraw").status_code == 303
    assert [mail.to_address for mail in mails("handover_update")] == [owner.person.email] * 2


@pytest.mark.parametrize("right", [*Right, None])
def test_each_page_is_there_for_the_right_that_it_needs(
    client: ConsoleClient, agent: Staff, firm: Customer, right: Right | None
) -> None:
    contact = factories.make_member(firm, MemberRole.CONTACT)
    caller = factories.make_member(firm, rights=[] if right is None else [right])
    factories.make_verification(agent, caller)
    pages: dict[str, tuple[bool, dict[str, Any]]] = {
        "profile": (right is Right.PROFILE, {}),
        "people/contact": (right is Right.CONTACTS, {}),
        f"people/contact/{contact.id}": (right is Right.CONTACTS, {}),
        "people/invite": (right is Right.CONTACTS, {}),
        "handover": (right is Right.TRANSFER, {}),
    }
    found = {path: client.get_json(f"{base(firm)}/{path}").status_code for path in pages}
    assert found == {path: 200 if opens else 404 for path, (opens, _) in pages.items()}
    started = client.submit(
        f"{base(firm)}/handover", json=True, person_name="Novi", email="novi@example.rs", country="RS"
    )
    assert started.status_code == 404  # the owner's alone


def test_without_a_verification_of_ones_own_nothing_is_there(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], agent: Staff, firm: Customer, owner: Membership
) -> None:
    paths = [f"{base(firm)}/{path}" for path in ("profile", "people/contact", "handover")]
    other = factories.owner_of(factories.make_customer())
    factories.make_verification(factories.make_staff(), owner)  # a colleague's
    factories.make_verification(agent, other)
    assert [client.get(path).status_code for path in paths] == [404] * 3
    foreign = factories.make_member(firm, MemberRole.CONTACT)
    assert client.get(f"{base(other.customer)}/people/contact/{foreign.id}").status_code == 404
    supervisor = new_client()
    lead = sign_in(supervisor, Role.SUPERVISOR)
    factories.make_verification(lead, owner, kind=VerificationKind.OVERRIDE)  # opens reading alone
    assert [supervisor.get(path).status_code for path in paths] == [404] * 3
