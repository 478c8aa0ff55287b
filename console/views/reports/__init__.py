"""Reports: figures of a period, of tickets and of chats. Each of the two has its reading, its words and its tables."""

from __future__ import annotations

from console.views.reports.chats.page import ChatReports
from console.views.reports.tickets.page import TicketReports
from console.views.shared.base import Page


def views() -> list[Page]:
    """Return the pages."""
    return [TicketReports(), ChatReports()]
