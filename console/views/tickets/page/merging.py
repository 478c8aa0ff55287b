"""Merging, splitting and linking tickets: the forms over a ticket's page, and what they do."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from flask.typing import ResponseReturnValue

from console.core.errors import Invalid, NotFound, Refusal, Text
from console.core.forms import refuse_spoiled
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.tickets import suggestions
from console.tickets.models import MAX_SUBJECT, Ticket, TicketStatus
from console.tickets.queries import find_ticket
from console.tickets.service import linking, merging, splitting
from console.tickets.sidebar import load_related
from console.views.shared.base import Page
from console.views.shared.labels.tickets import status_label
from console.views.tickets.page.answers import answer_done, answer_refusal, error_texts, undo_request
from console.web.answers import is_htmx
from console.web.identity import current_actor
from console.web.pins import pin_choice

OUT, IN = "out", "in"  # this ticket into the other one, the other one into this
MAX_MESSAGES = 500
_NO_TICKET = lazy_gettext("Ticket not found, or you do not have access to it. Enter its number, like T-20418.")


@dataclass(frozen=True)
class MergePlan:
    """A merge as it would be made: ``source`` into ``target``, and its consequences."""

    source: Ticket
    target: Ticket
    refusal: Text | None
    same_requester: bool
    reopens: bool  # the target
    exposes: bool  # messages of a private department to everyone who sees the target


# Merging -----------------------------------------------------------------


def merge(view: Page, ticket: Ticket) -> ResponseReturnValue:
    """Choose the other ticket and see what a merge would do; or merge.

    Fields: ``other`` (number), ``way`` (``out``: this ticket into it; ``in``), ``sure``.
    """
    if request.method != "POST":
        return _merge_page(view, ticket, request.args.get("other", ""), request.args.get("way", OUT))
    typed, way = request.form.get("other", ""), request.form.get("way", OUT)
    try:
        plan, sure = _plan_merge(ticket, _find(typed), way), request.form.get("sure") == "1"
        with transaction():
            merging.merge(current_actor(), [plan.source.id], plan.target.id, different_requesters=sure)
    except Refusal as refusal:
        return answer_refusal(refusal, _merge_page(view, ticket, typed, way, refusal))
    message = gettext("%(goes)s was merged into %(stays)s.", goes=plan.source.number, stays=plan.target.number)
    return answer_done(plan.target.number, message, undo=undo_request(plan.source.number, "part"))


def undo_merge(ticket: Ticket) -> ResponseReturnValue:
    """Separate this ticket from the one it was merged into. Field: ``back``, the ticket to show next."""
    into = ticket.merged_into_id
    with transaction():
        merging.undo_merge(current_actor(), ticket.id)
    message = gettext("%(number)s is a separate ticket again.", number=ticket.number)
    other = request.form.get("back")
    back = other if other and into is not None and _key_of(other) == into else ticket.number
    return answer_done(back, message)


def _merge_page(view: Page, ticket: Ticket, typed: str, way: str, refusal: Refusal | None = None) -> str:
    plan, wrong = None, error_texts(refusal)
    if typed.strip():
        try:
            plan = _plan_merge(ticket, _find(typed), way)
        except Refusal as unknown:
            wrong = wrong or error_texts(unknown)
    page: str = view.render(
        "admin/tickets/page/merge.html",
        ticket=ticket,
        sheet=is_htmx(),
        candidates=suggestions.candidates(current_actor(), ticket) if plan is None else (),
        plan=plan,
        typed=typed,
        way=IN if way == IN else OUT,
        wrong=wrong,
        status_label=status_label,
    )
    return page


# Splitting ---------------------------------------------------------------


def split(view: Page, ticket: Ticket) -> ResponseReturnValue:
    """Choose the messages that become a ticket of their own; or split. Fields: ``messages`` (repeated), ``subject``."""
    keys = _message_keys(request.values.getlist("messages"))
    if request.method != "POST":
        return _split_page(view, ticket, "", keys)
    subject = request.form.get("subject", "")[: 2 * MAX_SUBJECT]
    try:
        refuse_spoiled("subject")
        with transaction():
            new = splitting.split(current_actor(), ticket.id, sorted(keys), subject, pin_choice())
            number = new.number
    except Refusal as refusal:
        return answer_refusal(refusal, _split_page(view, ticket, subject, keys, refusal))
    message = gettext("%(number)s is a separate ticket now.", number=number)
    return answer_done(number, message, undo=undo_request(number, "merge", other=ticket.number, way=OUT))


def _message_keys(texts: list[str]) -> set[int]:
    return {key for key in map(read_key, texts[:MAX_MESSAGES]) if key}


def _split_page(view: Page, ticket: Ticket, subject: str, chosen: set[int], refusal: Refusal | None = None) -> str:
    page: str = view.render(
        "admin/tickets/page/split.html",
        ticket=ticket,
        sheet=is_htmx(),
        messages=splitting.can_split(ticket),
        subject=subject,
        chosen=chosen,
        wrong=refusal.fields if refusal is not None and refusal.code != "pin_like" else {},
        problem=refusal.message if refusal is not None and not refusal.fields else "",
        refusal=refusal,
    )
    return page


# Linking -----------------------------------------------------------------


def link(view: Page, ticket: Ticket) -> ResponseReturnValue:
    """Choose a related ticket; or link it. Field: ``other`` (number)."""
    if request.method != "POST":
        return _link_page(view, ticket, "")
    typed = request.form.get("other", "")
    try:
        other = _find(typed)
        with transaction():
            linking.link(current_actor(), ticket.id, other.id)
    except Refusal as refusal:
        return answer_refusal(refusal, _link_page(view, ticket, typed, refusal))
    message = gettext("Linked with %(number)s.", number=other.number)
    return answer_done(ticket.number, message, undo=undo_request(ticket.number, "unlink", other=other.number))


def unlink(ticket: Ticket) -> ResponseReturnValue:
    """Remove a link. Field: ``other`` (number)."""
    other = _find(request.form.get("other", ""))
    with transaction():
        linking.unlink(current_actor(), ticket.id, other.id)
    message = gettext("No longer linked with %(number)s.", number=other.number)
    return answer_done(ticket.number, message, undo=undo_request(ticket.number, "link", other=other.number))


def _link_page(view: Page, ticket: Ticket, typed: str, refusal: Refusal | None = None) -> str:
    linked = {other.id for other in load_related(current_actor(), ticket).links}
    page: str = view.render(
        "admin/tickets/page/link.html",
        ticket=ticket,
        sheet=is_htmx(),
        candidates=[one for one in suggestions.candidates(current_actor(), ticket) if one.id not in linked],
        typed=typed,
        wrong=error_texts(refusal),
        status_label=status_label,
    )
    return page


def _find(typed: str) -> Ticket:
    """Return the ticket with the number typed.

    Raises:
        Invalid: there is none that the reader may see.
    """
    try:
        return find_ticket(current_actor(), typed.strip()[:20])
    except NotFound:
        raise Invalid(fields={"other": [_NO_TICKET]}) from None


def _key_of(typed: str) -> int | None:
    try:
        return _find(typed).id
    except Invalid:
        return None


def _plan_merge(ticket: Ticket, other: Ticket, way: str) -> MergePlan:
    source, target = (other, ticket) if way == IN else (ticket, other)
    return MergePlan(
        source=source,
        target=target,
        refusal=_obstacle(source, target),
        same_requester=source.requester_email == target.requester_email,
        reopens=target.status in merging.HOLDS and source.status is TicketStatus.OPEN,
        exposes=source.department.private and source.department_id != target.department_id,
    )


def _obstacle(source: Ticket, target: Ticket) -> Text | None:
    """Return why the verb would refuse now."""
    if source.id == target.id:
        return lazy_gettext("Choose another ticket to merge into.")
    try:
        merging.check_mergeable(source, target)
    except Refusal as refusal:
        return refusal.message
    return None
