"""Duties come with the entries of the ledger, once whatever happens, and go or are corrected with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing.duties import service as duties
from console.billing.duties.making import make_duties
from console.billing.duties.models import Duty, DutyState
from console.billing.duties.queries import DutyCounts, count_duties
from console.billing.ledger.models import Account, EntryKind
from console.billing.ledger.service import Draft, Posting
from console.billing.models import Proforma
from console.billing.payments.service import (
    IncomingPayment,
    Way,
    receive,
    refund_credit,
    resolve,
    undo,
    use_credit,
)
from console.billing.periods import next_period
from console.billing.service import cancel_proforma
from console.core import clock, context
from console.core.actor import SYSTEM, Actor
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.customers.models import Customer, CustomerKind
from console.settings import service as set_on_page
from console.staff.roles import Role
from tests import factories
from tests.factories.billing import LineSpec, pay_proforma
from tests.factories.shared import today
from tests.support.queries import count_queries

ActorOf = Callable[[Role], Actor]
ADVANCE, REFUND, FINAL = "advance_receipt", "advance_refund", "final_receipt"
TOTAL = 1_440_000


def document(customer: Customer | None = None) -> Proforma:
    """Issue a pro-forma for the next period of a service; 14,400.00 with PDV."""
    customer = customer or factories.make_customer(kind=CustomerKind.PERSON)
    service = factories.make_service(customer)
    return factories.make_proforma(customer, [LineSpec(service, period=next_period(service))])


def states(session: Session) -> list[tuple[str, str]]:
    return [(duty.kind.value, duty.state.value) for duty in session.scalars(select(Duty).order_by(Duty.id))]


def open_duty(session: Session, kind: str) -> Duty:
    return session.scalars(select(Duty).where(Duty.kind == kind, Duty.state == DutyState.OPEN)).one()


def tick_all(session: Session) -> None:
    numbers = {duty.id: f"N-{duty.id}" for duty in session.scalars(select(Duty).where(Duty.state == DutyState.OPEN))}
    if numbers:
        with transaction():
            duties.tick(SYSTEM, numbers)


@pytest.mark.both
def test_a_payment_makes_its_duties_in_its_own_transaction(session: Session) -> None:
    proforma = document()
    payment = pay_proforma(proforma, proforma.total)
    found = list(session.scalars(select(Duty).order_by(Duty.id)))
    assert [duty.kind.value for duty in found] == [ADVANCE, REFUND, FINAL]
    assert {(duty.payment_id, duty.proforma_id, duty.customer_id) for duty in found} == {
        (payment.id, proforma.id, proforma.customer_id)
    }
    assert found[0].dated_on == today() and found[0].due_on > today()
    assert found[1].dated_on == proforma.lines[0].period_to
    with pytest.raises(RuntimeError), transaction():
        receive(SYSTEM, [IncomingPayment(document().reference, TOTAL, "RSD", today())], by_person=True)
        raise RuntimeError
    assert len(states(session)) == 3


def test_a_company_gets_invoices_and_an_unmatched_payment_nothing(session: Session) -> None:
    proforma = document(factories.make_customer(kind=CustomerKind.COMPANY))
    with transaction():
        receive(SYSTEM, [IncomingPayment("99-1", TOTAL, "RSD", today())], by_person=False)
    assert states(session) == []
    pay_proforma(proforma, proforma.total)
    assert [kind for kind, _state in states(session)] == ["advance_invoice", "final_invoice"]


@pytest.mark.both
def test_parts_of_one_group_close_the_chain_once(session: Session) -> None:
    proforma = document()
    parts = [IncomingPayment(proforma.reference, amount, "RSD", today()) for amount in (500_000, TOTAL - 500_000)]
    with transaction():
        receive(SYSTEM, parts, by_person=True)
    found = [(duty.kind.value, duty.amount) for duty in session.scalars(select(Duty).order_by(Duty.id))]
    assert found == [(ADVANCE, 500_000), (ADVANCE, TOTAL - 500_000), (REFUND, TOTAL), (FINAL, TOTAL)]


@pytest.mark.both
def test_the_same_entry_makes_each_kind_once(session: Session) -> None:
    proforma = document()
    payment = pay_proforma(proforma, proforma.total)
    entry = session.scalars(select(Duty.entry_id)).first()
    assert entry is not None
    posting = Posting(Account.DOCUMENT, proforma.currency, -proforma.total, proforma.customer_id, proforma.id)
    with pytest.raises(IntegrityError), transaction():
        make_duties(SYSTEM, [(entry, Draft(EntryKind.MATCHED, [posting], payment_id=payment.id))])


@pytest.mark.both
def test_undone_open_duties_go_and_issued_ones_are_corrected(session: Session) -> None:
    proforma = document()
    payment = pay_proforma(proforma, proforma.total)
    advance = open_duty(session, ADVANCE)
    with transaction():
        duties.tick(SYSTEM, {advance.id: "AB12-AB12-17"})
        undo(SYSTEM, payment.id, "Pogrešan račun")
    assert states(session) == [(ADVANCE, "done"), (REFUND, "withdrawn"), (FINAL, "withdrawn"), (REFUND, "open")]
    correction = open_duty(session, REFUND)
    assert (correction.corrects_id, correction.amount, correction.dated_on) == (advance.id, TOTAL, today())
    with transaction():  # and again: new duties, of a new entry
        resolve(SYSTEM, payment.id, Way.DOCUMENT, proforma.number, key="again")
    assert [kind for kind, state in states(session) if state == "open"] == [REFUND, ADVANCE, REFUND, FINAL]


def test_what_closed_the_chain_before_is_corrected_by_its_own(session: Session) -> None:
    proforma = document()
    payment = pay_proforma(proforma, proforma.total)
    tick_all(session)
    with transaction():
        undo(SYSTEM, payment.id, "Pogrešan račun")
    # Avans-Refundacija took the advance back already: the final receipt alone is left.
    assert [kind for kind, state in states(session) if state == "open"] == ["final_refund"]


def test_undoing_a_part_withdraws_what_the_whole_made_due(session: Session) -> None:
    proforma = document()
    first = pay_proforma(proforma, 500_000)
    pay_proforma(proforma, TOTAL - 500_000)
    with transaction():
        undo(SYSTEM, first.id, "Tuđa uplata")
    assert states(session) == [
        (ADVANCE, "withdrawn"), (ADVANCE, "open"), (REFUND, "withdrawn"), (FINAL, "withdrawn"),
    ]  # fmt: skip


def test_credit_is_an_advance_when_it_comes_and_closes_when_it_pays(session: Session) -> None:
    proforma = document()
    with transaction():
        (payment,) = receive(SYSTEM, [IncomingPayment("", TOTAL, "RSD", today())], by_person=False)
        resolve(SYSTEM, payment.id, Way.CREDIT, proforma.customer.number, key="credit")
    assert states(session) == [(ADVANCE, "open")]
    with transaction():
        use_credit(SYSTEM, proforma)
    assert states(session) == [(ADVANCE, "open"), (REFUND, "open"), (FINAL, "open")]
    assert open_duty(session, FINAL).payment_id is None


def test_credit_sent_back_is_corrected(session: Session) -> None:
    proforma = document()
    pay_proforma(proforma, TOTAL + 100_000)
    assert open_duty(session, ADVANCE).amount == TOTAL + 100_000
    with transaction():
        refund_credit(SYSTEM, proforma.customer_id, "RSD", 100_000, "Preplata", "back")
    assert [(d.kind.value, d.amount) for d in session.scalars(select(Duty).order_by(Duty.id))][-1] == (REFUND, 100_000)


def only_documents() -> None:
    """Let credit be no advance until it pays a document."""
    with transaction():
        set_on_page.change(SYSTEM, "duties", {"duties_credit_advance": "no"})


def owed_now(session: Session) -> list[tuple[str, int]]:
    """Return what is to be issued, and for which sum."""
    still = select(Duty).where(Duty.state == DutyState.OPEN).order_by(Duty.id)
    return [(duty.kind.value, duty.amount) for duty in session.scalars(still)]


def on_credit(customer: Customer, amount: int) -> None:
    with transaction():
        (payment,) = receive(SYSTEM, [IncomingPayment("", amount, "RSD", today())], by_person=False)
        resolve(SYSTEM, payment.id, Way.CREDIT, customer.number, key="credit")


def delivered_document(customer: Customer) -> Proforma:
    """Issue a pro-forma for work that is done when it is paid."""
    return factories.make_proforma(customer)


@pytest.mark.parametrize("advance", [True, False], ids=["an advance", "no advance"])
def test_credit_that_comes_is_used_and_sent_back(session: Session, advance: bool) -> None:
    """Each document once and for its sum, whichever way the accountant sees credit."""
    if not advance:
        only_documents()
    proforma = document()
    on_credit(proforma.customer, TOTAL + 100_000)
    assert owed_now(session) == ([(ADVANCE, TOTAL + 100_000)] if advance else [])
    tick_all(session)
    with transaction():
        use_credit(SYSTEM, proforma)
    closing = [(REFUND, TOTAL), (FINAL, TOTAL)]
    assert owed_now(session) == (closing if advance else [(ADVANCE, TOTAL), *closing])
    tick_all(session)
    with transaction():
        refund_credit(SYSTEM, proforma.customer_id, "RSD", 100_000, "Preplata", "back")
    assert owed_now(session) == ([(REFUND, 100_000)] if advance else [])


@pytest.mark.parametrize("advance", [True, False], ids=["an advance", "no advance"])
def test_credit_that_pays_what_is_delivered_closes_its_advance(session: Session, advance: bool) -> None:
    if not advance:
        only_documents()
    proforma = delivered_document(factories.make_customer(kind=CustomerKind.PERSON))
    on_credit(proforma.customer, TOTAL)
    tick_all(session)
    with transaction():
        use_credit(SYSTEM, proforma)
    assert owed_now(session) == ([(REFUND, TOTAL), (FINAL, TOTAL)] if advance else [(FINAL, TOTAL)])


@pytest.mark.parametrize("advance", [True, False], ids=["an advance", "no advance"])
def test_what_is_paid_over_what_is_delivered_is_an_advance_of_its_own(session: Session, advance: bool) -> None:
    if not advance:
        only_documents()
    proforma = delivered_document(factories.make_customer(kind=CustomerKind.PERSON))
    pay_proforma(proforma, TOTAL + 100_000)
    assert owed_now(session) == [(FINAL, TOTAL)] + ([(ADVANCE, 100_000)] if advance else [])


@pytest.mark.parametrize("issued", [True, False], ids=["issued", "still open"])
@pytest.mark.parametrize("advance", [True, False], ids=["an advance", "no advance"])
def test_what_a_cancelled_document_releases_is_advanced_once(session: Session, advance: bool, issued: bool) -> None:
    if not advance:
        only_documents()
    proforma = document()
    pay_proforma(proforma, 400_000)
    pay_proforma(proforma, 200_000)
    if issued:
        tick_all(session)
    with transaction():
        cancel_proforma(SYSTEM, proforma, "Pogrešan period")
    still_open = [] if issued else [(ADVANCE, 400_000), (ADVANCE, 200_000)]
    corrected = [(REFUND, 600_000)] if issued else []
    assert owed_now(session) == (still_open if advance else corrected)
    tick_all(session)
    with transaction():
        use_credit(SYSTEM, document(proforma.customer), 500_000)
    assert owed_now(session) == ([] if advance else [(ADVANCE, 500_000)])
    tick_all(session)
    with transaction():
        refund_credit(SYSTEM, proforma.customer_id, "RSD", 100_000, "Preplata", "back")
    assert owed_now(session) == ([(REFUND, 100_000)] if advance else [])


def issued_sum(session: Session, kind: str) -> int:
    done = select(Duty).where(Duty.kind == kind, Duty.state == DutyState.DONE)
    return sum(duty.amount for duty in session.scalars(done))


def closed_and_undone(session: Session) -> Proforma:
    """Return a pro-forma paid in two parts, its advances issued and closed, whose last payment was then undone."""
    proforma = document()
    pay_proforma(proforma, 400_000)
    last = pay_proforma(proforma, TOTAL - 400_000)
    tick_all(session)
    with transaction():
        undo(SYSTEM, last.id, "Pogrešan račun")
    return proforma


@pytest.mark.both
def test_an_advance_that_was_closed_is_not_corrected_when_its_document_is_cancelled(session: Session) -> None:
    only_documents()
    proforma = closed_and_undone(session)
    tick_all(session)
    with transaction():
        cancel_proforma(SYSTEM, proforma, "Pogrešan period")
    assert owed_now(session) == []
    assert issued_sum(session, REFUND) == issued_sum(session, ADVANCE) == TOTAL


def test_an_advance_that_was_closed_is_not_corrected_when_its_payment_is_undone_later(session: Session) -> None:
    proforma = document()
    payments = [pay_proforma(proforma, amount) for amount in (400_000, TOTAL - 400_000)]
    tick_all(session)
    for payment in reversed(payments):
        with transaction():
            undo(SYSTEM, payment.id, "Pogrešan račun")
        tick_all(session)
    assert issued_sum(session, REFUND) == issued_sum(session, ADVANCE) == TOTAL


@pytest.mark.both
@pytest.mark.parametrize("credit", [True, False], ids=["credit first", "payments alone"])
def test_what_was_closed_is_not_closed_again_when_the_document_is_paid_again(session: Session, credit: bool) -> None:
    proforma = document()
    if credit:
        on_credit(proforma.customer, 400_000)
        tick_all(session)
        with transaction():
            use_credit(SYSTEM, proforma)
    else:
        pay_proforma(proforma, 400_000)
    for _ in range(2):
        last = pay_proforma(proforma, TOTAL - 400_000)
        tick_all(session)
        with transaction():
            undo(SYSTEM, last.id, "Pogrešan račun")
        tick_all(session)
        assert issued_sum(session, REFUND) == issued_sum(session, ADVANCE)
    pay_proforma(proforma, TOTAL - 400_000)
    assert owed_now(session) == [(ADVANCE, TOTAL - 400_000), (REFUND, TOTAL - 400_000), (FINAL, TOTAL)]


@pytest.mark.parametrize("advance", [True, False], ids=["an advance", "no advance"])
def test_what_was_closed_is_an_advance_again_on_credit(session: Session, advance: bool) -> None:
    if not advance:
        only_documents()
    proforma = closed_and_undone(session)
    tick_all(session)
    pay_proforma(proforma, 100_000)
    tick_all(session)
    with transaction():
        cancel_proforma(SYSTEM, proforma, "Pogrešan period")
    assert owed_now(session) == ([(ADVANCE, 400_000)] if advance else [(REFUND, 100_000)])
    tick_all(session)
    with transaction():
        refund_credit(SYSTEM, proforma.customer_id, "RSD", 500_000, "Vraćeno", "back")
    tick_all(session)
    assert issued_sum(session, REFUND) == issued_sum(session, ADVANCE)


@pytest.mark.parametrize("parts", [[TOTAL + 100_000], [400_000, TOTAL - 300_000]], ids=["at once", "in parts"])
def test_what_was_paid_over_is_corrected_when_the_refund_closed_the_rest(session: Session, parts: list[int]) -> None:
    proforma = document()
    payments = [pay_proforma(proforma, amount) for amount in parts]
    tick_all(session)
    assert issued_sum(session, ADVANCE) - issued_sum(session, REFUND) == 100_000
    with transaction():
        undo(SYSTEM, payments[-1].id, "Pogrešan račun")
    assert owed_now(session) == [(REFUND, 100_000), ("final_refund", TOTAL)]
    tick_all(session)
    assert issued_sum(session, REFUND) == issued_sum(session, ADVANCE) == TOTAL + 100_000


def test_an_advance_paid_after_the_others_were_closed_is_corrected(session: Session) -> None:
    only_documents()
    proforma = closed_and_undone(session)
    pay_proforma(proforma, 500_000)
    tick_all(session)
    with transaction():
        cancel_proforma(SYSTEM, proforma, "Pogrešan period")
    assert owed_now(session) == [(REFUND, 500_000)]


def test_an_issuer_elsewhere_has_none(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    real = context.settings()
    abroad = replace(real, issuer=replace(real.issuer, country="ME"))
    monkeypatch.setattr("console.billing.duties.making.settings", lambda: abroad)
    pay_proforma(document(), TOTAL)
    assert states(session) == []


def test_many_payments_take_few_statements(app: object, session: Session) -> None:
    def count(many: int) -> int:
        incoming = [IncomingPayment(document().reference, TOTAL, "RSD", today()) for _ in range(many)]
        with count_queries(app) as seen, transaction():  # type: ignore[arg-type]
            receive(SYSTEM, incoming, by_person=False)
        return sum("duties" in statement for statement in seen)

    assert count(3) == count(12) == 1


# --- ticking ----------------------------------------------------------------------------------------------------------


def test_ticking_takes_a_number_each(session: Session, actor: ActorOf) -> None:
    pay_proforma(document(), TOTAL)
    keys = list(session.scalars(select(Duty.id).order_by(Duty.id)))
    billing = actor(Role.BILLING)
    with transaction():
        duties.tick(billing, {keys[0]: "  AB12CD34-AB12CD34-17 ", keys[1]: "AB12CD34-AB12CD34-18"})
    found = session.get_one(Duty, keys[0])
    assert (found.number, found.done_by_id) == ("AB12CD34-AB12CD34-17", billing.id)
    assert found.done_at is not None and found.done_at <= clock.now()
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "duty.done")).all()
    assert [entry.data["kind"] for entry in entries] == [ADVANCE, REFUND]
    with pytest.raises(Conflict), transaction():  # all or none
        duties.tick(billing, {keys[0]: "1", keys[2]: "2"})
    assert session.get_one(Duty, keys[2]).state is DutyState.OPEN


@pytest.mark.parametrize("numbers", [{}, {1: " "}, {1: "x" * 61}, dict.fromkeys(range(1, 102), "1")])
def test_what_cannot_be_ticked(session: Session, numbers: dict[int, str]) -> None:
    pay_proforma(document(), TOTAL)
    with pytest.raises(Invalid), transaction():
        duties.tick(SYSTEM, numbers)
    assert {state for _kind, state in states(session)} == {"open"}


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.ADMIN])
def test_billing_alone_ticks(session: Session, actor: ActorOf, role: Role) -> None:
    pay_proforma(document(), TOTAL)
    key = session.scalars(select(Duty.id)).first()
    assert key is not None
    for verb in (lambda: duties.tick(actor(role), {key: "1"}), lambda: duties.reopen(actor(role), key, "x")):
        with pytest.raises(NotFound), transaction():
            verb()
    with pytest.raises(NotFound), transaction():
        duties.tick(SYSTEM, {key + 100: "1"})


def test_a_tick_is_taken_back_with_a_reason(session: Session, actor: ActorOf) -> None:
    proforma = document()
    payment = pay_proforma(proforma, TOTAL)
    advance = open_duty(session, ADVANCE)
    billing = actor(Role.BILLING)
    with pytest.raises(Conflict), transaction():
        duties.reopen(billing, advance.id, "Nije izdat")
    tick_all(session)
    for wrong in ("", "  ", "x" * 501):
        with pytest.raises(Invalid), transaction():
            duties.reopen(billing, advance.id, wrong)
    with transaction():
        duties.reopen(billing, advance.id, "Nije izdat")
    assert (advance.state, advance.number, advance.done_at) == (DutyState.OPEN, "", None)
    (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "duty.reopened"))
    assert entry.subject == f"N-{advance.id}" and "Nije izdat" not in str(entry.data)
    tick_all(session)
    with transaction():
        undo(SYSTEM, payment.id, "Pogrešan račun")
    with pytest.raises(Conflict) as refused, transaction():
        duties.reopen(billing, advance.id, "Nije izdat")
    assert refused.value.code == "void"


@pytest.mark.both
def test_counts(session: Session) -> None:
    pay_proforma(document(), TOTAL)
    advance = open_duty(session, ADVANCE)
    assert count_duties(advance.due_on - timedelta(days=1)) == DutyCounts(0, 0, 3)
    assert count_duties(advance.due_on) == DutyCounts(0, 1, 2)
    assert count_duties(date(2099, 1, 1)) == DutyCounts(3, 0, 0)
