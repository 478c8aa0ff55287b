"""A required text in which nothing can be seen is none, for every verb that asks for one, whoever calls it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from console.billing.migration import decisions
from console.billing.service import cancel_proforma
from console.chat.service import blocking
from console.chat.service.messages import clean
from console.core import clock as clocks
from console.core.actor import SYSTEM
from console.core.errors import Refusal
from console.core.transaction import transaction
from console.customers import service as customers
from console.customers.verification.supervision import override
from console.hosting import service as hosting
from console.hosting.models import ProductKind
from console.hours.calendar import SpecialKind
from console.hours.service import SpecialData, add_special
from console.staff import departments, service
from console.staff.roles import Role
from console.tickets.canned import service as canned
from console.tickets.reviews import service as reviews
from console.tickets.service import messages as ticket_messages
from console.tickets.service import properties as tickets
from console.tickets.service import questions, saved_views, splitting
from tests import factories
from tests.factories.chat import ask, monday
from tests.factories.migrations import make_move
from tests.factories.tickets import any_department, make_ticket

pytestmark = pytest.mark.only("sqlite")
BLANK = ("", " \n", "\u200b", "\u3164\u2800\u00ad\ufe0f")
# Long enough for a shortest length, and next to nothing of it is seen.
SHORT = "a" + "\u200b" * 20


OPENS_ITS_OWN: set[Callable[[str], Any]] = set()  # transaction


def _alone(verb: Callable[[str], Any]) -> Callable[[str], Any]:
    OPENS_ITS_OWN.add(verb)
    return verb


def _department(name: str) -> Any:
    return departments.DepartmentData(name_sr=name, name_en=name)


def _verbs(actor: Callable[[str], Any], clock: Any) -> dict[str, Callable[[str], Any]]:
    """Return every verb that takes a required text, on rows of its own."""
    clock.set(monday(11))
    agent, chief, billing = actor("agent"), actor("supervisor"), actor("billing")
    account, staff = factories.make_customer(), factories.make_staff(Role.AGENT)
    ticket, chat = make_ticket(agent), ask()
    proforma = factories.make_proforma(account)
    move = make_move()
    move.request()
    day = clocks.now().date() + timedelta(days=40)
    person = customers.MemberData(email="nova@example.test", name="")
    with transaction():
        review = reviews.pick(chief, _answered(agent).id)
    return {
        "override": lambda text: override(chief, account, text),
        "account suspended": lambda text: customers.suspend_customer(SYSTEM, account, text),
        "account closed": lambda text: customers.close_customer(SYSTEM, account, text),
        "account's name": lambda text: customers.register_customer(SYSTEM, customers.CustomerData(name=text)),
        "person's name": lambda text: customers.add_member(
            SYSTEM, account, customers.MemberData(**{**vars(person), "name": text})
        ),
        "storno": lambda text: cancel_proforma(billing, proforma, text),
        "migration's reason": _alone(lambda text: move.request(reason=text)),
        "migration rejected": lambda text: decisions.reject(billing, move.ref, text),
        "migration withdrawn": lambda text: decisions.withdraw(billing, move.ref, text),
        "product": lambda text: hosting.add_product(SYSTEM, code=text, name=text, kind=ProductKind.HOSTING, price=1),
        "closure": lambda text: add_special(SYSTEM, SpecialData(day, SpecialKind.CLOSED, text)),
        "staff's name": lambda text: service.change_staff(SYSTEM, staff.id, name=text),
        "staff's e-mail": lambda text: service.change_staff(SYSTEM, staff.id, email=text),
        "new staff": lambda text: service.add_staff(
            SYSTEM, email="nov@example.test", name=text, role=Role.AGENT, password_hash="x"
        ),
        "department": lambda text: departments.add_department(SYSTEM, _department(text)),
        "ticket's subject": lambda text: make_ticket(agent, subject=text),
        "ticket's question": lambda text: make_ticket(agent, body=text),
        "ticket's requester": lambda text: make_ticket(agent, requester_email=text),
        "ticket called otherwise": lambda text: tickets.set_subject(agent, ticket.id, text),
        "ticket split": lambda text: splitting.split(agent, ticket.id, [1], text),
        "links voided": lambda text: tickets.void_links(agent, ticket.id, text),
        "reply": lambda text: ticket_messages.reply(
            agent, ticket.id, ticket_messages.Writing(body=text, client_id="r-1")
        ),
        "note": lambda text: ticket_messages.note(
            agent, ticket.id, ticket_messages.Writing(body=text, client_id="n-1")
        ),
        "requester's answer": lambda text: questions.add_question(SYSTEM, ticket, text, client_id="q-1", via="link"),
        "saved view": lambda text: saved_views.save_view(agent, text, {"view": "open"}),
        "category of replies": lambda text: canned.save_category(chief, None, name_sr=text, name_en=text),
        "review skipped": lambda text: reviews.skip(chief, review.id, text),
        "chat's name": _alone(lambda text: ask(name=text)),
        "chat's question": _alone(lambda text: ask(question=text)),
        "chat's e-mail": _alone(lambda text: ask(email=text)),
        "block": lambda text: blocking.block(chief, chat.number, text, 1),
        "chat's message": clean,
    }


def _answered(agent: Any) -> Any:
    ticket = make_ticket(agent, department_id=any_department().id)
    ticket_messages.reply(agent, ticket.id, ticket_messages.Writing(body="Rešeno.", client_id="x"))
    return ticket


def _refused(verb: Callable[[str], Any], text: str) -> bool:
    try:
        with nullcontext() if verb in OPENS_ITS_OWN else transaction():
            verb(text)
    except Refusal as refusal:
        return refusal.status == 422 or refusal.code.startswith("no_")
    return False


def test_blank_is_no_text(session: Session, actor: Callable[[str], Any], clock: Any) -> None:
    verbs = _verbs(actor, clock)
    taken = [(name, ascii(text)) for name, verb in verbs.items() for text in BLANK if not _refused(verb, text)]
    assert taken == []


def test_a_shortest_length_counts_what_is_seen(session: Session, actor: Callable[[str], Any], clock: Any) -> None:
    verbs = _verbs(actor, clock)
    for name in ("override", "links voided"):
        assert _refused(verbs[name], SHORT), name
        assert not _refused(verbs[name], "Vlasnik je izgubio pristup pošti"), name
