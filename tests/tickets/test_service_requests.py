"""What customers ask for about their services: one row and one ticket each, ended by staff."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core import context
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Reused
from console.core.transaction import transaction
from console.customers.rights import Right
from console.hosting.models import ProductKind
from console.mail.models import Mail
from console.settings.service import change
from console.staff.roles import Role
from console.tickets.models import Ticket, TicketMessage, TicketSource
from console.tickets.service_requests import decisions, service
from console.tickets.service_requests.labels import facts_of
from console.tickets.service_requests.models import RequestKind, RequestState, ServiceRequest
from tests import factories
from tests.customers.test_people import actor_of
from tests.factories import Persona
from tests.support.client import ConsoleClient, sign_in, sign_in_person
from tests.support.queries import count_queries

pytestmark = pytest.mark.only("sqlite")

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def ana(session: Session) -> Persona:
    return factories.ana()


def cancel(ana: Persona, actor: Actor | None = None, **changes: Any) -> dict[str, Any]:
    fields = {"when": "end", "reason": "Sajt se gasi", "key": uuid4().hex} | changes
    with transaction():
        return service.cancel(actor or actor_of(ana.owner), ana.services[0].id, **fields)


def stored() -> ServiceRequest:
    return db.session.scalars(select(ServiceRequest)).one()


def test_an_order_is_a_ticket_of_its_department_with_everything_filled_in(ana: Persona) -> None:
    product = factories.make_product(ProductKind.DOMAIN, name="Domen .rs", price=199_000)
    with transaction():
        answer = service.order(
            actor_of(ana.owner), ana.customer, product_id=product.id, domain="Žuti-Sat.rs", remark="Hitno", key="k" * 9
        )
    request = stored()
    ticket = request.ticket
    assert answer == {"id": request.id, "kind": "order", "state": "open", "ticket": ticket.number}
    assert (ticket.customer_id, ticket.requester_email, ticket.department.key) == (
        ana.customer.id, ana.owner.person.email, "sales",
    )  # fmt: skip
    assert (ticket.source, ticket.person_id) == (TicketSource.PORTAL, ana.owner.person_id)
    body = db.session.scalars(select(TicketMessage.body).where(TicketMessage.ticket_id == ticket.id)).one()
    assert "Domen .rs" in body and "1.990,00 RSD" in body and "Žuti-Sat.rs" in body and "Hitno" in body
    assert request.data["domain"] == "xn--uti-sat-cxb.rs" and request.product == "Domen .rs"
    assert "žuti-sat.rs" in dict(facts_of(request, "sr_Latn")).values()
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "request.sent")).one()
    assert (entry.actor_kind, entry.customer_id) == ("person", ana.customer.id)


def test_an_order_needs_a_product_on_sale_and_a_domain_its_name(ana: Persona) -> None:
    domain = factories.make_product(ProductKind.DOMAIN)
    over = factories.make_product(active=False)
    cases = [
        (domain.id, "", "domain"),
        (domain.id, "nije domen", "domain"),
        (over.id, "", "product"),
        (0, "", "product"),
    ]
    for product_id, name, wrong in cases:
        with pytest.raises(Invalid) as caught, transaction():
            service.order(
                actor_of(ana.owner), ana.customer, product_id=product_id, domain=name, remark="", key=uuid4().hex
            )
        assert set(caught.value.fields) == {wrong}
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_each_kind_needs_its_right(ana: Persona, staff_of: Callable[[Role], Any]) -> None:
    hosting = ana.services[0]
    verbs: dict[Right, Callable[[Actor], Any]] = {
        Right.ORDERS: lambda actor: service.cancel(actor, hosting.id, when="now", reason="Gasimo", key=uuid4().hex),
        Right.MANAGE_PRODUCTS: lambda actor: service.renew_password(actor, hosting.id, remark="", key=uuid4().hex),
    }
    for right, verb in verbs.items():
        without = factories.make_member(ana.customer, rights=set(Right) - {right})
        blind = factories.make_member(ana.customer, rights=[right])  # may not see services at all
        stranger = factories.owner_of(factories.make_customer())
        for actor in (actor_of(without), actor_of(blind), actor_of(stranger), staff_of(Role.AGENT).actor()):
            with pytest.raises(NotFound), transaction():
                verb(actor)
        with transaction():
            verb(actor_of(factories.make_member(ana.customer, rights=[right, Right.PRODUCTS])))
    assert {one.kind for one in db.session.scalars(select(ServiceRequest))} == {
        RequestKind.CANCELLATION, RequestKind.PASSWORD,
    }  # fmt: skip


def test_a_key_counts_once_and_one_of_a_kind_waits(ana: Persona) -> None:
    first = cancel(ana, key="a" * 12)
    assert cancel(ana, key="a" * 12) == first
    with pytest.raises(Reused):
        cancel(ana, key="a" * 12, reason="Drugi razlog")
    with pytest.raises(Conflict) as caught:
        cancel(ana)
    assert caught.value.code == "open_request"
    with transaction():  # another kind may wait beside it
        service.renew_password(actor_of(ana.owner), ana.services[0].id, remark="", key=uuid4().hex)


@pytest.mark.both
def test_two_at_once_make_one(ana: Persona, app: Flask, in_threads: Callable[[Callable[[], None], int], None]) -> None:
    actor, service_id = actor_of(ana.owner), ana.services[0].id
    refused: list[str] = []

    def work() -> None:
        with app.app_context():
            try:
                with transaction():
                    service.renew_password(actor, service_id, remark="", key=uuid4().hex)
            except Conflict as refusal:
                refused.append(refusal.code)

    in_threads(work, 3)
    db.session.rollback()
    assert refused == ["open_request"] * 2
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 1


def test_what_a_person_writes_is_masked_and_a_cancelled_service_takes_none(ana: Persona) -> None:
    cancel(ana, reason="Moj PIN je 482913")
    assert "482913" not in stored().data["remark"]
    assert not db.session.scalar(select(TicketMessage.id).where(TicketMessage.body.contains("482913")))
    with transaction():
        ana.services[1].status = type(ana.services[1].status)("cancelled")
    with pytest.raises(Conflict) as caught, transaction():
        service.renew_password(actor_of(ana.owner), ana.services[1].id, remark="", key=uuid4().hex)
    assert caught.value.code == "ended"


def test_a_change_is_to_another_product_of_the_kind(ana: Persona) -> None:
    larger = factories.make_product(name="Hosting XL", price=2_400_000)
    vps = factories.make_product(ProductKind.VPS)
    hosting = ana.services[0]
    for wrong in (vps.id, hosting.product_id, 0):
        with pytest.raises(Invalid), transaction():
            service.change_product(actor_of(ana.owner), hosting.id, product_id=wrong, remark="", key=uuid4().hex)
    with transaction():
        service.change_product(actor_of(ana.owner), hosting.id, product_id=larger.id, remark="", key=uuid4().hex)
    request = stored()
    assert (request.product, request.data["from"]) == ("Hosting XL", hosting.product.name)


def test_staff_end_it_once_and_the_customer_is_told(ana: Persona, staff_of: Callable[[Role], Any]) -> None:
    cancel(ana)
    agent, ticket_id = staff_of(Role.AGENT).actor(), stored().ticket_id
    with pytest.raises(Invalid), transaction():
        decisions.refuse(agent, ticket_id, "  ")
    with pytest.raises(NotFound), transaction():
        decisions.complete(staff_of(Role.ADMIN).actor(), ticket_id)
    with transaction():
        decisions.refuse(agent, ticket_id, "Domen je zaključan, PIN 482913")
    request = stored()
    assert request.state is RequestState.REFUSED and "482913" not in request.answer
    mail = db.session.scalars(select(Mail).where(Mail.template == "request_ended")).one()
    assert mail.to_address == ana.owner.person.email and "Domen je zaključan" in mail.text
    events = db.session.scalars(select(TicketMessage.event).where(TicketMessage.event.is_not(None))).all()
    assert events == ["request_refused"]
    with pytest.raises(Conflict), transaction():
        decisions.complete(agent, ticket_id)
    cancel(ana)  # the next one may be asked for


def test_the_department_is_a_setting(ana: Persona, staff_of: Callable[[Role], Any]) -> None:
    with transaction():
        change(staff_of(Role.ADMIN).actor(), "requests", {"request_departments.cancellation": "accounting"})
    context.look_again()
    cancel(ana)
    assert stored().ticket.department.key == "accounting"


def test_the_pages_ask_follow_and_say_what_is_lost(app: Flask, client: ConsoleClient, ana: Persona) -> None:
    factories.make_product(name="Hosting XL", price=2_400_000)
    sign_in_person(client, ana.owner.person.email)
    hosting = ana.services[0]
    page = client.get(f"/moj/services/{hosting.id}/cancel", headers=ENGLISH).text
    assert "cannot be restored" in page and "will have nowhere to work" in page
    base = f"/moj/services/{hosting.id}"
    missing = client.submit(f"{base}/cancel", headers=ENGLISH, when="now", reason="", idempotency_key=uuid4().hex)
    assert missing.status_code == 422 and 'value="now" checked' in missing.text
    for path, fields in (
        ("cancel", {"when": "now", "reason": "Gasimo"}),
        ("password", {"remark": "FTP"}),
        ("change", {"product": str(service.products_for_change(hosting)[-1].id)}),
    ):
        sent = client.submit(f"{base}/{path}", **fields, idempotency_key=uuid4().hex)
        assert sent.status_code == 303, sent.text
        assert client.submit(f"{base}/{path}", **fields, idempotency_key=uuid4().hex).status_code == 409
    html = client.get(f"/moj/services/{hosting.id}", headers=ENGLISH).text
    assert "Open requests" in html and f"{base}/cancel" not in html
    with count_queries(app) as queries:
        listed = client.get("/moj/requests/", headers=ENGLISH).text
    assert queries.count <= 8 and "New service password" in listed
    agent = app.test_client()
    assert isinstance(agent, ConsoleClient)
    sign_in(agent, Role.AGENT)
    number = db.session.scalars(select(ServiceRequest)).all()[0].ticket.number
    card = agent.get(f"/console/tickets/{number}", headers=ENGLISH).text
    assert "Mark as done" in card and "Cancellation" in card
    assert agent.submit(f"/console/tickets/{number}/request/refused", json=True, answer="").status_code == 422
    assert agent.submit(f"/console/tickets/{number}/request/other", json=True).status_code == 404
    assert agent.submit(f"/console/tickets/{number}/request/done", json=True, answer="Gotovo").status_code == 200
    (done,) = [one for one in client.get_json("/moj/requests/").json["items"] if one["state"] == "done"]
    assert (done["kind"], done["answer"]) == ("cancellation", "Gotovo")


def test_who_only_manages_passwords_sees_those_requests_alone(client: ConsoleClient, ana: Persona) -> None:
    cancel(ana)
    keeper = factories.make_member(ana.customer, rights=[Right.PRODUCTS, Right.MANAGE_PRODUCTS])
    sign_in_person(client, keeper.person.email)
    assert client.get_json("/moj/requests/").json["items"] == []
    base = f"/moj/services/{ana.services[0].id}"
    assert client.get(f"{base}/cancel").status_code == 404 and client.get("/moj/orders/new").status_code == 404
    assert client.submit(f"{base}/password", json=True, idempotency_key=uuid4().hex).status_code == 201
    assert [one["kind"] for one in client.get_json("/moj/requests/").json["items"]] == ["password"]


def test_a_day_is_written_in_the_language_of_the_reader() -> None:
    request = ServiceRequest(product="", data={"when": "end", "paid_until": "2026-11-23"})
    assert [facts_of(request, one)[0][1] for one in ("sr_Latn", "en")] == ["23.11.2026.", "23 Nov 2026"]
