"""What is refused is refused by the verb, for every caller: pages, forms, commands and programs of ours."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from console.core.actor import SYSTEM, Actor
from console.core.errors import Invalid, NotFound
from console.core.transaction import transaction
from console.customers.rights import Right
from console.staff.models import Department, Staff
from console.staff.roles import Role
from console.tickets.models import MessageKind, Ticket, TicketSource
from console.tickets.service import properties
from console.tickets.service.attachments import attach, drop
from console.tickets.service.drafts import save_draft
from console.tickets.service.opening import NewTicket, open_ticket
from console.tickets.service.web_form import Question, ask, public_departments
from tests import factories
from tests.factories.tickets import any_department, make_department, make_ticket

pytestmark = pytest.mark.only("sqlite")  # the rules are ours, not the database's


def opened_by(actor: Actor, **more: object) -> Ticket:
    new = NewTicket(
        subject="Naslov", body="Pitanje", requester_email="ana@example.test", department_id=any_department().id,
        source=TicketSource.AGENT, **more,  # type: ignore[arg-type]
    )  # fmt: skip
    with transaction():
        return open_ticket(actor, new)


def test_a_service_is_named_by_those_it_is_open_to(session: Session, staff_of: Callable[[Role | str], Staff]) -> None:
    """A ticket opens nothing: an agent who guesses the key of a service learns nothing of it."""
    agent, billing = (staff_of(role) for role in (Role.AGENT, Role.BILLING))
    customer = factories.make_customer()
    service, other = factories.make_service(customer), factories.make_service(factories.make_customer())
    place = {"customer_id": customer.id, "service_id": service.id}
    ticket = make_ticket(SYSTEM)

    def refused(actor: Actor) -> None:
        with pytest.raises(Invalid) as opening:
            opened_by(actor, **place)
        with pytest.raises(Invalid) as setting, transaction():
            properties.set_customer(actor, ticket.id, customer, service.id)
        with pytest.raises(Invalid) as missing:
            opened_by(actor, customer_id=customer.id, service_id=10**6)
        messages = [
            {name: list(map(str, texts)) for name, texts in one.value.fields.items()} for one in (opening, setting)
        ]
        assert messages == [{name: list(map(str, texts)) for name, texts in missing.value.fields.items()}] * 2

    refused(agent.actor())
    owner = factories.owner_of(customer)
    factories.make_verification(agent, owner, rights=[Right.TICKETS.value])
    refused(agent.actor())
    factories.make_verification(agent, owner, rights=[Right.PRODUCTS.value])
    refused(factories.make_staff(Role.AGENT).actor())  # the verification is a colleague's
    assert opened_by(agent.actor(), **place).service_id == service.id
    with transaction():
        properties.set_customer(agent.actor(), ticket.id, customer, service.id)
    assert opened_by(billing.actor(), **place).service_id == service.id
    with pytest.raises(Invalid):
        opened_by(billing.actor(), customer_id=customer.id, service_id=other.id)  # of another account
    with transaction():  # what a ticket has stays, also when the verification is over
        properties.set_customer(factories.make_staff(Role.AGENT).actor(), ticket.id, customer, service.id)
    assert ticket.service_id == service.id


def test_a_visitor_asks_public_departments(session: Session) -> None:
    public = any_department()
    private: Department = make_department("Pravna", private=True)
    visitor = Actor(kind="visitor", id=None, name="Petar")
    assert private not in public_departments()
    for key in (private.key, "nema", "", public.key):
        with transaction():
            ticket = ask(visitor, Question("Petar", "petar@example.test", "Kako?", department=key))
        assert ticket.department_id == public_departments()[0].id, key
    with transaction():
        for place in public_departments():
            place.private = True
    with pytest.raises(Invalid) as refusal, transaction():
        ask(visitor, Question("Petar", "petar@example.test", "Kako?"))
    assert list(refusal.value.fields) == ["department"]


def test_files_and_drafts_are_of_those_who_work_on_tickets(session: Session) -> None:
    ticket, admin = make_ticket(SYSTEM), factories.make_staff(Role.ADMIN).actor()
    with transaction():
        attachment = attach(SYSTEM, ticket, "a.txt", b"a")
    for verb in (
        lambda: attach(admin, ticket, "a.txt", b"a"),
        lambda: drop(admin, ticket, attachment.id),
        lambda: save_draft(admin, ticket, MessageKind.REPLY, "Tekst", based_on=0),
    ):
        with pytest.raises(NotFound) as refusal, transaction():
            verb()
        assert refusal.value.code == "not_allowed"
