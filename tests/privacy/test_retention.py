"""How long data is stored: what goes, what stays, and the page that says so before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.core import clock as core_clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.transaction import transaction
from console.customers.account import handover
from console.customers.account.handover import HandoverData
from console.customers.models import Invitation, PersonSession, Verification
from console.customers.people.invitations import invite
from console.mail.models import Mail, MailState
from console.privacy import retention
from console.staff.roles import Role
from console.tickets.models import Ticket, TicketAttachment, TicketLink, TicketMessage, TicketPersonRead, TicketStatus
from console.tickets.reviews.models import Review
from console.tickets.service import account as account_service
from console.tickets.service_requests import service as requests
from console.tickets.service_requests.models import ServiceRequest
from tests import factories
from tests.conftest import Clock
from tests.factories.migrations import make_move
from tests.factories.tickets import make_ticket
from tests.support.client import ConsoleClient, sign_in
from tests.support.queries import count_queries
from tests.tickets.reviews.scene import review_values

pytestmark = pytest.mark.both
ENGLISH = {"Accept-Language": "en"}


def count(model: Any, *where: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def close(ticket: Ticket) -> None:
    with transaction():
        row = db.session.get_one(Ticket, ticket.id)
        row.status, row.updated_at = TicketStatus.CLOSED, core_clock.now()


def test_closed_tickets_go_with_everything_of_theirs(
    session: Session, clock: Clock, staff_of: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.tickets.retention.BATCH", 1)
    review_values(staff_of("agent"))  # a ticket with a review, quotes and a file
    old, merged, open_still = make_ticket(SYSTEM), make_ticket(SYSTEM), make_ticket(SYSTEM)
    with transaction() as writing:
        writing.get_one(Ticket, merged.id).merged_into_id = old.id
        writing.add(TicketLink(ticket_id=old.id, other_id=open_still.id))
        writing.add(TicketAttachment(ticket_id=old.id, name="x.txt", content_type="text/plain", size=1,
                                     digest="0" * 64, created_at=core_clock.now()))  # fmt: skip
    for ticket in session.scalars(select(Ticket)).all():
        if ticket.id != open_still.id:
            close(ticket)
    open_number = session.get_one(Ticket, open_still.id).number
    clock.advance(timedelta(days=5 * 366))
    young = make_ticket(SYSTEM)
    close(young)
    retention.delete_due()
    session.expire_all()
    assert {row.number for row in session.scalars(select(Ticket))} == {open_number, young.number}
    assert count(TicketMessage, TicketMessage.ticket_id.not_in([open_still.id, young.id])) == 0
    assert (count(Review), count(TicketLink), count(TicketAttachment)) == (0, 0, 0)


def test_mail_sign_ins_invitations_and_verifications_go_by_age(session: Session, clock: Clock) -> None:
    owner = factories.owner_of(factories.make_customer())
    actor = Actor(kind="person", id=owner.person_id, name=owner.person.name)
    staff = factories.make_staff(Role.AGENT)
    factories.make_verification(staff, owner)
    move = make_move()
    move.agent = staff.actor()
    with transaction() as writing:
        writing.get_one(Verification, move.verification_id).staff_id = staff.id
    move.request()
    with transaction() as writing:
        invite(actor, owner.customer, "poziv@example.rs", [])
        now = core_clock.now()
        writing.add(PersonSession(person_id=owner.person_id, token_digest="x", created_at=now, seen_at=now,
                                  expires_at=now + timedelta(hours=1)))  # fmt: skip
        for mail in writing.scalars(select(Mail)):
            mail.state = MailState.SENT
    waiting = session.scalar(select(func.max(Mail.id)))
    with transaction() as writing:
        writing.get_one(Mail, waiting).state = MailState.QUEUED
    needed = move.verification_id
    clock.advance(timedelta(days=80))
    retention.delete_due()
    assert (count(PersonSession), count(Invitation)) == (1, 1)
    clock.advance(timedelta(days=30))
    retention.delete_due()
    assert (count(PersonSession), count(Invitation)) == (0, 0)
    clock.advance(timedelta(days=2 * 366))
    retention.delete_due()
    session.expire_all()
    assert list(session.scalars(select(Mail.id))) == [waiting]
    assert list(session.scalars(select(Verification.id))) == [needed]  # a migration's


def test_the_page_says_what_goes_next(client: ConsoleClient, app: Flask, clock: Clock) -> None:
    tickets = [make_ticket(SYSTEM) for _ in range(3)]
    for ticket in tickets[:2]:
        close(ticket)
    sign_in(client, Role.ADMIN)
    with count_queries(app) as statements:
        page = client.get("/console/settings/retention/", headers=ENGLISH)
    assert page.status_code == 200 and "Deleted next" in page.text and "10 years" in page.text
    assert len(statements) <= 8

    def tickets_next() -> dict[str, Any]:
        lines = client.get_json("/console/settings/retention/").json["upcoming"]
        return next(line for line in lines if line["kind"] == "tickets")

    assert (tickets_next()["stored"], tickets_next()["due"]) == (2, 0)
    assert client.submit("/console/settings/retention/", json=True, ticket_keep_months="3").status_code == 422
    assert client.submit("/console/settings/retention/", json=True, ticket_keep_months="12").status_code == 200
    clock.advance(timedelta(days=340))
    sign_in(client, Role.ADMIN)
    assert (tickets_next()["due"], tickets_next()["period"]) == (2, 12)


def test_what_is_due_is_what_goes(session: Session, clock: Clock) -> None:
    """The page and the worker ask the same question."""
    for _ in range(2):
        close(make_ticket(SYSTEM))
    make_ticket(SYSTEM)
    clock.advance(timedelta(days=61 * 31))
    before = {one.kind.key: one for one in retention.upcoming()}
    assert before["tickets"].due == 2 and (before["tickets"].first_at or core_clock.now()) <= core_clock.now()
    retention.delete_due()
    after = {one.kind.key: one for one in retention.upcoming()}
    assert after["tickets"].stored == 0 and count(Ticket) == 1


@pytest.mark.only("sqlite")
def test_what_names_a_ticket_or_a_verification_holds_nothing_up(session: Session, clock: Clock) -> None:
    """A request goes with its ticket, and so does how far a person has read; a handover keeps its verification."""
    customer = factories.make_customer()
    owner = factories.owner_of(customer)
    service = factories.make_service(customer)
    staff = factories.make_staff(Role.AGENT)
    factories.make_verification(staff, owner)
    with transaction() as writing:
        handover.start(staff.actor(), customer.id, HandoverData("Novi Vlasnik", "novi@example.rs"))
        requests.cancel(factories.person_actor(owner.person), service.id, when="end", reason="Gasi se", key="k" * 9)
        ticket = writing.scalars(select(Ticket).order_by(Ticket.id.desc())).first()
        assert ticket is not None
        account_service.mark_read(owner.person_id, ticket.id, 1)
    close(ticket)
    clock.advance(timedelta(days=6 * 366))
    close(make_ticket(SYSTEM))
    retention.delete_due()
    session.expire_all()
    assert (count(ServiceRequest), count(TicketPersonRead), count(Ticket)) == (0, 0, 1)
    assert count(Verification) == 1
