"""Tickets in words."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import lazy_pgettext
from console.tickets.models import TicketSource

SOURCE: dict[TicketSource, Text] = {
    TicketSource.AGENT: lazy_pgettext("ticket source", "opened by us"),
    TicketSource.WEB: lazy_pgettext("ticket source", "web form"),
    TicketSource.MAIL: lazy_pgettext("ticket source", "e-mail"),
    TicketSource.CHAT: lazy_pgettext("ticket source", "live chat"),
    TicketSource.PORTAL: lazy_pgettext("ticket source", "customer portal"),
}
