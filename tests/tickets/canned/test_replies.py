"""Canned replies: kept by those who manage the desk, found and filled in for a ticket, shut until it is verified."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import is_writing, transaction
from console.customers.models import VerificationKind
from console.staff.models import Department, Staff
from console.staff.roles import Role
from console.tickets.canned import queries, service
from console.tickets.canned.defaults import CATEGORIES, standard_replies
from console.tickets.canned.greetings import greeting
from console.tickets.canned.models import CannedCategory, CannedReply
from console.tickets.canned.service import ReplyData
from console.tickets.models import Ticket
from tests import factories
from tests.support.queries import count_queries
from tests.tickets.canned.support import department, make_ticket

pytestmark = pytest.mark.both

REPLIES = standard_replies()
only_sqlite = pytest.mark.only("sqlite")  # nothing in these depends on the database
ActorOf = Callable[[Role | str], Actor]
StaffOf = Callable[[Role | str], Staff]


@pytest.fixture
def standard(session: Session) -> dict[str, CannedReply]:
    """The standard replies, by key."""
    with transaction():
        service.load_standard(SYSTEM)
    return {reply.key: reply for reply in session.scalars(select(CannedReply)) if reply.key}


def data(session: Session, **changes: Any) -> ReplyData:
    category = session.scalars(select(CannedCategory).order_by(CannedCategory.id)).first()
    if category is None:
        with nullcontext() if is_writing() else transaction():
            category = service.save_category(SYSTEM, None, name_sr="Razno", name_en="Various")
    made = ReplyData(category.id, "proba", "Proba", "A try", "Dobar dan, {requester_name}.", "Hello {requester_name}.")
    return replace(made, **changes)


def keys(offers: list[queries.Offer]) -> list[str]:
    return [offer.reply.key or offer.reply.shortcut for offer in offers]


@only_sqlite
def test_the_standard_ones_are_loaded_once(session: Session, standard: dict[str, CannedReply]) -> None:
    assert set(standard) == {reply.key for reply in REPLIES}
    with transaction():
        service.change_reply(SYSTEM, standard["outage"], data(session, shortcut="prekid", title_sr="Naš prekid"))
        assert service.load_standard(SYSTEM) == 0
    assert session.scalar(select(CannedReply.title_sr).where(CannedReply.key == "outage")) == "Naš prekid"
    assert session.scalar(select(func.count(CannedCategory.id))) == len(CATEGORIES)
    assert session.scalar(select(func.count()).where(AuditEntry.action == "reply.standard_loaded")) == 1


@only_sqlite
def test_only_who_manages_the_desk_changes_them(session: Session, actor: ActorOf) -> None:
    made = data(session)
    with transaction():
        reply = service.add_reply(actor("supervisor"), made)
    tries: list[Callable[[Actor], Any]] = [
        lambda who: service.add_reply(who, replace(made, shortcut="druga")),
        lambda who: service.change_reply(who, reply, made),
        lambda who: service.remove_reply(who, reply),
        lambda who: service.save_category(who, None, name_sr="A", name_en="B"),
        lambda who: service.remove_category(who, made.category_id),
        service.load_standard,
    ]
    for verb in tries:
        for role in ("agent", "billing"):
            with pytest.raises(NotFound), transaction():
                verb(actor(role))
    assert session.scalar(select(func.count(CannedReply.id))) == 1


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"body_sr": "Zdravo {ime}"}, "body_sr"),
    ({"body_en": "{requester_name.__class__.__init__}"}, "body_en"),
    ({"body_en": " \n "}, "body_en"),
    ({"body_sr": "x" * 20_001}, "body_sr"),
    ({"title_sr": "  "}, "title_sr"),
    ({"title_en": "x" * 121}, "title_en"),
    ({"shortcut": "dva reda"}, "shortcut"),
    ({"shortcut": "čaj"}, "shortcut"),
    ({"shortcut": "/"}, "shortcut"),
    ({"shortcut": "x" * 31}, "shortcut"),
    ({"shortcut": "ZAUZETO"}, "shortcut"),
    ({"category_id": 999_999}, "category_id"),
    ({"department_id": 999_999}, "department_id"),
    ({"position": -1}, "position"),
]


@only_sqlite
def test_what_is_wrong_is_said_by_field(session: Session) -> None:
    with transaction():
        service.add_reply(SYSTEM, data(session, shortcut="zauzeto"))
    for changes, field in WRONG:
        with pytest.raises(Invalid) as refused, transaction():
            service.add_reply(SYSTEM, data(session, **changes))
        assert list(refused.value.fields) == [field], changes
    assert session.scalar(select(func.count(CannedReply.id))) == 1


def test_a_change_is_on_the_record_and_found(session: Session, actor: ActorOf) -> None:
    supervisor = actor("supervisor")
    with transaction():
        reply = service.add_reply(supervisor, data(session, shortcut="/Proba"))
    assert reply.shortcut == "proba"
    with transaction():
        service.change_reply(supervisor, reply, data(session, body_sr="Sasvim šumovito. {brand}"))
        service.change_reply(supervisor, reply, data(session, body_sr="Sasvim šumovito. {brand}"))
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("reply.%"))).all()
    assert sorted(actions) == ["reply.added", "reply.category_saved", "reply.changed"]
    ticket = make_ticket()
    assert keys(queries.offers(actor("agent"), "sumov", ticket)) == ["proba"]
    with transaction():
        service.remove_reply(supervisor, reply)
    assert queries.offers(actor("agent"), "sumov", ticket) == []


@only_sqlite
def test_a_category_goes_when_it_is_empty(session: Session) -> None:
    with transaction():
        reply = service.add_reply(SYSTEM, data(session))
    with pytest.raises(Conflict), transaction():
        service.remove_category(SYSTEM, reply.category_id)
    key = reply.category_id
    with transaction():
        service.save_category(SYSTEM, key, name_sr="Žuto", name_en="Yellow", position=3)
    agent = factories.make_staff(Role.AGENT).actor()
    assert keys(queries.offers(agent, "zut", None)) == ["proba"]  # found by the new name
    with transaction():
        service.remove_reply(SYSTEM, reply)
        service.remove_category(SYSTEM, key)
    with pytest.raises(NotFound), transaction():
        service.save_category(SYSTEM, key, name_sr="A", name_en="B")


@only_sqlite
def test_they_are_filled_in_in_the_requesters_language(
    session: Session, standard: dict[str, CannedReply], staff_of: StaffOf
) -> None:
    agent = staff_of("agent")
    ticket = make_ticket(language="en", requester_name="{brand} <b>O'Neil</b>\u202e")
    (greeting, *_more) = queries.offers(agent.actor(), "pozdrav", ticket)
    assert greeting.body is not None
    assert greeting.body.startswith("Hello {brand} <b>O'Neil</b>,")
    assert "http://127.0.0.1:8000/moj/" in greeting.body
    assert "{" not in greeting.body.replace("{brand}", "", 1)
    serbian = make_ticket(language="sr_Latn")
    hours = queries.offers(agent.actor(), "radno-vreme", serbian)[0].body or ""
    assert "Radno vreme: ponedeljak–petak 09–17" in hours and serbian.number in hours


def test_they_are_found_by_title_shortcut_and_text(
    session: Session, standard: dict[str, CannedReply], actor: ActorOf
) -> None:
    ticket = make_ticket()
    for typed in ("dvostruka", "DVOSTRUKA aut", "двострука", "2fa", "/2fa", "two-factor", "google"):
        assert "two_step" in keys(queries.offers(actor("agent"), typed, ticket)), typed


def test_what_is_typed_out_comes_first_then_the_department(
    session: Session, standard: dict[str, CannedReply], actor: ActorOf
) -> None:
    ticket = make_ticket(department="accounting")
    found = queries.offers(actor("agent"), "dns", ticket)
    assert keys(found)[0] == "dns_zone"
    everything = queries.offers(actor("agent"), "", ticket)
    assert len(everything) == 20
    ours = [offer.reply.department_id == ticket.department_id for offer in everything]
    assert ours[:4] == [True] * 4 and not any(ours[4:])
    technical = queries.offers(actor("agent"), "", make_ticket(department="technical"))
    assert technical[0].reply.department_id == department("technical").id


def test_the_shortcut_and_the_title_come_before_the_text(
    session: Session, standard: dict[str, CannedReply], actor: ActorOf
) -> None:
    """``/poz`` means "pozdrav", though the ticket's own department has a reply whose text says "poznat"."""
    ticket = make_ticket(department="technical")

    def found(typed: str) -> list[str]:
        return keys(queries.offers(actor("agent"), typed, ticket))

    assert found("poz")[0] == "greeting" and "outage" in found("poz")
    assert found("/poz") == found("poz")
    assert found("novi")[:2] == ["add_contact", "add_user"], "beginnings of shortcuts, in their order"
    assert found("dns-iz")[0] == "dns_changed"
    assert found("radno v")[0] == "out_of_hours"
    assert found("promena l")[0] == "password", "the beginning of a title"
    assert set(found("prenos")[:2]) == {"move_service", "move_received"} and len(found("prenos")) > 2


