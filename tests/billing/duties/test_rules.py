"""Which tax documents a payment makes due, and by when: pure rules, each with what the sources say."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.billing.duties.rules import (
    DutyKind,
    PaymentFacts,
    correction_of,
    duties_of,
    is_working_day,
    working_day_after,
)
from console.core.settings import DutyRules
from console.hours.holidays import PublicHolidays

HOLIDAYS = PublicHolidays()
RULES = DutyRules()
MONDAY = date(2026, 11, 30)
YEAR = ((date(2026, 12, 5), date(2027, 12, 4)),)
COMPANY = PaymentFacts(paid_on=MONDAY, amount=12_000, company=True, total=12_000, periods=YEAR)
PERSON = replace(COMPANY, company=False)


def kinds(facts: PaymentFacts, rules: DutyRules = RULES) -> list[str]:
    return [due.kind.value for due in duties_of(facts, rules, HOLIDAYS)]


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (date(2026, 11, 30), 1, date(2026, 12, 1)),
        (date(2026, 11, 27), 1, date(2026, 11, 30)),  # over a weekend
        (date(2026, 11, 10), 1, date(2026, 11, 12)),  # Armistice Day
        (date(2026, 4, 9), 1, date(2026, 4, 14)),  # Good Friday to Easter Monday
        (date(2026, 12, 31), 1, date(2027, 1, 4)),  # two days of New Year, then a weekend
        (date(2026, 2, 13), 1, date(2026, 2, 18)),  # Statehood Day falls on a Sunday and moves
        (date(2026, 11, 28), 2, date(2026, 12, 1)),
    ],
)
def test_working_days_leave_out_weekends_and_holidays(day: date, days: int, expected: date) -> None:
    assert working_day_after(day, days, HOLIDAYS) == expected


def test_a_consumer_has_three_receipts_and_a_company_two_invoices() -> None:
    receipts = duties_of(PERSON, RULES, HOLIDAYS)
    assert [(due.kind, due.dated_on, due.due_on) for due in receipts] == [
        (DutyKind.ADVANCE_RECEIPT, MONDAY, date(2026, 12, 1)),
        (DutyKind.ADVANCE_REFUND, date(2027, 12, 4), date(2027, 12, 6)),
        (DutyKind.FINAL_RECEIPT, date(2027, 12, 4), date(2027, 12, 6)),
    ]
    invoices = duties_of(COMPANY, RULES, HOLIDAYS)
    assert [(due.kind, due.dated_on, due.due_on) for due in invoices] == [
        (DutyKind.ADVANCE_INVOICE, MONDAY, date(2026, 12, 7)),
        (DutyKind.FINAL_INVOICE, date(2027, 12, 4), date(2027, 12, 10)),
    ]


def test_what_is_delivered_when_it_is_paid_needs_no_advance() -> None:
    assert kinds(replace(PERSON, periods=())) == ["final_receipt"]
    assert kinds(replace(COMPANY, periods=())) == ["final_invoice"]
    late = replace(PERSON, periods=((date(2025, 11, 1), date(2026, 10, 31)),))
    (final,) = duties_of(late, RULES, HOLIDAYS)
    assert (final.dated_on, final.due_on) == (date(2026, 10, 31), date(2026, 12, 1))


def test_paid_and_delivered_in_one_month_is_one_invoice_by_rule() -> None:
    paid = date(2026, 11, 3)
    same = replace(COMPANY, paid_on=paid, periods=((date(2026, 11, 1), MONDAY),))
    assert kinds(same) == ["final_invoice"]
    assert kinds(same, replace(RULES, same_month=False)) == ["advance_invoice", "final_invoice"]
    assert kinds(replace(same, company=False)) == ["advance_receipt", "advance_refund", "final_receipt"]
    assert kinds(replace(same, periods=((paid, date(2027, 11, 30)),))) == ["advance_invoice", "final_invoice"]


def test_delivery_may_count_from_the_first_day() -> None:
    start = replace(RULES, delivered="start")
    assert [due.dated_on for due in duties_of(COMPANY, start, HOLIDAYS)] == [MONDAY, date(2026, 12, 5)]


def test_a_part_payment_is_an_advance_and_the_last_one_closes_the_chain() -> None:
    part = replace(PERSON, amount=5_000, completes=False)
    assert kinds(part) == ["advance_receipt"]
    assert kinds(replace(part, company=True)) == ["advance_invoice"]
    last = replace(PERSON, amount=7_000, has_earlier=True)
    found = duties_of(last, RULES, HOLIDAYS)
    assert [(due.kind.value, due.amount) for due in found] == [
        ("advance_receipt", 7_000), ("advance_refund", 12_000), ("final_receipt", 12_000),
    ]  # fmt: skip
    assert kinds(replace(last, periods=())) == ["advance_receipt", "advance_refund", "final_receipt"]


def test_untaxed_buyers_and_credit_follow_the_accountant() -> None:
    abroad = replace(COMPANY, taxed=False)
    assert kinds(abroad) == ["final_invoice"]
    assert kinds(abroad, replace(RULES, untaxed_advance=True)) == ["advance_invoice", "final_invoice"]
    credit = replace(PERSON, for_document=False, completes=False)
    assert kinds(credit) == ["advance_receipt"]
    assert kinds(credit, replace(RULES, credit_advance=False)) == []
    assert kinds(replace(credit, company=True, taxed=False)) == []


def test_nothing_is_due_where_duties_are_off_or_nothing_was_paid() -> None:
    assert kinds(PERSON, replace(RULES, enabled=False)) == []
    assert kinds(replace(PERSON, amount=0)) == []


def test_each_issued_document_has_its_correction() -> None:
    found = {kind: correction_of(kind, 100, MONDAY, RULES, HOLIDAYS) for kind in DutyKind}
    assert {kind.value: due.kind.value for kind, due in found.items() if due is not None} == {
        "advance_invoice": "advance_correction",
        "final_invoice": "credit_note",
        "advance_receipt": "advance_refund",
        "final_receipt": "final_refund",
    }
    receipt = found[DutyKind.ADVANCE_RECEIPT]
    assert receipt is not None and receipt.due_on == date(2026, 12, 1)


@given(
    paid=st.dates(date(2024, 1, 1), date(2028, 1, 1)),
    length=st.integers(0, 400),
    ahead=st.integers(-400, 400),
    company=st.booleans(),
    completes=st.booleans(),
    earlier=st.booleans(),
)
def test_every_duty_is_due_on_a_working_day_after_what_it_is_about(
    paid: date, length: int, ahead: int, company: bool, completes: bool, earlier: bool
) -> None:
    starts = paid + timedelta(days=ahead)
    facts = PaymentFacts(
        paid,
        100,
        company,
        completes=completes,
        has_earlier=earlier,
        periods=[(starts, starts + timedelta(days=length))],
    )
    found = duties_of(facts, RULES, HOLIDAYS)
    assert len({due.kind for due in found}) == len(found)
    for due in found:
        assert due.due_on > paid and due.due_on > due.dated_on
        assert is_working_day(due.due_on, HOLIDAYS)
