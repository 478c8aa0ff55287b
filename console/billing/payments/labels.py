"""Words for payments: where they stand, why one waits, why something is suggested, and what an entry was."""

from __future__ import annotations

from console.billing.ledger.models import EntryKind
from console.billing.payments.models import PaymentSource, UnmatchedReason
from console.billing.payments.suggestions import Why
from console.core.errors import Text
from console.core.texts import lazy_gettext

SOURCES: dict[PaymentSource, Text] = {
    PaymentSource.MANUAL: lazy_gettext("entered by hand"),
    PaymentSource.STATEMENT: lazy_gettext("bank statement"),
}
REASONS: dict[UnmatchedReason, Text] = {
    UnmatchedReason.UNKNOWN: lazy_gettext("unknown reference"),
    UnmatchedReason.CANCELLED: lazy_gettext("cancelled pro-forma"),
    UnmatchedReason.PAID: lazy_gettext("pro-forma already paid"),
    UnmatchedReason.AMOUNT: lazy_gettext("different amount"),
    UnmatchedReason.CURRENCY: lazy_gettext("another currency"),
    UnmatchedReason.CANDIDATES: lazy_gettext("two pro-formas"),
    UnmatchedReason.UNDONE: lazy_gettext("match undone"),
}
REASONS_IN_FULL: dict[UnmatchedReason, Text] = {
    UnmatchedReason.UNKNOWN: lazy_gettext("No pro-forma has this reference."),
    UnmatchedReason.CANCELLED: lazy_gettext("The pro-forma with this reference was cancelled. Nothing was renewed."),
    UnmatchedReason.PAID: lazy_gettext("The pro-forma with this reference is already paid."),
    UnmatchedReason.AMOUNT: lazy_gettext("The amount differs from what is owed on the pro-forma with this reference."),
    UnmatchedReason.CURRENCY: lazy_gettext("The pro-forma with this reference is in another currency."),
    UnmatchedReason.CANDIDATES: lazy_gettext("Two open pro-formas have this reference."),
    UnmatchedReason.UNDONE: lazy_gettext("It was matched, and that was undone."),
}
WHY: dict[Why, Text] = {
    Why.REFERENCE: lazy_gettext("has this reference"),
    Why.TOGETHER: lazy_gettext("open pro-formas of one customer that add up to it"),
    Why.SUCCESSOR: lazy_gettext("replaced the cancelled pro-forma"),
    Why.SUCCESSOR_ELSEWHERE: lazy_gettext("replaced it for the new owner"),
    Why.OWNER_CREDIT: lazy_gettext("credit of the customer the reference belongs to"),
    Why.PAYER_DOCUMENT: lazy_gettext("open pro-forma of the same customer"),
    Why.SAME_AMOUNT: lazy_gettext("the same amount is owed on it"),
    Why.PAYER_CREDIT: lazy_gettext("credit of a customer who paid from this account before"),
    Why.RETURN: lazy_gettext("send it back to the payer"),
}
ENTRIES: dict[EntryKind, Text] = {
    EntryKind.OPENING: lazy_gettext("Paid earlier"),
    EntryKind.RECEIVED: lazy_gettext("Payment received"),
    EntryKind.MATCHED: lazy_gettext("Payment for a pro-forma"),
    EntryKind.CREDITED: lazy_gettext("Payment put on credit"),
    EntryKind.RETURNED: lazy_gettext("Payment sent back"),
    EntryKind.UNDONE: lazy_gettext("Correction of a payment"),
    EntryKind.CREDIT_USED: lazy_gettext("Credit used"),
    EntryKind.RELEASED: lazy_gettext("From a cancelled pro-forma"),
    EntryKind.REFUNDED: lazy_gettext("Credit refunded"),
    EntryKind.CORRECTED: lazy_gettext("Credit corrected"),
}