@only_sqlite
def test_a_reply_that_follows_other_words_can_leave_out_its_greeting(
    session: Session, standard: dict[str, CannedReply], actor: ActorOf
) -> None:
    ticket = make_ticket(requester_name="Ana Petrović")
    for reply in standard.values():
        for body in (reply.body_sr, reply.body_en):
            assert body.startswith(greeting(body)) and greeting(body).strip()
    (offer, *_) = queries.offers(actor("agent"), "pozdrav", ticket)
    assert offer.greeting == "Dobar dan, Ana Petrović,\n\n"
    assert (offer.body or "").startswith(offer.greeting + "hvala Vam")
    for body, expected in {
        "Poštovani korisniče,\nstiže.": "Poštovani korisniče,\n",
        "Hello {requester_name}! It works.": "Hello {requester_name}! ",
        "Dobar dan": "",
        "Dobar dan, {requester_name}.": "",
        "Pozdravite kolege, molim.": "",
        "Hi-fi je ugašen. Ne radi.": "",
        "Radi. Dobar dan, Ana.": "",
    }.items():
        assert greeting(body) == expected, body


def test_nothing_strange_breaks_the_search(session: Session, standard: dict[str, CannedReply], actor: ActorOf) -> None:
    for typed in ('"', "' OR 1=1", "\0", "*", "a" * 5_000, "& | !", "NEAR(", "---", "💥", "{brand}"):
        assert len(queries.offers(actor("agent"), typed, None)) <= 20


