"""Verbs on payments and on the credit of customers."""

from console.billing.payments.service.credit import (
    apply_credit,
    correct_credit,
    refund_credit,
    set_credit_first,
    use_credit,
)
from console.billing.payments.service.receiving import IncomingPayment, receive, receive_from_bank
from console.billing.payments.service.resolving import Way, resolve
from console.billing.payments.service.undoing import undo

__all__ = [
    "IncomingPayment",
    "Way",
    "apply_credit",
    "correct_credit",
    "receive",
    "receive_from_bank",
    "refund_credit",
    "resolve",
    "set_credit_first",
    "undo",
    "use_credit",
]
