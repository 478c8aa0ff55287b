"""The holder's data: saved at once but for who the holder is; a correction waits for staff."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.sealing import data_of
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.customers.account import corrections
from console.customers.account.models import CorrectionState
from console.customers.account.profile import ProfileData, profile_of, save_profile
from console.customers.models import Customer, CustomerKind, Membership, TaxStatus, VerificationKind
from console.customers.rights import Right
from console.staff.roles import Role
from console.tickets.models import TICKET_SEARCH, Ticket
from tests import factories
from tests.customers.account.support import actor_of, audited, mails
from tests.tickets.canned.support import make_ticket


@pytest.fixture
def firm(session: Session) -> Customer:
    return factories.make_customer(CustomerKind.COMPANY, name="Jasen d.o.o.")


@pytest.fixture
def owner(firm: Customer) -> Membership:
    return factories.owner_of(firm)


def ask(actor: Actor, firm: Customer, data: ProfileData, reason: str = "Slovna greška u nazivu") -> int:
    with transaction():
        saved = save_profile(actor, firm.id, data, correction=reason)
        assert saved.correction is not None
        return saved.correction.id


def test_ordinary_fields_are_saved_at_once_with_old_and_new_on_the_record(firm: Customer, owner: Membership) -> None:
    issued = factories.make_proforma(firm)
    user = factories.make_member(firm, rights=[Right.PROFILE])
    before = profile_of(firm)
    with transaction():
        saved = save_profile(
            actor_of(user), firm.id, replace(before, address=" Bulevar  14 ", city="Niš", country="rs", language="en")
        )
    assert (saved.changed, saved.correction) == (("address", "city", "language"), None)
    assert (firm.address, firm.city, firm.language) == ("Bulevar 14", "Niš", "en")
    (entry,) = audited("customer.profile_changed")
    assert (data := data_of(entry))["before"]["city"] == "Beograd" and data["after"]["city"] == "Niš"
    assert "Niš" not in str(entry.data) and data["fields"] == entry.data["fields"]
    (mail,) = mails("profile_changed")
    assert mail.to_address == owner.person.email and "Bulevar 14" in mail.text
    assert issued.buyer["address"] == before.address  # what was issued keeps its buyer
    with transaction():  # the owner needs no mail about what they did themselves; the same again is no change
        save_profile(actor_of(owner), firm.id, replace(profile_of(firm), city="Beograd"))
        assert save_profile(actor_of(owner), firm.id, profile_of(firm)).changed == ()
    assert len(mails("profile_changed")) == 1


@pytest.mark.parametrize("rights", [set(Right) - {Right.PROFILE, Right.TRANSFER}])
def test_who_does_not_hold_profile_changes_nothing(firm: Customer, rights: set[Right]) -> None:
    user = factories.make_member(firm, rights=rights)
    with pytest.raises(NotFound), transaction():
        save_profile(actor_of(user), firm.id, replace(profile_of(firm), city="Niš"))
    stranger = factories.owner_of(factories.make_customer())
    with pytest.raises(NotFound), transaction():
        save_profile(actor_of(stranger), firm.id, replace(profile_of(firm), city="Niš"))


def test_what_is_wrong_is_said_at_its_field_and_what_was_wrong_before_is_left_out(firm: Customer) -> None:
    by = actor_of(factories.owner_of(firm))
    for wrong in ({"pib": "123", "mb": "1", "city": "x" * 101}, {"country": "XX"}):
        with pytest.raises(Invalid) as refused, transaction():
            save_profile(by, firm.id, replace(profile_of(firm), **wrong), correction="razlog")
        assert set(refused.value.fields) == set(wrong)
    with transaction():
        firm.pib = None  # imported without
        save_profile(by, firm.id, replace(profile_of(firm), city="Niš"))
    assert firm.city == "Niš"


def test_the_owners_name_is_the_owners_alone(firm: Customer, owner: Membership) -> None:
    user = factories.make_member(firm, rights=[Right.PROFILE])
    data = replace(profile_of(firm), owner_name="Drugo Ime")
    with pytest.raises(NotFound), transaction():
        save_profile(actor_of(user), firm.id, data)
    with transaction():
        assert save_profile(actor_of(owner), firm.id, data).changed == ("owner_name",)
    assert owner.person.name == "Drugo Ime" and firm.name == "Jasen d.o.o."


def test_another_holder_is_not_saved_before_it_is_said_what_it_is(firm: Customer, owner: Membership) -> None:
    data = replace(profile_of(firm), name="Jasen Plus d.o.o.", city="Niš")
    with pytest.raises(Conflict) as refused, transaction():
        save_profile(actor_of(owner), firm.id, data)
    assert (refused.value.code, refused.value.details) == ("holder", {"fields": ["name"]})
    assert (firm.name, firm.city) == ("Jasen d.o.o.", "Beograd")
    ask(actor_of(owner), firm, data)
    assert (firm.name, firm.city) == ("Jasen d.o.o.", "Niš")  # the rest is saved, the name waits
    with pytest.raises(Conflict) as again:
        ask(actor_of(owner), firm, replace(data, name="Treći naziv"))
    assert again.value.code == "correction"


@pytest.mark.parametrize("role", [Role.BILLING, Role.SUPERVISOR])
def test_staff_confirm_a_correction_and_the_owner_is_told(firm: Customer, owner: Membership, role: Role) -> None:
    pib = factories.make_pib()
    key = ask(actor_of(owner), firm, replace(profile_of(firm), pib=pib), "PIN je 482913, pogrešan PIB")
    staff = factories.make_staff(role).actor()
    (waiting,) = corrections.open_corrections(staff)
    assert waiting.after == {"pib": pib} and "482913" not in waiting.reason
    with transaction():
        corrections.confirm(staff, key)
    assert firm.pib == pib and waiting.state is CorrectionState.CONFIRMED
    assert [m.to_address for m in mails("profile_changed")] == [owner.person.email]
    assert data_of(audited("customer.correction_confirmed")[0])["after"] == {"pib": pib}
    with pytest.raises(NotFound), transaction():
        corrections.confirm(staff, key)


@pytest.mark.parametrize("chosen", [TaxStatus.ABROAD, TaxStatus.EXEMPT])
def test_another_country_waits_until_staff_say_how_it_is_taxed(
    firm: Customer, owner: Membership, chosen: TaxStatus
) -> None:
    data = replace(profile_of(firm), country="DE", city="Berlin", phone="+49 30 1")
    with pytest.raises(Conflict) as refused, transaction():
        save_profile(actor_of(owner), firm.id, data)
    assert refused.value.details == {"fields": ["country", "city"]}
    key = ask(actor_of(owner), firm, data, "Preselili smo sedište")
    assert (firm.country, firm.city, firm.phone) == ("RS", "Beograd", "+49 30 1")  # the address waits with its country
    staff = factories.make_staff(Role.BILLING).actor()
    with pytest.raises(Invalid) as unsaid, transaction():
        corrections.confirm(staff, key)
    assert set(unsaid.value.fields) == {"tax_status"} and firm.tax_status is TaxStatus.DOMESTIC
    with transaction():
        corrections.confirm(staff, key, chosen)
    assert (firm.country, firm.city, firm.tax_status) == ("DE", "Berlin", chosen)
    (entry,) = audited("customer.correction_confirmed")
    assert (entry.data["tax_before"], entry.data["tax_after"]) == ("domestic", chosen.value)
    proforma = factories.make_proforma(firm)
    assert proforma.buyer["tax_status"] == chosen.value and sum(line.tax for line in proforma.lines) == 0


def test_a_country_without_postcodes_can_be_confirmed(firm: Customer, owner: Membership) -> None:
    key = ask(actor_of(owner), firm, replace(profile_of(firm), country="AE", city="Dubai", postcode=""))
    with transaction():
        corrections.confirm(factories.make_staff(Role.BILLING).actor(), key, TaxStatus.ABROAD)
    assert (firm.country, firm.city, firm.postcode) == ("AE", "Dubai", "")


def test_without_another_country_the_tax_status_stays(firm: Customer, owner: Membership) -> None:
    with transaction():
        firm.tax_status = TaxStatus.EXEMPT
    key = ask(actor_of(owner), firm, replace(profile_of(firm), name="Jasen Plus d.o.o.", city="Niš"))
    with transaction():
        corrections.confirm(factories.make_staff(Role.BILLING).actor(), key, TaxStatus.ABROAD)
    assert (firm.name, firm.city, firm.tax_status) == ("Jasen Plus d.o.o.", "Niš", TaxStatus.EXEMPT)


def test_a_person_is_renamed_with_their_account(session: Session) -> None:
    customer = factories.make_customer(name="Jelena Djukic")
    owner = factories.owner_of(customer)
    key = ask(actor_of(owner), customer, replace(profile_of(customer), name="Jelena Đukić"))
    with transaction():
        corrections.confirm(factories.make_staff(Role.BILLING).actor(), key)
    assert (customer.name, owner.person.name) == ("Jelena Đukić", "Jelena Đukić")


def test_tickets_are_found_by_the_new_name(firm: Customer, owner: Membership) -> None:
    ticket = make_ticket(customer=firm)
    key = ask(actor_of(owner), firm, replace(profile_of(firm), name="Sasvim Drugačije d.o.o."))
    with transaction():
        corrections.confirm(factories.make_staff(Role.BILLING).actor(), key)
    hits = TICKET_SEARCH.matches(db.session(), Ticket.id, "drugacije", whole=True)
    assert hits is not None and list(db.session.scalars(select(Ticket.id).where(hits))) == [ticket.id]


def test_a_refused_or_withdrawn_correction_changes_nothing(firm: Customer, owner: Membership) -> None:
    data = replace(profile_of(firm), name="Drugi d.o.o.")
    staff = factories.make_staff(Role.SUPERVISOR).actor()
    key = ask(actor_of(owner), firm, data)
    with pytest.raises(Invalid), transaction():
        corrections.refuse(staff, key, " ")
    with transaction():
        corrections.refuse(staff, key, "To je druga firma")
    assert firm.name == "Jasen d.o.o." and "To je druga firma" in mails("profile_changed")[-1].text
    key = ask(actor_of(owner), firm, data)
    with transaction():
        corrections.withdraw(actor_of(owner), key)
    assert corrections.open_correction(firm.id) is None
    key = ask(actor_of(owner), firm, data)
    with transaction():
        firm.name = "Preimenovano d.o.o."
    with pytest.raises(Conflict) as stale, transaction():
        corrections.confirm(staff, key)
    assert stale.value.code == "stale"


def test_agents_do_not_decide_and_no_one_decides_what_they_wrote_down(firm: Customer, owner: Membership) -> None:
    agent, billing = factories.make_staff(Role.AGENT), factories.make_staff(Role.BILLING)
    data = replace(profile_of(firm), name="Jasen plus d.o.o.")
    for staff in (agent, billing):
        with pytest.raises(NotFound):
            ask(staff.actor(), firm, data)  # no one was verified
    factories.make_verification(factories.make_staff(Role.SUPERVISOR), owner, kind=VerificationKind.OVERRIDE)
    factories.make_verification(billing, owner)
    key = ask(billing.actor(), firm, data)
    assert mails("profile_changed")[-1].to_address == owner.person.email
    with pytest.raises(NotFound), transaction():
        corrections.confirm(agent.actor(), key)
    with pytest.raises(Conflict) as refused, transaction():
        corrections.confirm(billing.actor(), key)
    assert refused.value.code == "four_eyes"
    with transaction():
        corrections.confirm(factories.make_staff(Role.BILLING).actor(), key)
    assert firm.name == "Jasen plus d.o.o."
