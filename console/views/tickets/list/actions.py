"""Bulk actions: several tickets changed at once, by the verbs of one ticket."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue

from console.core.actor import Actor
from console.core.errors import Invalid, NotFound, Refusal, Text
from console.core.forms import refuse_spoiled
from console.core.ids import read_key
from console.core.series import Series
from console.core.texts import gettext, lazy_gettext, ngettext
from console.core.transaction import transaction
from console.tickets.models import TICKET_BASE, Priority, Ticket, TicketStatus
from console.tickets.queries import MOST_AT_ONCE, lock_tickets, ticket_key
from console.tickets.service import merging, properties
from console.views.shared.base import MAX_SELECTED, BaseModelView
from console.web.answers import reason, wants_json
from console.web.identity import current_actor
from console.web.navigation import local_path

Verb = Callable[[Actor, Sequence[int]], list[Ticket]]
Before = Callable[[Ticket], str]
DONE: dict[str, Callable[[int], str]] = {
    "assign": lambda count: ngettext("%(num)d ticket assigned", "%(num)d tickets assigned", count),
    "status": lambda count: ngettext("State of %(num)d ticket changed", "State of %(num)d tickets changed", count),
    "priority": lambda count: ngettext(
        "Priority of %(num)d ticket changed", "Priority of %(num)d tickets changed", count
    ),
    "department": lambda count: ngettext("%(num)d ticket moved", "%(num)d tickets moved", count),
    "tag": lambda count: ngettext("%(num)d ticket tagged", "%(num)d tickets tagged", count),
    "untag": lambda count: ngettext("Tag removed from %(num)d ticket", "Tag removed from %(num)d tickets", count),
    "merge": lambda count: ngettext("%(num)d ticket merged", "%(num)d tickets merged", count),
    "unmerge": lambda count: ngettext("Merge of %(num)d ticket undone", "Merge of %(num)d tickets undone", count),
}


@dataclass(frozen=True)
class BulkAction:
    """One bulk action.

    Args:
        before: returns the value a ticket had, so that the same action can put it back.
        undo: the action that puts it back.
    """

    name: str
    value: str
    verb: Verb
    before: Before | None = None
    undo: str = ""


@dataclass
class Outcome:
    """The result of a bulk action, ticket by ticket."""

    done: list[str] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)
    undo: list[dict[str, Any]] = field(default_factory=list)
    confirm: Refusal | None = None  # is done only when repeated with a confirmation

    def refuse(self, key: int, why: Text) -> None:
        self.refused.append({"number": Series.TICKET.number(TICKET_BASE + key), "message": str(why)})


def run(ticket_list: BaseModelView) -> ResponseReturnValue:
    """Change the selected tickets; the answer names those that could not be changed.

    Fields: ``rowid`` (key or number, repeated); ``do``: ``assign:<key|me|none>``, ``status:<state>``,
    ``priority:<1–4>``, ``department:<key>``, ``tag`` and ``untag`` with ``tag``, ``merge`` with ``into``
    (and ``sure``, ``1`` where it is known that they are of several people), ``unmerge``. What only needs a
    confirmation comes back as ``confirm``.
    """
    keys = _read_keys()
    if not keys:
        raise Invalid(gettext("Select at least one row first."), fields={"rowid": [""]})
    action = _read_action(request.form.get("do", ""))
    outcome = _run_on(action, keys, {row.id for row in ticket_list.get_many([str(key) for key in keys])})
    message = DONE[action.name](len(outcome.done)) if outcome.done else gettext("Nothing was changed.")
    if wants_json():
        answer: dict[str, Any] = {"done": outcome.done, "refused": outcome.refused, "undo": outcome.undo}
        if outcome.confirm is not None:
            answer["confirm"] = {"code": outcome.confirm.code, "message": str(outcome.confirm.message)}
        return jsonify(message=message, **answer)
    flash(message, "success" if outcome.done else "warning")
    if outcome.refused:
        flash(" ".join(f"{one['number']}: {one['message']}" for one in outcome.refused), "warning")
    return redirect(local_path(request.form.get("url"), url_for("tickets.index_view")), 303)


def _run_on(action: BulkAction, keys: list[int], visible: set[int]) -> Outcome:
    outcome = Outcome()
    for key in keys:
        if key not in visible:
            outcome.refuse(key, NotFound.default_message)
    left = [key for key in keys if key in visible]
    if not left:
        return outcome
    try:
        _run(action, left, outcome)
    except Refusal as refusal:
        if refusal.code == "different_requesters":
            outcome.confirm = refusal
        if action.name == "merge" or len(left) == 1:
            # A merge is refused as a whole, for one reason.
            outcome.refuse(left[0], reason(refusal))
        else:
            # One of them is the reason: each is tried alone, so that only this one is left out.
            for key in left:
                try:
                    _run(action, [key], outcome)
                except Refusal as one:
                    outcome.refuse(key, reason(one))
    return outcome


def _run(action: BulkAction, keys: list[int], outcome: Outcome) -> None:
    actor, before = current_actor(), action.before
    had: dict[str, list[int]] = defaultdict(list)
    with transaction():
        if before is not None:
            tickets = lock_tickets(actor, keys)
            values = {ticket.id: before(ticket) for ticket in tickets}
        changed = action.verb(actor, keys)
        numbers = [ticket.number for ticket in changed]
        if before is not None:
            for ticket in changed:
                had[values[ticket.id]].append(ticket.id)
        elif action.undo:
            had[action.value].extend(ticket.id for ticket in changed)
    outcome.done += numbers
    outcome.undo += [{"do": action.undo.format(value), "rowid": ids, "tag": action.value} for value, ids in had.items()]


def _read_keys() -> list[int]:
    found: dict[int, None] = {}
    for text in request.form.getlist("rowid")[: MAX_SELECTED + 1]:
        key = ticket_key(text) if text.upper().startswith("T-") else read_key(text)
        if key is not None:
            found[key] = None
    if len(found) > MOST_AT_ONCE:
        raise Invalid(lazy_gettext("At most 100 tickets at once."))
    return list(found)


def _read_action(text: str) -> BulkAction:
    """Return the action that ``text`` names.

    Raises:
        Invalid: there is no such action.
    """
    name, _, value = text.partition(":")
    makers: dict[str, Callable[[str], BulkAction]] = {
        "assign": _assign,
        "status": _status,
        "priority": _priority,
        "department": _department,
        "tag": _tag,
        "untag": _untag,
        "merge": _merge,
        "unmerge": _unmerge,
    }
    maker = makers.get(name)
    try:
        if maker is None:
            raise ValueError(name)
        return maker(value)
    except ValueError as error:
        raise Invalid(lazy_gettext("Not a valid choice."), fields={"do": [""]}) from error


def _assign(value: str) -> BulkAction:
    assignee = None if value == "none" else current_actor().id if value == "me" else _key(value)
    return BulkAction(
        "assign",
        value,
        lambda actor, keys: properties.assign(actor, keys, assignee),
        lambda ticket: str(ticket.assignee_id or "none"),
        "assign:{}",
    )


def _status(value: str) -> BulkAction:
    status = TicketStatus(value)
    return BulkAction(
        "status",
        value,
        lambda actor, keys: properties.set_status(actor, keys, status),
        lambda ticket: ticket.status.value,
        "status:{}",
    )


def _priority(value: str) -> BulkAction:
    priority = Priority(int(value))
    return BulkAction(
        "priority",
        value,
        lambda actor, keys: properties.set_priority(actor, keys, priority),
        lambda ticket: str(int(ticket.priority)),
        "priority:{}",
    )


def _department(value: str) -> BulkAction:
    key = _key(value)
    return BulkAction(
        "department",
        value,
        lambda actor, keys: properties.set_department(actor, keys, key),
        lambda ticket: str(ticket.department_id),
        "department:{}",
    )


def _tag(_value: str) -> BulkAction:
    text = _tag_text()
    # Of several some may have been there before: only one is taken off again for sure.
    undo = "" if "," in text else "untag"
    return BulkAction("tag", text, lambda actor, keys: properties.tag(actor, keys, text.split(",")), undo=undo)


def _untag(_value: str) -> BulkAction:
    text = _tag_text()
    return BulkAction("untag", text, lambda actor, keys: properties.untag(actor, keys, text.split(",")), undo="tag")


def _tag_text() -> str:
    refuse_spoiled("tag")
    text = request.form.get("tag", "").strip()
    if not text:
        raise Invalid(fields={"tag": [lazy_gettext("Enter a tag.")]})
    return text


def _merge(_value: str) -> BulkAction:
    into = ticket_key(request.form.get("into", ""))
    if into is None:
        raise Invalid(fields={"into": [lazy_gettext("Choose the ticket to merge into.")]})

    sure = request.form.get("sure") == "1"

    def merge(actor: Actor, keys: Sequence[int]) -> list[Ticket]:
        merging.merge(actor, [key for key in keys if key != into], into, different_requesters=sure)
        return lock_tickets(actor, [key for key in keys if key != into])

    return BulkAction("merge", "", merge, undo="unmerge")


def _unmerge(_value: str) -> BulkAction:
    return BulkAction("unmerge", "", lambda actor, keys: [merging.undo_merge(actor, key) for key in keys])


def _key(text: str) -> int:
    key = read_key(text)
    if key is None:
        raise ValueError(text)
    return key
