"""Amounts at their edges, each against exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import pytest
from sqlalchemy.orm import Session

from console.billing.ledger.queries import credit_of
from console.billing.models import ProformaStatus
from console.billing.payments.models import PaymentState
from console.billing.payments.service.paying import split
from console.billing.references import is_checked, possible_keys, reference_key, with_check_digits
from console.billing.service import LineDraft, draft_document, issue_proforma
from console.core.actor import SYSTEM
from console.core.errors import Invalid
from console.core.transaction import transaction
from tests import factories
from tests.billing.ledger import check_books
from tests.factories import LineSpec

BIG = 10**13 - 1
NETS = (0, 1, 2, 3, 4, 5, 24, 25, 26, 49, 50, 99, 100, 12_345, 99_999_999, BIG)
RATES = (0, 1, 50, 1000, 2000, 9_999, 10_000)


def exact(net: int, rate: int) -> int:
    """Return the PDV of a line by fractions, half a para up."""
    return floor(Fraction(net) * Fraction(rate, 10_000) + Fraction(1, 2))


@pytest.mark.parametrize("currency", ["RSD", "EUR"])
def test_each_line_is_rounded_on_its_own(session: Session, currency: str) -> None:
    pairs = [(net, rate) for net in NETS for rate in RATES]
    drafts = [LineDraft("Stavka", net, rate) for net, rate in pairs]
    document = draft_document(factories.make_customer(), drafts, currency=currency, due_on=factories.today())
    assert [line.tax for line in document.lines] == [exact(*pair) for pair in pairs]
    assert document.tax == sum(exact(*pair) for pair in pairs)
    assert document.total == sum(NETS) * len(RATES) + document.tax
    session.expunge_all()


def test_a_thousand_lines_of_three_para(session: Session) -> None:
    """Of each line 0.6 para is PDV: one para a line, and not 600 of the sum."""
    document = factories.make_proforma(factories.make_customer(), [LineSpec(None, net=3)] * 1_000)
    assert (document.net, document.tax) == (3_000, 1_000 * exact(3, 2000)) == (3_000, 1_000)
    payment = factories.pay_proforma(document, document.total)
    assert (document.status, payment.customer_id) == (ProformaStatus.PAID, document.customer_id)
    check_books(session)


@pytest.mark.parametrize("currency", ["RSD", "EUR"])
@pytest.mark.parametrize("net", [0, 1, 3, BIG])
def test_any_amount_is_paid_to_the_para(session: Session, net: int, currency: str) -> None:
    customer = factories.make_customer()
    document = factories.make_proforma(customer, [LineSpec(None, net=net)], currency=currency)
    assert document.total == net + exact(net, 2000)
    received = [factories.pay_proforma(document, part) for part in (1, BIG, BIG)]
    matched = sum(payment.amount for payment in received if payment.state is PaymentState.MATCHED)
    assert document.status is ProformaStatus.PAID
    assert document.paid + credit_of(customer.id).get(currency, 0) == matched >= document.total
    check_books(session)


def test_a_negative_line_is_refused(session: Session) -> None:
    with pytest.raises(Invalid), transaction():
        issue_proforma(SYSTEM, factories.make_customer(), [LineDraft("Stavka", -1)])


@pytest.mark.parametrize("owed", [0, 1, 5, BIG])
@pytest.mark.parametrize("amount", [1, 2, 5, BIG])
def test_an_amount_is_divided_without_a_rest(owed: int, amount: int) -> None:
    parts = split(amount, owed)
    assert (parts.on_document, parts.on_credit) == (min(amount, owed), max(0, amount - owed))
    assert parts.on_document + parts.on_credit == amount


@pytest.mark.parametrize("body", ["2026004512", "2026000001", "20261234567", "AB12"])
def test_a_reference_is_known_however_it_is_written(body: str) -> None:
    reference = with_check_digits(body)
    assert is_checked(reference)
    for written in (reference, f"97{reference}", f"97 {reference}", f"(97) {reference[:2]}-{reference[2:]}"):
        assert reference in possible_keys(written)
    for model in ("00", "11"):  # chosen by mistake, before a reference that proves itself
        assert reference in possible_keys(f"{model} {reference}")
    assert "2026000001" not in possible_keys("002026000001")
    assert reference_key(reference.lower()) == reference


def test_check_digits_that_look_like_the_model() -> None:
    """A reference of which the check digits are 97 is itself; with the model in front too."""
    reference = next(
        with_check_digits(f"2026{number:06d}")
        for number in range(1, 200)
        if with_check_digits(f"2026{number:06d}").startswith("97")
    )
    assert reference_key(reference) == reference
    assert reference in possible_keys(f"97{reference}")
