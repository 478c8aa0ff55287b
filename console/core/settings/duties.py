"""What an issuer's accountant decided about the tax documents that a payment makes due: part of the settings."""

from __future__ import annotations

from dataclasses import dataclass

from console.core.settings.reading import Reader

DELIVERED = ("end", "start")  # of the paid period: when its service counts as delivered


@dataclass(frozen=True)
class DutyRules:
    """The rules that a payment's duties follow (``console.billing.duties.rules``). Days are working days."""

    enabled: bool = True
    receipt_days: int = 1  # from the payment to the fiscal receipt Avans-Prodaja
    invoice_days: int = 5  # from the payment to the advance invoice
    final_receipt_days: int = 1  # from the delivery to Avans-Refundacija and Promet-Prodaja
    final_invoice_days: int = 5
    delivered: str = "end"
    same_month: bool = True  # no advance invoice where the service is delivered in the month of the payment
    untaxed_advance: bool = False  # an advance invoice where no PDV is charged
    credit_advance: bool = True  # what stays on a customer's credit is an advance, too


def read_duty_rules(values: Reader) -> DutyRules:
    """Read the rules: ``CONSOLE_DUTIES_RECEIPT_DAYS`` and so on."""
    default = DutyRules()

    def yes(name: str, value: bool) -> bool:
        return values.choice(f"DUTIES_{name}", ("yes", "no"), "yes" if value else "no") == "yes"

    return DutyRules(
        enabled=yes("ENABLED", default.enabled),
        receipt_days=values.number("DUTIES_RECEIPT_DAYS", default.receipt_days),
        invoice_days=values.number("DUTIES_INVOICE_DAYS", default.invoice_days),
        final_receipt_days=values.number("DUTIES_FINAL_RECEIPT_DAYS", default.final_receipt_days),
        final_invoice_days=values.number("DUTIES_FINAL_INVOICE_DAYS", default.final_invoice_days),
        delivered=values.choice("DUTIES_DELIVERED", DELIVERED, default.delivered),
        same_month=yes("SAME_MONTH", default.same_month),
        untaxed_advance=yes("UNTAXED_ADVANCE", default.untaxed_advance),
        credit_advance=yes("CREDIT_ADVANCE", default.credit_advance),
    )
