"""How the verbs of a ticket answer: programs and scripts what was done and how to undo it, people the page again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from console.core.errors import NotFound, Refusal, Text
from console.tickets.queries import find_ticket
from console.views.shared.labels.tickets import ticket_url
from console.web.answers import refuse, wants_json
from console.web.identity import current_actor

Undo = Mapping[str, Any]


def done(number: str, words: str, *, undo: Undo | None = None, kind: str = "success") -> ResponseReturnValue:
    """Answer a verb that went well: with the ticket, or with the list where one sees the ticket no more.

    Args:
        number: of the ticket to go on with.
        undo: what puts it back: ``url`` and ``fields`` of the request.
    """
    try:
        find_ticket(current_actor(), number)
        url = ticket_url(number)
    except NotFound:  # it went into a department that is closed to this person
        url = url_for("tickets.index_view")
    if wants_json():
        return jsonify({"done": True, "message": words, "url": url} | ({"undo": dict(undo)} if undo else {}))
    flash(words, kind)
    return redirect(url, 303)


def undo_by(number: str, verb: str, **fields: Any) -> Undo:
    """Return the request that puts something back."""
    return {"url": f"{ticket_url(number)}/{verb}", "fields": fields}


def in_sheet() -> bool:
    """Tell whether a script asks for the form alone, to show it over the page."""
    return request.headers.get("X-Sheet") == "1"


def again(refusal: Refusal, page: str) -> ResponseReturnValue:
    """Answer a refusal: programs with the reason, people with the form as it was."""
    return refuse(refusal) if wants_json() or refusal.status == 404 else Response(page, refusal.status)


def reasons(refusal: Refusal | None) -> list[Text]:
    """Return what was wrong, every text of it."""
    if refusal is None:
        return []
    found = [text for texts in refusal.fields.values() for text in texts if str(text)]
    return found or [refusal.message]
