"""The answers of a ticket's verbs: to programs and scripts the message and how to undo it, to people a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, jsonify, redirect, url_for
from flask.typing import ResponseReturnValue

from console.core.errors import NotFound, Refusal, Text
from console.tickets.queries import find_ticket
from console.views.shared.labels.tickets import ticket_url
from console.web.answers import answer_event, is_htmx, reason, refuse, wants_json
from console.web.identity import current_actor

Undo = Mapping[str, Any]


def answer_done(number: str, message: str, *, undo: Undo | None = None, kind: str = "success") -> ResponseReturnValue:
    """Answer a verb that succeeded: with the ticket, or with the list where the ticket is no longer visible.

    Args:
        number: of the ticket to show next.
        undo: the request that undoes it, ``url`` and ``fields``.
    """
    try:
        find_ticket(current_actor(), number)
        url = ticket_url(number)
    except NotFound:  # it went into a department that is closed to this person
        url = url_for("tickets.index_view")
    if wants_json():
        return jsonify({"done": True, "message": message, "url": url} | ({"undo": dict(undo)} if undo else {}))
    if is_htmx():
        return answer_event("done", {"message": message, "url": url, "undo": dict(undo) if undo else None}, status=204)
    flash(message, kind)
    return redirect(url, 303)


def undo_request(number: str, verb: str, **fields: Any) -> Undo:
    """Return the request to ``verb`` of the ticket that undoes something."""
    return {"url": f"{ticket_url(number)}/{verb}", "fields": fields}


def answer_refusal(refusal: Refusal, page: str) -> ResponseReturnValue:
    """Answer a refusal: programs with the reason, people with the page of the form."""
    if wants_json() or refusal.status == 404:
        return refuse(refusal)
    return answer_event(
        "refused", {"code": refusal.code, "message": reason(refusal), "drawn": True}, page, refusal.status
    )


def error_texts(refusal: Refusal | None) -> list[Text]:
    """Return every text of a refusal."""
    if refusal is None:
        return []
    found = [text for texts in refusal.fields.values() for text in texts if str(text)]
    return found or [refusal.message]
