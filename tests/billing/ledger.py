"""What must hold of money, whatever was done: asked of the whole database."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.billing.ledger.models import Account, LedgerEntry, LedgerPosting
from console.billing.models import ACTIVE_STATUSES, BilledPeriod, Proforma, ProformaLine, ProformaStatus, Storno
from console.billing.payments.models import Payment, PaymentState


def check_books(session: Session) -> None:
    """Check every invariant of documents, payments, periods and the ledger.

    Raises:
        AssertionError: one does not hold.
    """
    _check_ledger(session)
    _check_documents(session)
    _check_payments(session)
    _check_periods(session)
    _check_numbers(session)


def _check_ledger(session: Session) -> None:
    sums = session.execute(
        select(LedgerPosting.entry_id, LedgerPosting.currency, func.sum(LedgerPosting.amount))
        .group_by(LedgerPosting.entry_id, LedgerPosting.currency)
        .having(func.sum(LedgerPosting.amount) != 0)
    ).all()
    assert not sums, f"entries that do not sum to zero: {sums}"
    assert not session.scalars(
        select(LedgerEntry.id).where(LedgerEntry.id.not_in(select(LedgerPosting.entry_id)))
    ).all(), "an entry without postings"
    owed = session.execute(
        select(LedgerPosting.customer_id, LedgerPosting.currency, func.sum(LedgerPosting.amount))
        .where(LedgerPosting.account == Account.CREDIT)
        .group_by(LedgerPosting.customer_id, LedgerPosting.currency)
        .having(func.sum(LedgerPosting.amount) > 0)
    ).all()
    assert not owed, f"credit below zero: {owed}"
    _check_reversals(session)


def _check_reversals(session: Session) -> None:
    facts: dict[int, Counter[tuple[object, ...]]] = defaultdict(Counter)
    for row in session.scalars(select(LedgerPosting)):
        facts[row.entry_id][row.account, row.customer_id, row.proforma_id, row.currency, row.amount] += 1
    for key, reversed_id in session.execute(
        select(LedgerEntry.id, LedgerEntry.reverses_id).where(LedgerEntry.reverses_id.is_not(None))
    ):
        assert facts[key] == Counter({(*fact[:-1], -fact[-1]): n for fact, n in facts[reversed_id].items()})  # type: ignore[operator]


def _check_documents(session: Session) -> None:
    sums = (
        select(LedgerPosting.proforma_id, -func.sum(LedgerPosting.amount))
        .where(LedgerPosting.account == Account.DOCUMENT)
        .group_by(LedgerPosting.proforma_id)
    )
    paid = {key: int(amount) for key, amount in session.execute(sums)}
    for document in session.scalars(select(Proforma).execution_options(populate_existing=True)):
        assert document.paid == paid.get(document.id, 0), f"{document.number}: paid is not the sum of its postings"
        assert document.total == sum(line.total for line in document.lines) == document.net + document.tax
        assert 0 <= document.paid <= document.total
        assert document.owed >= 0
        expected = {
            ProformaStatus.OPEN: document.paid == 0,
            ProformaStatus.PART_PAID: 0 < document.paid < document.total,
            ProformaStatus.PAID: document.paid == document.total,
            ProformaStatus.CANCELLED: document.paid == 0,
        }
        assert expected[document.status], f"{document.number}: {document.status} with {document.paid} paid"
        assert (document.storno is not None) is (document.status is ProformaStatus.CANCELLED)


def _check_payments(session: Session) -> None:
    places: dict[int | None, Counter[Account]] = defaultdict(Counter)
    for key, account, amount in session.execute(
        select(LedgerEntry.payment_id, LedgerPosting.account, LedgerPosting.amount).join(LedgerPosting)
    ):
        places[key][account] += amount
    for payment in session.scalars(select(Payment).execution_options(populate_existing=True)):
        found = places[payment.id]
        there = payment.amount if payment.state not in (PaymentState.RETURNED, PaymentState.VOID) else 0
        assert found[Account.BANK] == there
        assert found[Account.UNMATCHED] == (-there if payment.state is PaymentState.UNMATCHED else 0)
        on = -(found[Account.DOCUMENT] + found[Account.CREDIT])
        assert on == (payment.amount if payment.state is PaymentState.MATCHED else 0)
        assert (payment.customer_id is not None) is (payment.state is PaymentState.MATCHED)


def _check_periods(session: Session) -> None:
    """Each period is on one live line, none overlap, and a service is paid as far as its paid periods reach."""
    lines = {
        line.id: (line, document)
        for line, document in session.execute(
            select(ProformaLine, Proforma).join(Proforma).where(ProformaLine.period_from.is_not(None))
        )
    }
    live = {key for key, (_line, document) in lines.items() if document.status is not ProformaStatus.CANCELLED}
    rows = list(session.scalars(select(BilledPeriod).execution_options(populate_existing=True)))
    assert {row.proforma_line_id for row in rows} == live
    by_service: dict[int, list[BilledPeriod]] = defaultdict(list)
    for row in rows:
        line, document = lines[row.proforma_line_id]
        assert (row.service_id, row.starts_on, row.ends_on) == (line.service_id, line.period_from, line.period_to)
        assert (row.paid_at is not None) is (document.status is ProformaStatus.PAID), "renewed once, when paid"
        if document.status in ACTIVE_STATUSES:
            assert row.service.customer_id == document.customer_id, "billed to whom it belongs"
        by_service[row.service_id].append(row)
    for own in by_service.values():
        own.sort(key=lambda row: row.starts_on)
        for one, other in pairwise(own):
            assert one.ends_on < other.starts_on, "billed twice"
        paid = [row for row in own if row.paid_at is not None]
        if paid:
            service = paid[0].service
            session.refresh(service)
            assert service.paid_until >= max(row.ends_on for row in paid)


def _check_numbers(session: Session) -> None:
    for model in (Proforma, Storno):
        numbers: dict[tuple[str, int], list[int]] = defaultdict(list)
        query = select(model.series, model.year, model.sequence).where(model.sequence.is_not(None))
        for series, year, sequence in session.execute(query):
            numbers[series, year].append(sequence or 0)
        for own in numbers.values():
            assert sorted(own) == list(range(1, len(own) + 1)), "numbers without gap or duplicate"
