"""How payments are shown: an icon and a word first, colour third."""

from __future__ import annotations

from console.billing.payments.models import PaymentState
from console.core.texts import lazy_pgettext
from console.views.shared.labels.states import Label

PAYMENT_STATE = {
    PaymentState.MATCHED: Label(lazy_pgettext("payment", "matched"), "ok", "ok"),
    PaymentState.UNMATCHED: Label(lazy_pgettext("payment", "unmatched"), "alert", "warn"),
    PaymentState.RETURNED: Label(lazy_pgettext("payment", "sent back"), "reply", "void"),
    PaymentState.VOID: Label(lazy_pgettext("payment", "entered by mistake"), "ban", "void"),
}
