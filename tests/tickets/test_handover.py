"""The tickets of an account that is handed over: the new owner answers what runs, the old one sees nothing further."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.chat.service import conversion
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.core.transaction import transaction
from console.customers.account import acceptance, handover
from console.customers.account.handover import HandoverData
from console.customers.models import Customer, MemberRole, Membership
from console.mail.models import Mail, MailState
from console.staff.roles import Role
from console.tickets import links
from console.tickets.mail_in.matching import Relation, sender_in
from console.tickets.models import TICKET_SEARCH, Ticket, TicketStatus
from console.tickets.service import account, merging, messages, properties, requester
from console.tickets.service.messages import Writing
from console.tokens import service as tokens
from tests import factories
from tests.customers.account.support import actor_of, audited
from tests.factories.chat import ask, monday
from tests.tickets.canned.support import make_ticket

pytestmark = pytest.mark.both
NEW = "novi@firma.example.rs"


@pytest.fixture
def customer(session: Session) -> Customer:
    return factories.make_customer(name="Ana Stara")


@pytest.fixture
def owner(customer: Customer) -> Membership:
    return factories.owner_of(customer)


@pytest.fixture
def agent(session: Session) -> Actor:
    return factories.make_staff(Role.AGENT).actor()


def asked_by(member: Membership, subject: str, customer: Customer | None = None) -> Ticket:
    who = {"requester_email": member.person.email, "requester_name": member.person.name}
    return make_ticket(customer=customer, subject=subject, body=f"Piše {subject}", **who)


def answer(agent: Actor, ticket: Ticket, text: str = "Odgovor") -> None:
    with transaction():
        messages.reply(agent, ticket.id, Writing(text, client_id=f"c-{text}-{ticket.id}", anyway=True))


def hand_over(owner: Membership) -> Membership:
    with transaction():
        offer = handover.start(actor_of(owner), owner.customer_id, HandoverData("Novi Vlasnik", NEW))
        token = tokens.issue(handover.PURPOSE, handover.subject_of(offer), timedelta(days=1))
    with transaction():
        new = acceptance.register_new_owner(token, "Novi Vlasnik", factories.password_hash(), None)
    db.session.expire_all()
    return new


def mails_to(address: str, state: MailState = MailState.QUEUED) -> set[str]:
    query = select(Mail.subject_ref).where(Mail.to_address == address, Mail.template == "ticket_reply")
    return {row or "" for row in db.session.scalars(query.where(Mail.state == state))}


def test_what_runs_goes_to_the_new_owner_and_the_old_one_sees_nothing_further(
    customer: Customer, owner: Membership, agent: Actor
) -> None:
    user, stays = factories.make_member(customer), factories.make_member(factories.make_customer())
    running, closed = asked_by(owner, "Teče", customer), asked_by(owner, "Završeno", customer)
    of_user, private, outside = asked_by(user, "Korisnik", customer), asked_by(owner, "Lično"), asked_by(stays, "Žalba")
    with transaction():
        properties.set_status(agent, [closed.id], TicketStatus.CLOSED)
        properties.set_customer(agent, outside.id, customer)
    answer(agent, running)
    old = {one.id: links.requester_token(one) for one in (running, closed, private)}
    new = hand_over(owner)
    assert [one.requester_email for one in (running, of_user)] == [NEW, NEW]
    assert [one.requester_email for one in (closed, private)] == [owner.person.email] * 2
    assert outside.requester_email == stays.person.email  # who never was on the account
    for gone in (running, closed):
        with pytest.raises(NotFound):
            links.ticket_of(old[gone.id])
    assert links.ticket_of(old[private.id]).id == private.id  # asked before there was an account, or about another
    # The reply that had not left yet goes to the new owner, with a link that opens.
    about = {f"ticket:{running.id}"}
    assert (mails_to(owner.person.email), mails_to(NEW)) == (set(), about)
    assert mails_to(owner.person.email, MailState.CANCELLED) == about
    assert sender_in(running, owner.person.email).relation is Relation.STRANGER
    hits = TICKET_SEARCH.matches(db.session(), Ticket.id, NEW)
    assert hits is not None and set(db.session.scalars(select(Ticket.id).where(hits))) == {running.id, of_user.id}
    assert audited("ticket.handed_over")[0].data["count"] == 2
    with transaction():
        account.answer(actor_of(new), running.number, "Sad pitam ja", client_id="x" * 24)
    answer(agent, running, "Dalje")
    assert mails_to(owner.person.email) == set()
    visible = requester.conversation(running)
    assert [(one.name, one.body) for one in visible.messages][:2] == [
        (owner.person.name, "Piše Teče"),
        ("Novi Vlasnik", "Sad pitam ja"),
    ]


def test_who_asked_under_a_closed_one_asks_for_themselves(customer: Customer, owner: Membership, agent: Actor) -> None:
    closed = asked_by(owner, "Završeno", customer)
    with transaction():
        properties.set_status(agent, [closed.id], TicketStatus.CLOSED)
    new = hand_over(owner)
    with transaction():
        message = requester.write(
            Actor(kind="visitor", id=None, name="", address=None), closed, "Još nešto", client_id="y" * 24
        )
    assert (message.ticket.requester_email, message.ticket.customer_id) == (owner.person.email, None)
    with pytest.raises(NotFound):
        account.find(actor_of(new), message.ticket.number)


def test_a_chat_of_before_becomes_a_ticket_of_who_asked(customer: Customer, owner: Membership, agent: Actor) -> None:
    with clock.standing_at(monday(11)):
        chat = ask(email=owner.person.email)
        with transaction():
            chat.customer_id = customer.id  # as a verification does
        hand_over(owner)
        with transaction():
            ticket = conversion.make_ticket(agent, chat, "agent")
    assert (ticket.requester_email, ticket.customer_id) == (owner.person.email, None)


def test_a_merged_ticket_goes_with_the_one_it_is_part_of(customer: Customer, owner: Membership, agent: Actor) -> None:
    contact = factories.make_member(customer, MemberRole.CONTACT)
    main, part = asked_by(contact, "Glavni", customer), asked_by(owner, "Deo")
    with transaction():
        merging.merge(agent, [part.id], main.id, different_requesters=True)
    answer(agent, main)
    with transaction():
        offer = handover.start(actor_of(owner), customer.id, HandoverData("Novi Vlasnik", NEW, keeps_contacts=True))
        token = tokens.issue(handover.PURPOSE, handover.subject_of(offer), timedelta(days=1))
    with transaction():
        acceptance.register_new_owner(token, "Novi Vlasnik", factories.password_hash(), None)
    db.session.expire_all()
    assert (main.requester_email, part.requester_email) == (contact.person.email, NEW)
    answer(agent, main, "Posle")
    assert mails_to(owner.person.email) == set()
    assert mails_to(NEW) == {f"ticket:{part.id}"} and mails_to(contact.person.email) == {f"ticket:{main.id}"}
