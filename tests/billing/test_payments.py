"""Payments: matched or kept for a person, resolved, undone; what they renew; credit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing import periods
from console.billing.ledger.models import LedgerEntry, LedgerPosting
from console.billing.ledger.queries import credit_of, statement
from console.billing.models import BilledPeriod, Proforma, ProformaStatus
from console.billing.payments import service
from console.billing.payments.mails import send_due
from console.billing.payments.models import Payment, PaymentSource, PaymentState, UnmatchedReason
from console.billing.payments.queries import documents_of
from console.billing.payments.service import IncomingPayment
from console.billing.payments.suggestions import Why, suggest
from console.billing.renewals.suspensions import restore_service
from console.billing.service import LineDraft, cancel_proforma, issue_proforma
from console.core.actor import SYSTEM, Actor
from console.core.errors import Conflict, Invalid, NotFound, Refusal
from console.core.transaction import transaction
from console.customers.models import Customer
from console.hosting.models import Service, ServiceStatus, SuspensionReason
from console.mail.models import Mail
from console.staff.roles import Role
from tests import factories
from tests.billing.ledger import check_books
from tests.factories import LineSpec
from tests.factories.migrations import make_move

TOTAL = 1_440_000


def billing() -> Actor:
    return factories.actor_of(factories.make_staff(Role.BILLING))


def renewing(customer: Customer | None = None, count: int = 1) -> tuple[Service, Proforma]:
    """Return a service and the document that bills its next period."""
    service_ = factories.make_service(customer or factories.make_customer())
    spec = LineSpec(service_, period=periods.next_period(service_, count), quantity=count)
    return service_, factories.make_proforma(service_.customer, [spec])


def from_bank(*incoming: IncomingPayment) -> list[Payment]:
    with transaction():
        return service.receive(SYSTEM, incoming, by_person=False)


def incoming(reference: str, amount: int, currency: str = "RSD", **more: Any) -> IncomingPayment:
    return IncomingPayment(reference, amount, currency, factories.today(), source=PaymentSource.STATEMENT, **more)


def resolve(payment: Payment, way: str, target: str = "", reason: str = "", actor: Actor = SYSTEM) -> dict[str, Any]:
    with transaction():
        return service.resolve(actor, payment.id, way, target, reason=reason, key=uuid4().hex)


def undo(payment: Payment, actor: Actor = SYSTEM) -> None:
    with transaction():
        service.undo(actor, payment.id, "Pogrešan kupac")


def refused(code: str, act: Callable[[], Any]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        act()
    assert caught.value.code == code
    return caught.value


@pytest.fixture(autouse=True)
def _books(request: pytest.FixtureRequest) -> Any:
    """After each test the books are right."""
    session = request.getfixturevalue("session")
    yield
    session.rollback()
    check_books(session)


# --- what comes in ---------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_a_payment_of_what_is_owed_pays_and_renews_once(session: Session) -> None:
    hosting, document = renewing()
    until = hosting.paid_until
    (payment,) = from_bank(incoming(f"97 {document.reference[:2]}-{document.reference[2:]}", TOTAL))
    assert (payment.state, payment.proforma_id, payment.reference_key) == (
        PaymentState.MATCHED,
        document.id,
        document.reference,
    )
    assert (document.status, document.paid) == (ProformaStatus.PAID, TOTAL)
    assert hosting.paid_until == date(until.year + 1, until.month, until.day)
    (again,) = from_bank(incoming(document.reference, TOTAL))
    assert (again.state, again.unmatched_reason) == (PaymentState.UNMATCHED, UnmatchedReason.PAID)
    assert hosting.paid_until == date(until.year + 1, until.month, until.day)


def test_two_payments_of_one_document_in_one_statement(session: Session) -> None:
    _hosting, document = renewing()
    first, second = from_bank(incoming(document.reference, TOTAL), incoming(document.reference, TOTAL))
    assert (first.state, second.state) == (PaymentState.MATCHED, PaymentState.UNMATCHED)


@pytest.mark.parametrize(
    ("amount", "status", "paid", "credit"),
    [
        (1, ProformaStatus.PART_PAID, 1, {}),
        (TOTAL - 1, ProformaStatus.PART_PAID, TOTAL - 1, {}),
        (TOTAL + 1, ProformaStatus.PAID, TOTAL, {"RSD": 1}),
    ],
)
def test_a_person_may_record_less_or_more(
    session: Session, amount: int, status: ProformaStatus, paid: int, credit: dict[str, int]
) -> None:
    hosting, document = renewing()
    until = hosting.paid_until
    factories.pay_proforma(document, amount)
    assert (document.status, document.paid) == (status, paid)
    assert credit_of(document.customer_id) == credit
    assert (hosting.paid_until > until) is (status is ProformaStatus.PAID)


def test_why_a_payment_matches_nothing(session: Session) -> None:
    customer = factories.make_customer()
    documents = [factories.make_proforma(customer) for _ in range(4)]
    with transaction():
        cancel_proforma(SYSTEM, documents[1], "Greška")
    twice = documents[3].reference
    with transaction():
        session.execute(
            update(Proforma).where(Proforma.id == documents[2].id).values(reference_key=documents[3].reference_key)
        )
    session.expire_all()
    found = from_bank(
        incoming(documents[0].reference, TOTAL - 1),
        incoming(documents[0].reference, TOTAL, "EUR"),
        incoming(documents[1].reference, TOTAL),
        incoming(twice, TOTAL),
        incoming("", TOTAL),
        incoming("42-17", TOTAL),
    )
    assert [payment.unmatched_reason for payment in found] == [
        UnmatchedReason.AMOUNT,
        UnmatchedReason.CURRENCY,
        UnmatchedReason.CANCELLED,
        UnmatchedReason.CANDIDATES,
        UnmatchedReason.UNKNOWN,
        UnmatchedReason.UNKNOWN,
    ]
    assert {document.paid for document in documents} == {0}


@pytest.mark.parametrize(
    "wrong",
    [{"amount": 0}, {"amount": -1}, {"amount": 10**16}, {"currency": "USD"}, {"reference": "1" * 61}, {"paid_on": 1}],
)
def test_what_can_be_no_payment_is_refused(session: Session, wrong: dict[str, Any]) -> None:
    values: dict[str, Any] = {"reference": "1", "amount": 1, "currency": "RSD", "paid_on": factories.today()}
    if "paid_on" in wrong:
        wrong = {"paid_on": factories.today() + timedelta(days=1)}
    with pytest.raises(Invalid) as caught, transaction():
        service.receive(SYSTEM, [IncomingPayment(**(values | wrong))], by_person=True)
    assert list(caught.value.fields) == list(wrong)


def test_only_billing_may(session: Session) -> None:
    document = factories.make_proforma(factories.make_customer())
    agent = factories.actor_of(factories.make_staff(Role.SUPERVISOR))
    payment = factories.pay_proforma(document, 1)
    for act in (
        lambda: service.receive(agent, [incoming("1", 1)], by_person=False),
        lambda: service.resolve(agent, payment.id, "return", reason="Ne", key="1"),
        lambda: service.undo(agent, payment.id, "Ne"),
        lambda: service.use_credit(agent, document),
        lambda: service.refund_credit(agent, document.customer_id, "RSD", 1, "Ne", "1"),
        lambda: service.set_credit_first(agent, document.customer_id, True),
    ):
        with pytest.raises(NotFound), transaction():
            act()


def test_the_customer_is_told(session: Session) -> None:
    hosting, document = renewing()
    factories.pay_proforma(document, 400_000)
    from_bank(incoming(document.reference, TOTAL - 400_000))
    assert send_due() == 1
    assert send_due() == 0
    first, second = session.scalars(select(Mail).where(Mail.template == "payment_received").order_by(Mail.id))
    assert "10.400,00 RSD" in first.text and hosting.label not in first.text
    assert hosting.label in second.text and first.subject_ref == f"proforma:{document.number}"


def test_all_of_it_is_on_the_record(session: Session) -> None:
    document = factories.make_proforma(factories.make_customer())
    actor = billing()
    (payment,) = from_bank(incoming("42", 100))
    resolve(payment, "document", document.number, actor=actor)
    undo(payment, actor)
    resolve(payment, "credit", document.customer.number, actor=actor)
    undo(payment, actor)
    resolve(payment, "return", reason="Nije naše", actor=actor)
    about = select(AuditEntry.action).where(AuditEntry.subject == payment.number).order_by(AuditEntry.id)
    assert list(session.scalars(about)) == [
        "payment.received", "payment.matched", "payment.undone", "payment.credited", "payment.undone",
        "payment.returned",
    ]  # fmt: skip


# --- renewing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("started", "paid_until", "months", "count", "expected"),
    [
        (date(2025, 1, 31), date(2026, 1, 30), 1, 1, date(2026, 2, 27)),
        (date(2025, 1, 31), date(2026, 2, 27), 1, 1, date(2026, 3, 30)),
        (date(2025, 1, 31), date(2026, 3, 30), 1, 1, date(2026, 4, 29)),
        (date(2024, 2, 29), date(2025, 2, 27), 12, 1, date(2026, 2, 27)),
        (date(2024, 2, 29), date(2027, 2, 27), 12, 1, date(2028, 2, 28)),
        (date(2025, 5, 10), date(2026, 5, 9), 12, 2, date(2028, 5, 9)),
        (date(2025, 5, 10), date(2026, 7, 19), 12, 1, date(2027, 7, 19)),  # moved by hand: from there on
    ],
)
def test_the_next_period(
    session: Session, started: date, paid_until: date, months: int, count: int, expected: date
) -> None:
    hosting = factories.make_service(factories.make_customer())
    with transaction():
        hosting.started_on, hosting.paid_until, hosting.period_months = started, paid_until, months
    found = periods.next_period(hosting, count)
    assert (found.starts_on, found.ends_on) == (paid_until + timedelta(days=1), expected)


@pytest.mark.both
def test_a_period_is_billed_once(session: Session) -> None:
    hosting, document = renewing()
    taken = periods.Period(*session.execute(select(BilledPeriod.starts_on, BilledPeriod.ends_on)).one())
    later = periods.next_period(hosting)
    assert later.starts_on == taken.ends_on + timedelta(days=1)
    inside = periods.Period(taken.starts_on + timedelta(days=30), taken.ends_on + timedelta(days=30))

    def bill(period: periods.Period) -> Proforma:
        with transaction():
            return issue_proforma(
                SYSTEM, hosting.customer, [LineDraft("Hosting", 100, service_id=hosting.id, period=period)]
            )

    refused("billed", lambda: bill(taken))
    refused("billed", lambda: bill(inside))
    with transaction():
        cancel_proforma(SYSTEM, document, "Greška")
    assert bill(taken).lines[0].period_from == taken.starts_on


@pytest.mark.parametrize(
    ("status", "suspension", "back"),
    [
        (ServiceStatus.EXPIRED, None, True),
        (ServiceStatus.SUSPENDED, SuspensionReason.UNPAID, True),
        (ServiceStatus.SUSPENDED, SuspensionReason.ABUSE, False),
        (ServiceStatus.CANCELLED, None, False),
    ],
)
def test_paying_sets_a_service_going_again(
    session: Session, status: ServiceStatus, suspension: SuspensionReason | None, back: bool
) -> None:
    hosting, document = renewing()
    until = hosting.paid_until
    with transaction():
        hosting.status, hosting.suspension = status, suspension
    payment = factories.pay_proforma(document, TOTAL)
    assert (hosting.status, hosting.suspension) == ((ServiceStatus.ACTIVE, None) if back else (status, suspension))
    undo(payment)
    assert (hosting.status, hosting.suspension, hosting.paid_until) == (status, suspension, until)


@pytest.mark.parametrize("reason", [SuspensionReason.ABUSE, SuspensionReason.REQUEST])
def test_undoing_a_payment_suspends_no_service_that_a_person_restored(
    session: Session, reason: SuspensionReason
) -> None:
    hosting, document = renewing()
    until = hosting.paid_until
    with transaction():
        hosting.status, hosting.suspension = ServiceStatus.SUSPENDED, reason
    payment = factories.pay_proforma(document, TOTAL)
    with transaction():
        restore_service(SYSTEM, hosting.id, "Očišćen")
    undo(payment)
    assert (hosting.status, hosting.suspension, hosting.paid_until) == (ServiceStatus.ACTIVE, None, until)


def test_a_line_without_a_period_renews_nothing(session: Session) -> None:
    hosting = factories.make_service(factories.make_customer())
    until = hosting.paid_until
    factories.make_proforma(hosting.customer, [hosting], paid=-1)
    assert hosting.paid_until == until


# --- a person decides ------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_after_a_migration_the_old_reference_renews_nothing(session: Session) -> None:
    """The payment waits; resolved it is right for both; undone it is as before."""
    old = factories.make_customer()
    hosting, document = renewing(old)
    move = make_move(old, services=[hosting]).to_approved()
    move.execute()
    session.expire_all()
    until = hosting.paid_until
    (payment,) = from_bank(incoming(document.reference, TOTAL))
    assert payment.unmatched_reason is UnmatchedReason.CANCELLED
    assert hosting.paid_until == until
    successor = session.scalars(select(Proforma).where(Proforma.source_id == document.id)).one()
    first, second, *_rest, last = suggest(payment)
    assert (first.why, first.target, first.exact) == (Why.SUCCESSOR_ELSEWHERE, successor.number, True)
    assert [label for label, _until in first.effect.renews] == [hosting.label]
    assert (second.why, second.target) == (Why.OWNER_CREDIT, old.number)
    assert last.why is Why.RETURN

    resolve(payment, "document", successor.number)
    assert (successor.status, hosting.paid_until > until, credit_of(old.id)) == (ProformaStatus.PAID, True, {})
    undo(payment)
    assert (successor.status, successor.paid, hosting.paid_until) == (ProformaStatus.OPEN, 0, until)
    assert (payment.state, payment.unmatched_reason) == (PaymentState.UNMATCHED, UnmatchedReason.CANCELLED)

    resolve(payment, "credit", old.number)
    assert (credit_of(old.id), credit_of(successor.customer_id)) == ({"RSD": TOTAL}, {})
    undo(payment)
    assert credit_of(old.id) == {}


@pytest.mark.both
def test_one_payment_of_several_documents_is_split_over_them(session: Session) -> None:
    """The reference is of one and the amount of all: it is suggested, pays and renews all; undone it is as before."""
    customer = factories.make_customer()
    (one, first), (two, second), (_three, third) = (renewing(customer) for _ in range(3))
    until = one.paid_until, two.paid_until
    (payment,) = from_bank(incoming(second.reference, 2 * TOTAL))
    assert payment.unmatched_reason is UnmatchedReason.AMOUNT
    best, *_rest = suggest(payment)
    assert (best.why, best.exact, best.owed) == (Why.TOGETHER, True, 2 * TOTAL)
    assert second.number in best.target
    assert {label for label, _until in best.effect.renews} >= {two.label}

    resolve(payment, "document", f"{second.number}, {first.number}")
    assert [row.status for row in (first, second, third)] == [ProformaStatus.PAID] * 2 + [ProformaStatus.OPEN]
    assert one.paid_until > until[0]
    assert two.paid_until > until[1]
    assert documents_of(payment) == [second, first]
    (mail, *_) = session.scalars(select(Mail).where(Mail.template == "payment_received"))
    assert (second.number in mail.text, first.number in mail.text) == (True, True)
    check_books(session)

    undo(payment)
    assert [(row.status, row.paid) for row in (first, second)] == [(ProformaStatus.OPEN, 0)] * 2
    assert (one.paid_until, two.paid_until) == until
    assert (payment.state, documents_of(payment), credit_of(customer.id)) == (PaymentState.UNMATCHED, [], {})
    refused("statement", lambda: undo(payment))


def test_a_split_goes_in_the_order_named_and_ends_on_credit_or_in_a_refusal(session: Session) -> None:
    customer = factories.make_customer()
    first, second = (factories.make_proforma(customer) for _ in range(2))
    stranger = factories.make_proforma(factories.make_customer())
    less, more = from_bank(incoming("nema", TOTAL + 1), incoming("nema", TOTAL + 2))
    refused("customers", lambda: resolve(less, "document", f"{first.number} {stranger.number}"))
    (little,) = from_bank(incoming("nema", TOTAL))
    refused("reach", lambda: resolve(little, "document", f"{first.number} {second.number}"))
    refused("not_found", lambda: resolve(little, "document", f"{first.number} PR-1999-000001"))
    resolve(less, "document", f" {second.number.lower()},{first.number}")
    assert (second.status, first.status, first.paid) == (ProformaStatus.PAID, ProformaStatus.PART_PAID, 1)
    resolve(more, "document", first.number)
    assert (first.status, credit_of(customer.id)) == (ProformaStatus.PAID, {"RSD": 3})
    undo(less)
    assert (second.paid, first.paid) == (0, TOTAL - 1)


def test_a_split_over_a_document_of_nothing_and_too_many(session: Session) -> None:
    customer = factories.make_customer()
    nothing, something = factories.make_proforma(customer, [LineSpec(None, net=0)]), factories.make_proforma(customer)
    (payment,) = from_bank(incoming("nema", TOTAL))
    many = ", ".join(f"PR-1999-{place:06d}" for place in range(21))
    refused("invalid", lambda: resolve(payment, "document", many))
    resolve(payment, "document", f"{nothing.number}, {something.number}")
    assert [row.status for row in (nothing, something)] == [ProformaStatus.PAID] * 2


def test_suggestions_for_a_wrong_amount_a_typo_and_a_known_payer(session: Session) -> None:
    customer = factories.make_customer()
    document, other = factories.make_proforma(customer), factories.make_proforma(customer)
    stranger = factories.make_proforma(factories.make_customer(), [LineSpec(None, net=777_00)])
    part, typo = from_bank(incoming(document.reference, 100), incoming(stranger.reference[:-1] + "0", stranger.total))
    ways = [(one.why, one.target) for one in suggest(part)]
    assert ways[:2] == [(Why.REFERENCE, document.number), (Why.OWNER_CREDIT, customer.number)]
    assert (Why.PAYER_DOCUMENT, other.number) in ways
    assert (Why.SAME_AMOUNT, stranger.number) in [(one.why, one.target) for one in suggest(typo)]
    (known,) = from_bank(incoming(document.reference, TOTAL, payer_account="160-1-2"))
    assert known.state is PaymentState.MATCHED
    (again,) = from_bank(incoming("nema", TOTAL, payer_account="160-1-2"))
    first, *_rest = suggest(again)
    assert (first.why, first.target) == (Why.PAYER_DOCUMENT, other.number)


def test_a_payment_is_resolved_once(session: Session) -> None:
    document = factories.make_proforma(factories.make_customer())
    (payment,) = from_bank(incoming("nema", TOTAL + 5))
    with transaction():
        first = service.resolve(SYSTEM, payment.id, "document", document.number, key="k")
    with transaction():
        assert service.resolve(SYSTEM, payment.id, "document", document.number, key="k") == first
    assert credit_of(document.customer_id) == {"RSD": 5}
    refused("resolved", lambda: resolve(payment, "return", reason="Ne"))


@pytest.mark.parametrize(
    ("way", "target", "kind"),
    [
        ("document", "PR-1-1", NotFound),
        ("credit", "K-1", NotFound),
        ("credit", "nema", NotFound),
        ("return", "", Invalid),
        ("burn", "", Invalid),
    ],
)
def test_what_a_payment_cannot_go_to(session: Session, way: str, target: str, kind: type[Refusal]) -> None:
    (payment,) = from_bank(incoming("nema", 5))
    with pytest.raises(kind):
        resolve(payment, way, target)
    assert payment.state is PaymentState.UNMATCHED


def test_neither_to_a_paid_document_nor_to_one_in_another_currency(session: Session) -> None:
    customer = factories.make_customer()
    paid = factories.make_proforma(customer, paid=-1)
    euro = factories.make_proforma(customer, currency="EUR")
    (payment,) = from_bank(incoming("nema", 5))
    refused("conflict", lambda: resolve(payment, "document", paid.number))
    refused("currency", lambda: resolve(payment, "document", euro.number))


# --- undoing ---------------------------------------------------------------------------------------------------------


def test_undone_it_is_as_before_and_entered_by_mistake_it_never_came(session: Session) -> None:
    document = factories.make_proforma(factories.make_customer(), paid=100)
    payment = factories.pay_proforma(document, TOTAL)
    assert credit_of(document.customer_id) == {"RSD": 100}
    undo(payment)
    assert (document.status, document.paid, credit_of(document.customer_id)) == (ProformaStatus.PART_PAID, 100, {})
    assert payment.unmatched_reason is UnmatchedReason.UNDONE
    undo(payment)
    assert payment.state is PaymentState.VOID
    refused("void", lambda: undo(payment))
    (bank,) = from_bank(incoming("nema", 5))
    refused("statement", lambda: undo(bank))


def test_what_was_built_on_a_payment_holds_it(session: Session) -> None:
    hosting, first = renewing()
    paid = factories.pay_proforma(first, TOTAL)
    later = factories.make_proforma(hosting.customer, [LineSpec(hosting, period=periods.next_period(hosting))])
    last = factories.pay_proforma(later, TOTAL)
    refused("renewed_since", lambda: undo(paid))
    until = hosting.paid_until
    undo(last)
    undo(paid)
    assert hosting.paid_until < until - timedelta(days=700)


def test_used_credit_is_not_taken_back(session: Session) -> None:
    customer = factories.make_customer()
    first, second = factories.make_proforma(customer), factories.make_proforma(customer)
    payment = factories.pay_proforma(first, TOTAL + 300)
    with transaction():
        assert service.use_credit(SYSTEM, second) == 300
    refused("used", lambda: undo(payment))
    part = factories.pay_proforma(second, 50)
    with transaction():
        cancel_proforma(SYSTEM, second, "Greška")
    assert (second.paid, credit_of(customer.id)) == (0, {"RSD": 350})
    refused("used", lambda: undo(part))


# --- credit ----------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_credit_is_used_refunded_and_corrected(session: Session) -> None:
    customer = factories.make_customer()
    actor = billing()
    with transaction():
        answer = service.correct_credit(actor, customer.id, "RSD", 1_000, "Zakasnili smo", "a")
    with transaction():
        assert service.correct_credit(actor, customer.id, "RSD", 1_000, "Zakasnili smo", "a") == answer
    with transaction():
        service.refund_credit(actor, customer.id, "RSD", 300, "Na zahtev", "b")
    document = factories.make_proforma(customer, [LineSpec(None, net=1_000)])
    with transaction():
        assert service.use_credit(actor, document, 200) == 200
    with transaction():
        assert service.use_credit(actor, document) == 500
    with transaction():
        assert service.use_credit(actor, document) == 0
    assert (document.owed, credit_of(customer.id)) == (500, {})
    for amount in (0, -1):
        with pytest.raises(Invalid), transaction():
            service.refund_credit(actor, customer.id, "RSD", amount, "Ne", uuid4().hex)
    for act in (
        lambda: service.refund_credit(actor, customer.id, "RSD", 1, "Ne", "c"),
        lambda: service.correct_credit(actor, customer.id, "RSD", -1, "Ne", "c"),
        lambda: service.use_credit(actor, document, 1),
    ):
        with pytest.raises(Conflict) as caught, transaction():
            act()
        assert caught.value.code == "credit"
    with pytest.raises(Invalid), transaction():
        service.refund_credit(actor, customer.id, "RSD", 1, " ", "d")


def test_the_statement_tells_what_came_and_what_is_left(session: Session) -> None:
    customer = factories.make_customer()
    first = factories.make_proforma(customer)
    factories.pay_proforma(first, TOTAL + 500)
    second = factories.make_proforma(customer)
    with transaction():
        service.use_credit(SYSTEM, second)
    found = statement(customer.id, "RSD", None, factories.today())
    assert [(row.debit, row.credit, row.balance, row.proforma) for row in found.rows] == [
        (TOTAL, TOTAL + 500, 500, first.number),
        (500, 0, 0, second.number),
    ]
    later = statement(customer.id, "RSD", factories.today() + timedelta(days=1), factories.today())
    assert (later.opening, later.rows, later.closing) == (0, [], 0)


@pytest.mark.both
def test_a_migration_puts_part_payments_on_the_old_owners_credit(session: Session) -> None:
    old = factories.make_customer()
    hosting, document = renewing(old)
    factories.pay_proforma(document, 400_000)
    move = make_move(old, services=[hosting]).to_approved()
    assert move.migration() is not None
    answer = move.execute()
    assert answer["credit"] == [
        {"number": document.number, "customer": old.number, "amount": 400_000, "currency": "RSD"}
    ]
    session.expire_all()
    assert (document.paid, document.status, credit_of(old.id)) == (0, ProformaStatus.CANCELLED, {"RSD": 400_000})
    successor = session.scalars(select(Proforma).where(Proforma.source_id == document.id)).one()
    assert (successor.owed, credit_of(successor.customer_id)) == (TOTAL, {})
    assert successor.lines[0].period_from is not None
    assert session.scalars(select(BilledPeriod.proforma_line_id)).all() == [successor.lines[0].id]
    mails = session.scalars(select(Mail).where(Mail.template == "migration_executed", Mail.customer_id == old.id))
    assert all("4.000,00 RSD" in mail.text for mail in mails)


# --- the ledger ------------------------------------------------------------------------------------------------------


def test_the_ledger_is_only_added_to(session: Session) -> None:
    factories.make_proforma(factories.make_customer(), paid=-1)
    changes: tuple[Callable[[], Any], ...] = (
        lambda: setattr(session.scalars(select(LedgerPosting)).first(), "amount", 1),
        lambda: session.delete(session.scalars(select(LedgerEntry)).first()),
        lambda: session.add(LedgerEntry(reason="")),
    )
    for change in changes:
        with pytest.raises(RuntimeError, match="never changed"), transaction():
            change()
