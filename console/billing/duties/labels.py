"""Words for duties: what each document is called, and why it is due."""

from __future__ import annotations

from console.billing.duties.rules import DutyKind
from console.core.errors import Text
from console.core.texts import lazy_gettext

# As accountants and fiscal devices call them.
KIND: dict[DutyKind, Text] = {
    DutyKind.ADVANCE_INVOICE: lazy_gettext("Advance invoice"),
    DutyKind.FINAL_INVOICE: lazy_gettext("Final invoice"),
    DutyKind.ADVANCE_RECEIPT: lazy_gettext("Receipt Avans-Prodaja"),
    DutyKind.ADVANCE_REFUND: lazy_gettext("Receipt Avans-Refundacija"),
    DutyKind.FINAL_RECEIPT: lazy_gettext("Receipt Promet-Prodaja"),
    DutyKind.ADVANCE_CORRECTION: lazy_gettext("Storno of the advance invoice"),
    DutyKind.CREDIT_NOTE: lazy_gettext("Credit note"),
    DutyKind.FINAL_REFUND: lazy_gettext("Receipt Promet-Refundacija"),
}
WHY: dict[DutyKind, Text] = {
    DutyKind.ADVANCE_INVOICE: lazy_gettext(
        "A company paid before the service is delivered. Between VAT payers the invoice goes through SEF (experta.rs). "
        "Sources differ on the deadline: ask your accountant."
    ),
    DutyKind.FINAL_INVOICE: lazy_gettext(
        "The service counts as delivered on the day it is dated, and the invoice subtracts the advances (experta.rs). "
        "Sources differ on the deadline: ask your accountant."
    ),
    DutyKind.ADVANCE_RECEIPT: lazy_gettext(
        "A consumer paid before the service is delivered: a fiscal receipt on the next working day, with the date of "
        "the payment (efiskalizovan.rs)."
    ),
    DutyKind.ADVANCE_REFUND: lazy_gettext(
        "Closes the advances before the final receipt, and cites the last Avans-Prodaja (epos.rs). It also reverses "
        "an advance whose payment was undone."
    ),
    DutyKind.FINAL_RECEIPT: lazy_gettext(
        "The service counts as delivered on the day it is dated. Where there was an advance, the receipt cites the "
        "Avans-Refundacija (epos.rs). Sources differ on the deadline: ask your accountant."
    ),
    DutyKind.ADVANCE_CORRECTION: lazy_gettext(
        "The payment was undone, or sent back, after its advance invoice was issued. Ask your accountant how to cancel "
        "it in SEF."
    ),
    DutyKind.CREDIT_NOTE: lazy_gettext(
        "The payment was undone after the final invoice was issued. Ask your accountant whether it is corrected or "
        "stays unpaid."
    ),
    DutyKind.FINAL_REFUND: lazy_gettext(
        "The payment was undone after Promet-Prodaja was issued: the receipt is refunded. Ask your accountant."
    ),
}
