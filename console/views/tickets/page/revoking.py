"""Revoking the links that a requester has by mail."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from console.core.errors import Refusal
from console.core.texts import gettext
from console.core.transaction import transaction
from console.tickets.models import Ticket
from console.tickets.service import properties
from console.views.shared.base import Page
from console.views.tickets.page.answers import answer_done, answer_refusal, error_texts
from console.web.answers import is_htmx
from console.web.identity import current_actor

MAX_REASON = 2_000


def revoke_links(view: Page, ticket: Ticket) -> ResponseReturnValue:
    """Ask for the reason; or revoke all links sent so far. Field: ``reason``."""
    if request.method != "POST":
        return _page(view, ticket, "")
    reason = request.form.get("reason", "")[:MAX_REASON]
    try:
        with transaction():
            properties.void_links(current_actor(), ticket.id, reason)
    except Refusal as refusal:
        return answer_refusal(refusal, _page(view, ticket, reason, refusal))
    return answer_done(ticket.number, gettext("All links sent so far are revoked. The next e-mail contains a new one."))


def _page(view: Page, ticket: Ticket, reason: str, refusal: Refusal | None = None) -> str:
    page: str = view.render(
        "admin/tickets/page/revoke.html", ticket=ticket, sheet=is_htmx(), reason=reason, wrong=error_texts(refusal)
    )
    return page
