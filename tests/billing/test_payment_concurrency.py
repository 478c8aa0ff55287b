"""A payment at the same time as a migration, a storno or another payment: one outcome, and the books are right."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.billing import periods
from console.billing.ledger.queries import credit_of
from console.billing.models import Proforma, ProformaStatus
from console.billing.payments import service
from console.billing.payments.models import Payment, PaymentSource, PaymentState, UnmatchedReason
from console.billing.payments.service import IncomingPayment
from console.billing.service import LineDraft, cancel_proforma, issue_proforma
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.errors import Refusal
from console.core.transaction import transaction
from console.customers.models import Customer
from console.hosting.models import Service
from tests import factories
from tests.billing.ledger import check_books
from tests.billing.test_migration_concurrency import at_once
from tests.factories import LineSpec
from tests.factories.migrations import make_move

pytestmark = pytest.mark.both
TOTAL = 1_440_000


def receive(reference: str, amount: int) -> str:
    incoming = IncomingPayment(reference, amount, "RSD", factories.today(), source=PaymentSource.STATEMENT)
    with transaction():
        (payment,) = service.receive(SYSTEM, [incoming], by_person=False)
        return payment.state.value


def renewing() -> tuple[Service, Proforma]:
    hosting = factories.make_service(factories.make_customer())
    spec = LineSpec(hosting, period=periods.next_period(hosting))
    return hosting, factories.make_proforma(hosting.customer, [spec])


def test_a_payment_and_two_migrations_at_once(
    app: Flask, session: Session, samples: Callable[[int, int], int], proof: Callable[[str], None]
) -> None:
    """Either it was paid before and stays, or the service moved and the payment waits; one new owner at most."""
    outcomes = {"paid": 0, "moved": 0}
    rounds = samples(60, 3)
    for _ in range(rounds):
        hosting, document = renewing()
        until, reference = hosting.paid_until, document.reference
        move = make_move(hosting.customer, services=[hosting]).to_approved()
        digest, document_id, service_id, old_id = move.digest(), document.id, hosting.id, move.old_id
        session.rollback()
        execute = partial(move.execute, digest=digest)
        paid, executed, again = at_once(app, [partial(receive, reference, TOTAL), execute, execute])
        session.expire_all()
        document, hosting = session.get_one(Proforma, document_id), session.get_one(Service, service_id)
        moved = [one for one in (executed, again) if isinstance(one, dict)]
        if paid == PaymentState.MATCHED.value:
            outcomes["paid"] += 1
            assert not moved and {one.code for one in (executed, again)} == {"stale_plan"}, "the loser is told why"
            assert (document.status, hosting.customer_id) == (ProformaStatus.PAID, old_id)
            assert hosting.paid_until > until
        else:
            outcomes["moved"] += 1
            assert len(moved) == 1
            assert document.status is ProformaStatus.CANCELLED and hosting.customer_id != old_id
            assert hosting.paid_until == until, "a payment to a cancelled reference renews nothing"
            waiting = session.scalars(select(Payment).order_by(Payment.id.desc())).first()
            assert waiting is not None and waiting.unmatched_reason is UnmatchedReason.CANCELLED
        check_books(session)
    proof(f"{rounds} payments in parallel with two executions: {outcomes}, each time one outcome, the books right")


def test_twenty_payments_of_one_document_renew_it_once(app: Flask, session: Session) -> None:
    hosting, document = renewing()
    until, reference, service_id = hosting.paid_until, document.reference, hosting.id
    session.rollback()
    states = at_once(app, [partial(receive, reference, TOTAL)] * 10)
    assert sorted(states) == ["matched"] + ["unmatched"] * 9
    session.expire_all()
    assert (session.get_one(Service, service_id).paid_until - until).days in (365, 366)
    check_books(session)


def test_credit_is_not_used_twice(app: Flask, session: Session) -> None:
    customer = factories.make_customer()
    documents = [factories.make_proforma(customer).id for _ in range(4)]
    with transaction():
        service.correct_credit(SYSTEM, customer.id, "RSD", TOTAL, "Poklon", "k")
    key = customer.id
    session.rollback()

    def use(document_id: int) -> int:
        with transaction():
            return service.use_credit(SYSTEM, db.session.get_one(Proforma, document_id))

    def refund() -> dict[str, Any]:
        with transaction():
            return service.refund_credit(SYSTEM, key, "RSD", TOTAL, "Nazad", "r")

    results = at_once(app, [refund, *(partial(use, one) for one in documents)])
    used = [one for one in results if isinstance(one, dict) or one == TOTAL]
    assert len(used) == 1
    session.expire_all()
    assert credit_of(key) == {}
    check_books(session)


def test_a_payment_a_storno_and_an_undo_at_once(app: Flask, session: Session) -> None:
    hosting, document = renewing()
    part = factories.pay_proforma(document, 400_000).id
    reference, document_id, key = document.reference, document.id, hosting.customer_id
    session.rollback()

    def storno() -> None:
        with transaction():
            cancel_proforma(SYSTEM, db.session.get_one(Proforma, document_id), "Greška")

    def undo() -> None:
        with transaction():
            service.undo(SYSTEM, part, "Greška")

    def use() -> None:
        with transaction():
            service.correct_credit(SYSTEM, key, "RSD", 5, "Poklon", "k")

    results = at_once(app, [storno, undo, use, partial(receive, reference, TOTAL - 400_000)])
    assert all(result is None or isinstance(result, Refusal | str) for result in results), results
    session.expire_all()
    check_books(session)


def test_one_period_is_billed_once_by_many(app: Flask, session: Session) -> None:
    hosting = factories.make_service(factories.make_customer())
    period = periods.next_period(hosting)
    service_id, customer_id = hosting.id, hosting.customer_id
    session.rollback()

    def bill() -> str:
        with transaction():
            customer = db.session.get_one(Customer, customer_id)
            draft = LineDraft("Produženje", 100, service_id=service_id, period=period)
            return issue_proforma(SYSTEM, customer, [draft]).number

    results = at_once(app, [bill] * 8)
    assert sum(isinstance(one, str) for one in results) == 1
    assert {one.code for one in results if isinstance(one, Refusal)} == {"billed"}
    session.expire_all()
    assert session.scalar(select(func.count(Proforma.id))) == 1
    check_books(session)
