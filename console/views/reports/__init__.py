"""Reports: figures of a period, of tickets and of chats. Each of the two has its reading, its words and its tables."""

from __future__ import annotations

from console.views.base import Page
from console.views.reports.chats import ChatReports
from console.views.reports.tickets import TicketReports


def views() -> list[Page]:
    """Return the pages."""
    return [TicketReports(), ChatReports()]
