"""Random sequences of all that moves money, on both databases: after each step the books are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import delete, inspect, select, text
from sqlalchemy.orm import Session

from console.billing import migration as migrate
from console.billing import periods
from console.billing.duties.models import Duty
from console.billing.ledger.models import LedgerEntry, LedgerPosting
from console.billing.ledger.queries import credit_of
from console.billing.models import (
    BilledPeriod,
    Migration,
    MigrationItem,
    MigrationState,
    NumberSeries,
    Proforma,
    ProformaLine,
    Storno,
)
from console.billing.payments import service
from console.billing.payments.models import Payment, PaymentSource
from console.billing.payments.service import IncomingPayment
from console.billing.renewals import ending
from console.billing.service import LineDraft, cancel_proforma, issue_proforma
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.errors import Refusal
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers.models import Customer
from console.hosting.models import Ownership, Service
from tests import factories
from tests.billing.ledger import check_books
from tests.factories.migrations import make_move

pytestmark = pytest.mark.both

CUSTOMERS, SERVICES = 3, 4
SAMPLE, STEPS = (3, 14), (100, 40)  # examples and steps of one: in a sample, and as a proof
places = st.integers(0, 99)
amounts = st.one_of(st.integers(1, 5), st.integers(1, 2_000_000), st.just(10**13 - 1))
nets = st.one_of(st.just(0), st.just(1), st.integers(1, 3_000_000), st.just(10**12))
# What of a document must be as it was issued, whatever happens.
FROZEN = [column.key for column in inspect(Proforma).column_attrs if column.key not in ("status", "paid")]


class Money(RuleBasedStateMachine):
    """Three customers with services, and everything that may be done with money, by right and by mistake."""

    proof: dict[str, int]

    @initialize()
    def begin(self) -> None:
        self.frozen: dict[int, tuple[Any, ...]] = {}
        self.customers = [factories.make_customer().id for _ in range(CUSTOMERS)]
        made = [factories.make_service(self.customer(place)) for place in range(SERVICES)]
        # One has run out: it expires, and what is paid brings it back.
        late = factories.make_service(self.customer(0), paid_until=factories.today() - timedelta(days=60))
        with transaction() as session:
            session.get_one(Service, late.id).auto_renew = False
        made.append(late)
        self.services = [one.id for one in made]
        self.until = {one.id: one.paid_until for one in made}

    # --- what is there ---

    def customer(self, place: int) -> Customer:
        return db.session.get_one(Customer, self.customers[place % CUSTOMERS])

    def service(self, place: int) -> Service:
        return db.session.get_one(Service, self.services[place % len(self.services)])

    def document(self, place: int) -> Proforma | None:
        found = list(db.session.scalars(select(Proforma).order_by(Proforma.id)))
        return found[place % len(found)] if found else None

    def payment(self, place: int) -> Payment | None:
        found = list(db.session.scalars(select(Payment).order_by(Payment.id)))
        return found[place % len(found)] if found else None

    def attempt(self, name: str, act: Callable[[], Any]) -> None:
        """Do something in a transaction of its own; refused, it has changed nothing."""
        try:
            with transaction():
                act()
        except Refusal:
            name = f"{name} refused"
        self.proof[name] = self.proof.get(name, 0) + 1

    # --- what may be done ---

    @rule(place=places, net=nets, count=st.integers(1, 3), renews=st.booleans(), more=st.booleans())
    def issue(self, place: int, net: int, count: int, renews: bool, more: bool) -> None:
        def act() -> None:
            one = self.service(place)
            period = periods.next_period(one, count) if renews else None
            drafts = [LineDraft("Produženje", net, 2000, one.id, count, period)]
            if more:
                drafts.append(LineDraft("Podešavanje", 3, 1000))
            issue_proforma(SYSTEM, one.customer, drafts, currency="RSD")

        self.attempt("issue", act)

    @rule(place=places)
    def bill_a_period_twice(self, place: int) -> None:
        def act() -> None:
            taken = list(db.session.scalars(select(BilledPeriod).order_by(BilledPeriod.id)))
            if not taken:
                return
            one = taken[place % len(taken)]
            again = LineDraft("Ponovo", 1, 2000, one.service_id, 1, periods.Period(one.starts_on, one.ends_on))
            with pytest.raises(Refusal):
                issue_proforma(SYSTEM, one.service.customer, [again], currency="RSD")

        self.attempt("bill twice", act)

    @rule(place=places, off=st.sampled_from([0, 0, 0, -1, 1]), euro=st.sampled_from([False, False, False, True]))
    def bank(self, place: int, off: int, euro: bool) -> None:
        """A payment of what is owed comes with the reference of any document, or of almost that."""
        document = self.document(place)
        if document is None:
            return
        amount = max(1, (document.owed or document.total) + off)
        currency = "EUR" if euro else "RSD"
        incoming = IncomingPayment(
            document.reference, amount, currency, factories.today(), source=PaymentSource.STATEMENT
        )
        self.attempt("bank", lambda: service.receive(SYSTEM, [incoming, incoming], by_person=False))

    @rule(place=places, amount=amounts)
    def typed(self, place: int, amount: int) -> None:
        document = self.document(place)
        reference = "nema" if document is None else document.reference
        incoming = IncomingPayment(reference, amount, "RSD", factories.today())
        self.attempt("typed", lambda: service.receive(SYSTEM, [incoming], by_person=True))

    @rule(place=places, others=st.lists(places, min_size=2, max_size=3))
    def split(self, place: int, others: list[int]) -> None:
        """A payment goes over several documents, of one customer or by mistake of more."""
        payment, documents = self.payment(place), [self.document(other) for other in others]
        if payment is None:
            return
        named = ", ".join(document.number for document in documents if document is not None)
        self.attempt("split", lambda: service.resolve(SYSTEM, payment.id, "document", named, key=uuid4().hex))

    @rule(place=places, other=places, way=st.sampled_from(["document", "document", "credit", "return"]))
    def resolve(self, place: int, other: int, way: str) -> None:
        payment, document = self.payment(place), self.document(other)
        if payment is None or document is None:
            return
        named = document.number if way == "document" else self.customer(other).number
        self.attempt(way, lambda: service.resolve(SYSTEM, payment.id, way, named, reason="Provera", key=uuid4().hex))

    @rule(place=places)
    def undo(self, place: int) -> None:
        payment = self.payment(place)
        if payment is not None:
            self.attempt("undo", lambda: service.undo(SYSTEM, payment.id, "Provera"))

    @rule(place=places)
    def storno(self, place: int) -> None:
        document = self.document(place)
        if document is not None:
            self.attempt("storno", lambda: cancel_proforma(SYSTEM, document, "Provera"))

    @rule(place=places, amount=st.one_of(st.none(), amounts))
    def use_credit(self, place: int, amount: int | None) -> None:
        document = self.document(place)
        if document is not None:
            self.attempt("use credit", lambda: service.use_credit(SYSTEM, document, amount))

    @rule(place=places, amount=amounts)
    def refund(self, place: int, amount: int) -> None:
        left = credit_of(self.customers[place % CUSTOMERS]).get("RSD", 0)
        amount = min(amount, left) or amount
        key = self.customers[place % CUSTOMERS]
        self.attempt("refund", lambda: service.refund_credit(SYSTEM, key, "RSD", amount, "Provera", uuid4().hex))

    @rule(place=places, amount=amounts, sign=st.sampled_from([1, 1, -1]))
    def correct(self, place: int, amount: int, sign: int) -> None:
        key = self.customers[place % CUSTOMERS]
        self.attempt(
            "correct",
            lambda: service.correct_credit(SYSTEM, key, "RSD", sign * amount, "Provera", uuid4().hex),
        )

    @rule(place=places, to=places)
    def migrate(self, place: int, to: int) -> None:
        """A service moves with its documents, and may move back by another migration."""
        one, new = self.service(place), self.customer(to)
        if one.customer_id == new.id:
            return
        move = make_move(one.customer, new, [one])
        before = self.active_lines()
        move.to_approved().execute()
        db.session.expire_all()
        assert self.active_lines() == before, "lines conserved"
        assert db.session.get_one(Service, one.id).customer_id == new.id
        with pytest.raises(Refusal):
            move.execute(digest=migrate.plan_for(move.migration()).digest)
        self.proof["migrate"] = self.proof.get("migrate", 0) + 1

    @rule(place=places)
    def reverse(self, place: int) -> None:
        """A migration is taken back by another that cites it, unless it was moved on, or paid."""
        done = list(db.session.scalars(select(Migration).where(Migration.state == MigrationState.EXECUTED)))
        if not done:
            return
        one = done[place % len(done)]
        services = [item.service for item in one.items]
        back = make_move(one.to_customer, one.from_customer, services)
        before = self.active_lines()
        try:
            back.request(reverses=one.ref, services=(), to_customer="")
        except Refusal:
            self.proof["reverse refused"] = self.proof.get("reverse refused", 0) + 1
            return
        back.approve()
        back.execute()
        db.session.expire_all()
        assert self.active_lines() == before, "lines conserved"
        self.proof["reverse"] = self.proof.get("reverse", 0) + 1

    @rule()
    def expire(self) -> None:
        count = ending.expire_due()
        self.proof["expire"] = self.proof.get("expire", 0) + count

    def active_lines(self) -> list[Any]:
        query = (
            select(
                ProformaLine.service_id, ProformaLine.net, ProformaLine.tax, ProformaLine.period_from, Proforma.tax_note
            )
            .join(Proforma)
            .where(Proforma.status.in_(("open", "part_paid")))
        )
        return sorted(map(str, db.session.execute(query)))

    # --- what must hold ---

    @invariant()
    def the_books_are_right(self) -> None:
        session = db.session()
        session.expire_all()
        check_books(session)
        for document in session.scalars(select(Proforma)):
            facts = tuple(str(getattr(document, name)) for name in FROZEN)
            assert self.frozen.setdefault(document.id, facts) == facts, "no document changes after its issue"
        session.rollback()

    @invariant()
    def one_owner_and_each_renewal_once(self) -> None:
        session = db.session()
        for key in getattr(self, "services", ()):
            one = session.get_one(Service, key)
            owners = session.scalars(
                select(Ownership.customer_id).where(Ownership.service_id == key, Ownership.to_at.is_(None))
            ).all()
            assert owners == [one.customer_id]
            ends: list[date] = list(
                session.scalars(
                    select(BilledPeriod.ends_on).where(
                        BilledPeriod.service_id == key, BilledPeriod.paid_at.is_not(None)
                    )
                )
            )
            assert one.paid_until == max([self.until[key], *ends]), "renewed by what is paid, and by nothing else"
        session.rollback()

    def teardown(self) -> None:
        """Leave the next example an empty ledger."""
        db.session.rollback()
        with transaction() as session:
            for model in (
                Duty, LedgerPosting, LedgerEntry, Payment, BilledPeriod, Storno, ProformaLine, Proforma, MigrationItem,
                Migration, NumberSeries,
            ):  # fmt: skip
                session.execute(delete(model).execution_options(synchronize_session=False))
            session.execute(text("DELETE FROM search_proformas"))
        db.session.expunge_all()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Automatic billing on: services expire."""
    return replace(settings, renewals=True)


@pytest.mark.usefixtures("app")
def test_any_sequence_leaves_the_books_right(session: Session, prove: bool, proof: Callable[[str], None]) -> None:
    examples, steps = STEPS if prove else SAMPLE
    done: dict[str, int] = {}
    machine = type("Machine", (Money,), {"proof": done})
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(max_examples=examples, stateful_step_count=steps),
    )
    summary = ", ".join(f"{name} {count}" for name, count in sorted(done.items()))
    proof(f"{examples} random sequences of up to {steps} steps: every invariant of the books after each ({summary})")
