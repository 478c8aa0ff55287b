"""Which tax documents a payment makes due, and by which working day. Pure: no database, no request, no clock.

What the sources say, read in November 2026; where they differ, an accountant decides (``DutyRules``):

- A company that pays in advance gets an advance invoice, then the final one when the service is delivered; between
  VAT payers through SEF (experta.rs). None is needed where payment and delivery lie in one tax period (cekos.rs).
- A consumer gets a fiscal receipt for the advance, too, since May 2022: Avans-Prodaja, then at delivery
  Avans-Refundacija and Promet-Prodaja (experta.rs, epos.rs). Hosting is on no list of exempt activities
  (knjigovodjaonline.rs).
- A transfer is seen a day late: Avans-Prodaja on the next working day, with the date of the payment (efiskalizovan.rs).
- A payment that is undone after its document was issued is corrected by a document of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from console.core.settings import DutyRules
from console.hours.calendar import Holidays

_DAY = timedelta(days=1)
_SATURDAY = 5
HOME = "RS"  # duties are those of an issuer in Serbia


class DutyKind(StrEnum):
    """A document that is issued elsewhere."""

    ADVANCE_INVOICE = "advance_invoice"
    FINAL_INVOICE = "final_invoice"
    ADVANCE_RECEIPT = "advance_receipt"  # Avans-Prodaja
    ADVANCE_REFUND = "advance_refund"  # Avans-Refundacija
    FINAL_RECEIPT = "final_receipt"  # Promet-Prodaja
    ADVANCE_CORRECTION = "advance_correction"  # cancels an advance invoice
    CREDIT_NOTE = "credit_note"  # knjižno odobrenje: corrects a final invoice
    FINAL_REFUND = "final_refund"  # Promet-Refundacija


# What corrects a document whose payment was undone.
CORRECTED_BY: dict[DutyKind, DutyKind] = {
    DutyKind.ADVANCE_INVOICE: DutyKind.ADVANCE_CORRECTION,
    DutyKind.FINAL_INVOICE: DutyKind.CREDIT_NOTE,
    DutyKind.ADVANCE_RECEIPT: DutyKind.ADVANCE_REFUND,
    DutyKind.FINAL_RECEIPT: DutyKind.FINAL_REFUND,
}
FISCAL = frozenset({DutyKind.ADVANCE_RECEIPT, DutyKind.ADVANCE_REFUND, DutyKind.FINAL_RECEIPT, DutyKind.FINAL_REFUND})


@dataclass(frozen=True)
class PaymentFacts:
    """What decides a payment's duties. Amounts in minor units.

    Args:
        amount: what was paid.
        company: the buyer is one; else a consumer.
        taxed: PDV is charged to this buyer.
        completes: the document is paid in full with it.
        total: of the document.
        periods: first and last days of what its lines bill; lines without one count as delivered on payment.
        has_earlier: part of the document was paid before.
        for_document: it is on a document; else on the customer's credit.
    """

    paid_on: date
    amount: int
    company: bool
    taxed: bool = True
    completes: bool = True
    total: int = 0
    periods: Sequence[tuple[date, date]] = ()
    has_earlier: bool = False
    for_document: bool = True


@dataclass(frozen=True)
class Due:
    """One document that is due. ``dated_on``: the day of payment or delivery that it has to bear."""

    kind: DutyKind
    amount: int
    dated_on: date
    due_on: date


def is_working_day(day: date, holidays: Holidays) -> bool:
    """Return whether offices work: Monday to Friday, public holidays out. Closures of the desk move no deadline."""
    return day.weekday() < _SATURDAY and holidays.get(day) is None


def working_day_after(day: date, days: int, holidays: Holidays) -> date:
    """Return the ``days``-th working day after ``day``."""
    for _ in range(days):
        day += _DAY
        while not is_working_day(day, holidays):
            day += _DAY
    return day


def delivered_on(facts: PaymentFacts, rules: DutyRules) -> date:
    """Return when what a document bills is delivered, the last of its periods counting."""
    place = 0 if rules.delivered == "start" else 1
    return max((period[place] for period in facts.periods), default=facts.paid_on)


def duties_of(facts: PaymentFacts, rules: DutyRules, holidays: Holidays) -> list[Due]:
    """Return what a payment makes due, in the order in which it is issued."""
    if not rules.enabled or not facts.amount:
        return []
    if not facts.for_document:
        if not rules.credit_advance or (facts.company and not _invoices_advance(facts, rules)):
            return []
        return [_advance(facts, rules, holidays)]
    delivered = delivered_on(facts, rules)
    advance = _needs_advance(facts, rules, delivered)
    found = [_advance(facts, rules, holidays)] if advance else []
    if facts.completes:
        found += _final(facts, rules, holidays, delivered, chained=advance or facts.has_earlier)
    return found


def correction_of(kind: DutyKind, amount: int, today: date, rules: DutyRules, holidays: Holidays) -> Due | None:
    """Return what corrects an issued document whose payment was undone today; ``None``: it needs nothing."""
    corrects = CORRECTED_BY.get(kind)
    if corrects is None:
        return None
    days = rules.receipt_days if corrects in FISCAL else rules.invoice_days
    return Due(corrects, amount, today, working_day_after(today, days, holidays))


def _invoices_advance(facts: PaymentFacts, rules: DutyRules) -> bool:
    return facts.taxed or rules.untaxed_advance


def _needs_advance(facts: PaymentFacts, rules: DutyRules, delivered: date) -> bool:
    if facts.completes and not facts.has_earlier and delivered <= facts.paid_on:
        return False
    if not facts.company:
        return True
    same_month = (delivered.year, delivered.month) == (facts.paid_on.year, facts.paid_on.month)
    if facts.completes and rules.same_month and same_month:
        return False
    return _invoices_advance(facts, rules)


def _advance(facts: PaymentFacts, rules: DutyRules, holidays: Holidays) -> Due:
    kind = DutyKind.ADVANCE_INVOICE if facts.company else DutyKind.ADVANCE_RECEIPT
    days = rules.invoice_days if facts.company else rules.receipt_days
    return Due(kind, facts.amount, facts.paid_on, working_day_after(facts.paid_on, days, holidays))


def _final(facts: PaymentFacts, rules: DutyRules, holidays: Holidays, delivered: date, *, chained: bool) -> list[Due]:
    total = facts.total or facts.amount
    from_day = max(delivered, facts.paid_on)
    days = rules.final_invoice_days if facts.company else rules.final_receipt_days
    due = working_day_after(from_day, days, holidays)
    if facts.company:
        return [Due(DutyKind.FINAL_INVOICE, total, delivered, due)]
    receipt = Due(DutyKind.FINAL_RECEIPT, total, delivered, due)
    return [Due(DutyKind.ADVANCE_REFUND, total, delivered, due), receipt] if chained else [receipt]
