"""Tickets of a person who signs in with another address now: they stay theirs, and the old mailbox opens nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.chat.models import Chat
from console.chat.search import CHAT_SEARCH
from console.chat.service import conversion
from console.core import clock
from console.core.db import db
from console.core.errors import NotFound
from console.core.transaction import transaction
from console.customers.account import emails
from console.customers.models import Membership
from console.customers.rights import Right
from console.mail.models import Mail, MailState
from console.staff.roles import Role
from console.tickets import links
from console.tickets.account_queries import ListQuery, list_tickets
from console.tickets.mail_in.matching import Relation, sender_in
from console.tickets.models import TICKET_SEARCH, Ticket, TicketStatus
from console.tickets.service import messages, properties
from console.tickets.service.messages import Writing
from tests import factories
from tests.customers.account.support import actor_of, audited, mails, token_in
from tests.factories import chat as chats
from tests.factories.chat import monday
from tests.tickets.test_handover import asked_by

pytestmark = pytest.mark.both
NEW = "nova@example.rs"


@pytest.fixture
def owner(session: Session) -> Membership:
    return factories.owner_of(factories.make_customer())


def change_address(member: Membership) -> None:
    with transaction():
        emails.ask(actor_of(member), NEW)
    for template in ("email_change_old", "email_change_new"):
        with transaction():
            emails.confirm(token_in(mails(template)[-1], "/moj/email/confirm/"), None)
    db.session.expire_all()


def test_what_they_asked_stays_theirs_and_replies_go_to_the_new_address(owner: Membership) -> None:
    agent, before, customer = factories.make_staff(Role.AGENT).actor(), owner.person.email, owner.customer
    colleague = factories.make_member(customer, rights=[Right.TICKETS])
    running, closed, private = (
        asked_by(owner, "Teče", customer),
        asked_by(owner, "Gotovo", customer),
        asked_by(owner, "Lično"),
    )
    other = asked_by(colleague, "Kolega", customer)
    with transaction():
        properties.set_status(agent, [closed.id], TicketStatus.CLOSED)
        messages.reply(agent, running.id, Writing("Odgovor", client_id="c-1", anyway=True))
    touched, token = closed.updated_at, links.requester_token(running)
    change_address(owner)
    theirs = [running, closed, private]
    assert {one.requester_email for one in theirs} == {NEW} and other.requester_email == colleague.person.email
    assert {line.ticket.id for line in list_tickets(owner, ListQuery())} == {one.id for one in [*theirs, other]}
    assert {line.ticket.id for line in list_tickets(colleague, ListQuery())} == {running.id, closed.id, other.id}
    with pytest.raises(NotFound):
        links.ticket_of(token)
    assert sender_in(running, before).relation is Relation.STRANGER
    sent = select(Mail.to_address, Mail.state).where(Mail.template == "ticket_reply").order_by(Mail.id)
    assert [tuple(row) for row in db.session.execute(sent)] == [
        (before, MailState.CANCELLED), (NEW, MailState.QUEUED),
    ]  # fmt: skip
    assert closed.updated_at == touched  # what is settled is stored no longer for it
    hits = TICKET_SEARCH.matches(db.session(), Ticket.id, NEW)
    assert hits is not None and set(db.session.scalars(select(Ticket.id).where(hits))) == {one.id for one in theirs}
    assert audited("ticket.address_changed")[0].data["count"] == 3


def test_a_chat_that_is_open_goes_on_with_the_new_address(owner: Membership) -> None:
    agent, before = factories.make_staff(Role.AGENT).actor(), owner.person.email
    with clock.standing_at(monday(11)):
        chat, other = chats.ask(email=before), chats.ask()
        theirs = other.email
        change_address(owner)
        assert (chat.email, other.email) == (NEW, theirs)
        hits = CHAT_SEARCH.matches(db.session(), Chat.id, NEW)
        assert hits is not None and list(db.session.scalars(select(Chat.id).where(hits))) == [chat.id]
        with transaction():
            ticket = conversion.make_ticket(agent, chat, "agent")
    assert ticket.requester_email == NEW
