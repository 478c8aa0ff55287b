"""Which category each mail of ours has, who gets it, and that the choice of a person is obeyed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing.migration import decisions
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.customers.mail_categories import CATEGORIES, Personal, receivers
from console.customers.models import Customer, MemberRole, Membership
from console.customers.people.members import choose_mail, remove_member
from console.customers.rights import MailCategory, Right
from console.customers.service import suspend_customer
from console.mail.models import Mail, MailState
from console.mail.templates import names
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.service import messages
from console.tickets.service.messages import Writing
from tests import factories
from tests.customers.test_people import actor_of
from tests.factories.migrations import make_move
from tests.support.client import ConsoleClient, sign_in_person
from tests.tickets.canned.support import make_ticket

pytestmark = pytest.mark.only("sqlite")

# What each mail is, and to whom: the whole list, so that a new one is decided about.
EXPECTED = {
    MailCategory.GENERAL: {"account_state"},
    MailCategory.PRODUCT: {
        "migration_executed", "migration_offer", "migration_rejected", "migration_requested", "migration_update",
    },
    MailCategory.DOMAIN: {"dns_changed"},
    MailCategory.INVOICE: {
        "payment_received", "proforma_cancelled", "proforma_issued", "proforma_reminder", "quote_sent",
    },
    MailCategory.SUPPORT: {"ticket_answered"},
    Personal.ANSWER: {
        "chat_transcript", "chat_transcript_link", "export_ready", "handover_offer", "invitation", "request_ended",
        "ticket_copy", "ticket_forward", "ticket_opened", "ticket_reply", "ticket_solved", "verification_asked",
    },
    Personal.SECURITY: {
        "device_recovery", "device_recovery_notice", "email_change_known", "email_change_new", "email_change_old",
        "email_changed", "erasure_cancelled", "erasure_requested", "handover_update", "override", "people_changed",
        "person_new_sign_in", "person_password_changed", "person_password_reset", "pin_locked", "pin_renewed",
        "profile_changed", "registration", "registration_known", "security_notice", "verification",
    },
    Personal.STAFF: {
        "device_recovery_review", "migration_stopped", "sla_targets_at_risk", "sla_targets_missed",
        "staff_password_changed",
        "staff_password_reset", "verification_disputed",
    },
}  # fmt: skip


@dataclass
class Company:
    """An account with its owner, and one contact for each category."""

    customer: Customer
    owner: Membership
    contacts: dict[MailCategory, Membership]


@pytest.fixture
def company(session: Session) -> Company:
    return company_of(factories.make_customer())


def company_of(customer: Customer) -> Company:
    contacts = {one: factories.make_member(customer, MemberRole.CONTACT, mail=[one]) for one in MailCategory}
    return Company(customer, factories.owner_of(customer), contacts)


def sent_to(session: Session, template: str) -> set[str]:
    session.expire_all()
    return set(session.scalars(select(Mail.to_address).where(Mail.template == template)))


def test_every_mail_has_its_category() -> None:
    assert set(CATEGORIES) == set(names())
    assert {kind: {name for name, one in CATEGORIES.items() if one is kind} for kind in EXPECTED} == EXPECTED


def test_each_gets_what_was_chosen_and_the_owner_everything(company: Company) -> None:
    for category in MailCategory:
        found = {one.id for one in receivers(company.customer, category)}
        assert found == {company.owner.id, company.contacts[category].id}
    gone = company.contacts[MailCategory.INVOICE]
    with transaction():
        remove_member(actor_of(company.owner), gone.id)
    assert [one.id for one in receivers(company.customer, MailCategory.INVOICE)] == [company.owner.id]


def test_a_reply_goes_to_who_asked_and_is_named_to_who_gets_mail_from_support(
    session: Session, company: Company, staff_of: Callable[[Role | str], Staff]
) -> None:
    agent = staff_of("agent").actor()
    user = factories.make_member(company.customer, MemberRole.USER, rights=[Right.TICKETS], mail=[MailCategory.SUPPORT])
    asker = company.contacts[MailCategory.PRODUCT].person
    ticket = make_ticket(customer=company.customer, requester_email=asker.email, requester_name=asker.name)
    with transaction():
        sent = messages.reply(agent, ticket.id, Writing("Tajna odgovora", client_id="c-1", anyway=True))
    recipients = {company.owner.person.email, company.contacts[MailCategory.SUPPORT].person.email, user.person.email}
    assert sent_to(session, "ticket_reply") == {asker.email}
    assert sent_to(session, "ticket_answered") == recipients
    for mail in session.scalars(select(Mail).where(Mail.template == "ticket_answered")):
        assert "Tajna odgovora" not in mail.text + mail.html
        may_open = mail.to_address != company.contacts[MailCategory.SUPPORT].person.email
        assert (f"/moj/tickets/{ticket.number}" in mail.text) is may_open, mail.to_address
    with transaction():
        messages.take_back(agent, ticket.id, sent.id)
    states = set(session.scalars(select(Mail.state).where(Mail.template.in_(("ticket_reply", "ticket_answered")))))
    assert states == {MailState.CANCELLED}


def test_a_ticket_of_an_outsider_is_told_to_nobody_of_the_account(
    session: Session, company: Company, staff_of: Callable[[Role | str], Staff]
) -> None:
    ticket = make_ticket(customer=company.customer, requester_email="zrtva@example.rs")
    with transaction():
        messages.reply(staff_of("agent").actor(), ticket.id, Writing("Hvala", client_id="c-1", anyway=True))
    assert sent_to(session, "ticket_answered") == set()


def test_a_migration_is_told_to_who_gets_it_and_documents_to_who_gets_those(session: Session) -> None:
    move = make_move()
    old = company_of(move.old)
    product, invoice = (old.contacts[one].person.email for one in (MailCategory.PRODUCT, MailCategory.INVOICE))
    move.request()
    assert sent_to(session, "migration_requested") == {old.owner.person.email, product}
    with transaction():
        decisions.reject(move.billing, move.ref, "Nije potvrđeno")
    assert sent_to(session, "migration_rejected") == {old.owner.person.email, product}
    move.to_approved().execute()
    texts = {
        mail.to_address: mail.text
        for mail in session.scalars(select(Mail).where(Mail.template == "migration_executed"))
        if "PR-" in mail.text or mail.to_address == product
    }
    number = re.compile(r"PR-\d{4}-\d+")
    assert number.search(texts[invoice]) and number.search(texts[old.owner.person.email])
    assert not number.search(texts[product])


def test_a_suspended_account_is_told_to_who_gets_general_messages(session: Session, company: Company) -> None:
    with transaction():
        suspend_customer(factories.make_staff(Role.SUPERVISOR).actor(), company.customer, "Dug")
    general = company.contacts[MailCategory.GENERAL].person.email
    assert sent_to(session, "account_state") == {company.owner.person.email, general}


def test_a_person_chooses_their_own_mail(
    client: ConsoleClient, new_client: Callable[[], ConsoleClient], session: Session, company: Company
) -> None:
    user = factories.make_member(
        company.customer, MemberRole.USER, rights=[Right.TICKETS], mail=[MailCategory.INVOICE, MailCategory.GENERAL]
    )
    sign_in_person(client, user.person.email)
    page = client.get("/moj/notices", headers={"Accept-Language": "en"}).text
    assert 'value="general" checked' in page and 'value="domain" disabled' in page.replace("  ", " ")
    fields = {"account": company.customer.number}
    assert client.submit("/moj/notices", **fields, categories=["support", "invoice"]).status_code == 303
    assert client.get_json("/moj/notices").json["categories"] == ["invoice", "support"]
    wrong = client.submit("/moj/notices", json=True, **fields, categories=["support", "domain"])
    assert wrong.status_code == 422 and "categories" in wrong.json["error"]["fields"]
    assert client.submit("/moj/notices", **fields).status_code == 303  # leaving all of them is always theirs
    assert client.submit("/moj/notices", json=True, **fields, categories=["invoice"]).status_code == 422  # gone is gone
    changed = session.scalars(select(AuditEntry).where(AuditEntry.action == "member.changed")).all()
    assert [one.data["after"]["mail"] for one in changed] == [["invoice", "support"], []]
    owner = new_client()
    sign_in_person(owner, company.owner.person.email)
    assert "As the owner you receive every message" in owner.get("/moj/notices", headers={"Accept-Language": "en"}).text
    assert owner.submit("/moj/notices", json=True, **fields, categories=["general"]).status_code == 409


def test_no_one_chooses_for_another_account(company: Company) -> None:
    stranger = factories.owner_of(factories.make_customer())
    contact = company.contacts[MailCategory.GENERAL]
    for actor, error in ((actor_of(stranger), NotFound), (actor_of(company.owner), Conflict)):
        with pytest.raises(error), transaction():
            choose_mail(actor, company.customer.id, [MailCategory.GENERAL])
    with pytest.raises(Invalid), transaction():
        choose_mail(actor_of(contact), company.customer.id, [MailCategory.INVOICE])
