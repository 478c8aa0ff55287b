"""States of bank statements and of their lines."""

from __future__ import annotations

from console.billing.statements.models import StatementState
from console.billing.statements.queries import LineState
from console.core.texts import lazy_pgettext
from console.views.shared.labels.states import Label

STATEMENT_STATE = {
    StatementState.IMPORTING: Label(lazy_pgettext("bank statement", "being imported"), "clock", "info"),
    StatementState.IMPORTED: Label(lazy_pgettext("bank statement", "imported"), "ok", "ok"),
    StatementState.STOPPED: Label(lazy_pgettext("bank statement", "stopped"), "alert", "danger"),
}
LINE_STATE = {
    LineState.MATCHED: Label(lazy_pgettext("bank line", "matched"), "ok", "ok"),
    LineState.UNMATCHED: Label(lazy_pgettext("bank line", "unmatched"), "alert", "warn"),
    LineState.RETURNED: Label(lazy_pgettext("bank line", "sent back"), "reply", "void"),
    LineState.KNOWN: Label(lazy_pgettext("bank line", "already imported"), "copy", "void"),
    LineState.OUTGOING: Label(lazy_pgettext("bank line", "outgoing"), "arrow-right", "void"),
}
