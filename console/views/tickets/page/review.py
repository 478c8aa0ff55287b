"""Sending a ticket for quality review."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from console.core.db import db
from console.core.errors import Refusal
from console.core.ids import read_key
from console.core.texts import gettext
from console.core.transaction import transaction
from console.staff.models import Staff
from console.tickets.models import MessageKind, Ticket, TicketMessage
from console.tickets.queries import tree
from console.tickets.reviews import queries as reviews
from console.tickets.reviews.service import pick
from console.views.shared.base import Page
from console.views.tickets.page.answers import answer_done, answer_refusal, error_texts
from console.web.answers import is_htmx
from console.web.identity import current_actor


def send_for_review(view: Page, ticket: Ticket) -> ResponseReturnValue:
    """Choose whose work is to be reviewed; or put the ticket into the queue of reviews. Field: ``agent``."""
    if request.method != "POST":
        return _page(view, ticket)
    try:
        with transaction():
            pick(current_actor(), ticket.id, read_key(request.form.get("agent", "")))
    except Refusal as refusal:
        return answer_refusal(refusal, _page(view, ticket, refusal))
    return answer_done(ticket.number, gettext("The ticket was sent for review."))


def _page(view: Page, ticket: Ticket, refusal: Refusal | None = None) -> str:
    page: str = view.render(
        "admin/tickets/page/review.html",
        ticket=ticket,
        sheet=is_htmx(),
        workers=_workers(ticket),
        handler=reviews.handler_of(ticket),
        wrong=error_texts(refusal),
    )
    return page


def _workers(ticket: Ticket) -> list[tuple[Staff, int]]:
    """Return who replied to the requester of a ticket, and how often; its assignee too."""
    query = (
        select(Staff, func.count(TicketMessage.id))
        .outerjoin(
            TicketMessage,
            (TicketMessage.staff_id == Staff.id)
            & TicketMessage.ticket_id.in_(tree(ticket.id))
            & (TicketMessage.kind == MessageKind.REPLY)
            & TicketMessage.taken_back_at.is_(None),
        )
        .where(
            (TicketMessage.id.is_not(None)) | (Staff.id == (ticket.assignee_id or 0)),
        )
        .group_by(Staff.id)
        .order_by(func.count(TicketMessage.id).desc(), Staff.name_key)
    )
    return [(row[0], row[1]) for row in db.session.execute(query)]
