"""Forwarding a ticket, or one message of it, to an outside address."""

from __future__ import annotations

from uuid import uuid4

from flask import request
from flask.typing import ResponseReturnValue

from console.core.errors import NotFound, Refusal, Reused
from console.core.ids import read_key
from console.core.texts import gettext
from console.core.transaction import transaction
from console.customers.masking import PinLike
from console.tickets.models import PUBLIC_KINDS, Ticket, TicketMessage
from console.tickets.queries import find_message
from console.tickets.service import forwarding
from console.tickets.service.messages import MAX_CLIENT_ID
from console.views.shared.base import Page
from console.views.tickets.page.answers import answer_done, answer_refusal
from console.web.answers import is_htmx
from console.web.identity import current_actor
from console.web.pins import pin_choice

MAX_TYPED = 60_000


def forward(view: Page, ticket: Ticket) -> ResponseReturnValue:
    """Ask for an address and a text; or forward. Fields: ``address``, ``text``, ``message`` (a key), ``client_id``."""
    key = read_key(request.values.get("message"))
    message = None if key is None else find_message(ticket.id, key)
    if message is not None and message.kind not in PUBLIC_KINDS:
        raise NotFound  # notes stay in the house
    if request.method != "POST":
        return _page(view, ticket, message, "", "", uuid4().hex)
    address, text = request.form.get("address", "")[:500], request.form.get("text", "")[:MAX_TYPED]
    client_id = request.form.get("client_id", "")[: MAX_CLIENT_ID + 1]
    what = forwarding.Forwarding(address, text, client_id, None if message is None else message.id, pin_choice())
    try:
        with transaction():
            note = forwarding.forward(current_actor(), ticket.id, what)
            sent_to = str(note.data["forwarded"])
    except Refusal as refusal:
        again = uuid4().hex if isinstance(refusal, Reused) else client_id
        return answer_refusal(refusal, _page(view, ticket, message, address, text, again, refusal))
    return answer_done(ticket.number, gettext("Forwarded to %(address)s.", address=sent_to))


def _page(
    view: Page,
    ticket: Ticket,
    message: TicketMessage | None,
    address: str,
    text: str,
    client_id: str,
    refusal: Refusal | None = None,
) -> str:
    asks = isinstance(refusal, PinLike)
    page: str = view.render(
        "admin/tickets/page/forward.html",
        ticket=ticket,
        sheet=is_htmx(),
        message=message,
        address=address,
        text=text,
        client_id=client_id,
        refusal=refusal,
        wrong=refusal.fields if refusal is not None and not asks else {},
        problem=refusal.message if refusal is not None and not refusal.fields and not asks else "",
    )
    return page
