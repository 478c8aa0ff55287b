"""Pro-formas, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from console.billing.models import Proforma
from console.billing.payments.models import Payment
from console.billing.payments.service import IncomingPayment, receive
from console.billing.periods import Period
from console.billing.service import LineDraft, cancel_proforma, issue_proforma
from console.core.actor import SYSTEM
from console.core.db import db
from console.customers.models import Customer
from console.hosting.models import Service
from tests.factories.shared import at, days_ago, today, writing


def pay_proforma(
    proforma: Proforma, amount: int, *, reference: str | None = None, payer: str = "", purpose: str = ""
) -> Payment:
    """Record by hand what was paid today with a pro-forma's reference, or with another."""
    incoming = IncomingPayment(
        reference or proforma.reference, amount, proforma.currency, today(), payer, purpose=purpose
    )
    with writing():
        (payment,) = receive(SYSTEM, [incoming], by_person=True)
    return payment


@dataclass(frozen=True)
class LineSpec:
    """One line to be billed. ``net`` is the line's own, in minor units."""

    service: Service | None
    net: int = 1_200_000
    tax_bp: int = 2000
    quantity: int = 1
    description: str = "Produženje usluge"
    period: Period | None = None


def make_proforma(
    customer: Customer,
    lines: Iterable[LineSpec | Service] = (),
    *,
    issued_days_ago: int = 0,
    due_in_days: int = 8,
    paid: int = 0,
    cancelled: bool = False,
    currency: str | None = None,
) -> Proforma:
    """Issue a pro-forma; one line of 12,000.00 without a service when ``lines`` is empty.

    Args:
        lines: specifications, or services to be billed at 12,000.00 each.
        issued_days_ago: dates the document back; it is due ``due_in_days`` after that day.
        paid: what was paid on it since, in minor units; ``-1`` is all of it.
        cancelled: cancel it by a storno of today.
    """
    specs = [line if isinstance(line, LineSpec) else LineSpec(line) for line in lines] or [LineSpec(None)]
    drafts = [
        LineDraft(
            spec.description,
            spec.net,
            spec.tax_bp,
            None if spec.service is None else spec.service.id,
            spec.quantity,
            spec.period,
        )
        for spec in specs
    ]
    with writing():
        with at(days_ago(issued_days_ago)):
            due_on = today() + timedelta(days=due_in_days)
            proforma = issue_proforma(SYSTEM, customer, drafts, currency=currency, due_on=due_on)
        if paid:
            pay_proforma(proforma, proforma.total if paid == -1 else paid)
        if cancelled:
            cancel_proforma(SYSTEM, proforma, "Pogrešno izdato")
        db.session.flush()
    return proforma
