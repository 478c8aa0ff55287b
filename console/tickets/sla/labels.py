"""SLA targets in words: what is promised within which time, and why one is paused."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.tickets.models import TicketStatus
from console.tickets.sla.rules import TargetKind

KIND: dict[TargetKind, Text] = {
    TargetKind.FIRST_ANSWER: lazy_gettext("First response"),
    TargetKind.NEXT_ANSWER: lazy_gettext("Next response"),
    TargetKind.SOLUTION: lazy_gettext("Resolution"),
}
PAUSED: dict[TicketStatus, Text] = {
    TicketStatus.WAITING: lazy_gettext("waiting for the customer"),
    TicketStatus.HOLD: lazy_gettext("on hold"),
    TicketStatus.SOLVED: lazy_gettext("was solved"),
    TicketStatus.CLOSED: lazy_gettext("was solved"),
}
