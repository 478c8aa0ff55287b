"""What the customer asks for on a ticket: a card in the sidebar, ended by a button."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from console.core.actor import Actor
from console.core.errors import NotFound
from console.core.forms import refuse_spoiled
from console.core.texts import gettext
from console.core.transaction import transaction
from console.tickets.models import Ticket
from console.tickets.service_requests import decisions
from console.tickets.service_requests.labels import KINDS, STATES, facts_of
from console.tickets.service_requests.models import ServiceRequest
from console.views.tickets.page.answers import answer_done
from console.web.filters import language
from console.web.identity import current_actor

VERBS: dict[str, Callable[[Actor, int, str], ServiceRequest]] = {
    "done": decisions.complete,
    "refused": decisions.refuse,
}


def end(ticket: Ticket, outcome: str) -> ResponseReturnValue:
    """End the request: ``done``, or ``refused``, with what the customer is told."""
    if outcome not in VERBS:
        raise NotFound
    refuse_spoiled("answer")
    with transaction():
        VERBS[outcome](current_actor(), ticket.id, request.form.get("answer", ""))
    text = gettext("Marked as done. The customer was notified by e-mail.")
    if outcome == "refused":
        text = gettext("Refused. The customer was notified by e-mail.")
    return answer_done(ticket.number, text)


def request_context(found: ServiceRequest | None) -> dict[str, Any]:
    """Return the context of the card."""
    if found is None:
        return {}
    return {
        "request_kind": KINDS[found.kind],
        "request_state": STATES[found.state],
        "request_facts": facts_of(found, language()),
    }