@only_sqlite
def test_a_switched_off_one_is_not_offered(session: Session, standard: dict[str, CannedReply], actor: ActorOf) -> None:
    reply = standard["two_step"]
    off = data(session, shortcut="2fa", body_sr=reply.body_sr, body_en=reply.body_en, active=False)
    with transaction():
        service.change_reply(SYSTEM, reply, off)
    assert "two_step" not in keys(queries.offers(actor("agent"), "2fa", None))


def shut(found: list[queries.Offer], key: str) -> bool:
    (offer,) = [offer for offer in found if offer.reply.key == key]
    assert (offer.body is None) == (offer.locked_reason is not None)
    return offer.body is None


@only_sqlite
def test_what_speaks_of_an_account_is_shut_until_it_is_verified(
    session: Session, standard: dict[str, CannedReply], staff_of: StaffOf, clock: Any
) -> None:
    agent, supervisor = staff_of("agent"), staff_of("supervisor")
    owner = factories.owner_of(factories.make_customer())
    other = factories.owner_of(factories.make_customer())
    ticket = make_ticket(customer=owner.customer)

    def is_shut(who: Staff, about: Any = ticket) -> bool:
        return shut(queries.offers(who.actor(), "uplata", about), "payment_recorded")

    assert is_shut(agent)
    assert is_shut(agent, None)
    assert is_shut(agent, make_ticket())  # of no account
    factories.make_verification(agent, other)
    assert is_shut(agent)  # of another account
    factories.make_verification(supervisor, owner)
    assert is_shut(agent)  # a colleague's
    factories.make_verification(agent, owner, lasts=timedelta(minutes=5))
    assert not is_shut(agent)
    assert not shut(queries.offers(agent.actor(), "2fa", ticket), "two_step")
    clock.advance(timedelta(minutes=6))
    assert is_shut(agent)


@only_sqlite
def test_an_override_opens_none(session: Session, standard: dict[str, CannedReply], staff_of: StaffOf) -> None:
    owner = factories.owner_of(factories.make_customer())
    factories.make_verification(staff_of("supervisor"), owner, kind=VerificationKind.OVERRIDE)
    found = queries.offers(staff_of("supervisor").actor(), "uplata", make_ticket(customer=owner.customer))
    assert shut(found, "payment_recorded")


@only_sqlite
def test_who_does_not_work_on_tickets_is_offered_nothing(session: Session, actor: ActorOf) -> None:
    with pytest.raises(NotFound):
        queries.offers(actor("admin"), "", None)


def test_as_many_queries_for_twenty_as_for_one(
    app: Flask, session: Session, standard: dict[str, CannedReply], staff_of: StaffOf
) -> None:
    owner = factories.owner_of(factories.make_customer())
    ticket, agent = make_ticket(customer=owner.customer, department="accounting"), staff_of("agent").actor()
    counts = []
    for typed in ("uplata", ""):
        session.expire_all()
        loaded = (session.get_one(Ticket, ticket.id), session.get_one(Department, ticket.department_id))
        assert all(loaded) and queries.values(agent, ticket)  # the hours are read once a transaction
        with count_queries(app) as sent:
            queries.offers(agent, typed, ticket)
        counts.append(sent.count)
    assert counts[0] == counts[1] <= 4


def test_two_at_once_make_it_once(
    app: Flask, session: Session, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    made, refused = data(session), []
    session.rollback()

    def work() -> None:
        with app.app_context():
            with transaction():
                service.load_standard(SYSTEM)
            try:
                with transaction():
                    service.add_reply(SYSTEM, made)
            except Invalid as refusal:
                refused.append(list(refusal.fields))
            db.session.remove()

    in_threads(work, 3)
    assert refused == [["shortcut"]] * 2
    assert session.scalar(select(func.count(CannedReply.id))) == len(REPLIES) + 1
