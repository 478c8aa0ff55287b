"""The properties of a ticket, changed in place: department, priority, assignee, tags, subject, account, language.

Each is one small form that carries the value it was shown with: where a colleague was faster, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Refusal, Text
from console.core.forms import refuse_spoiled
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.pin_detection import find_pins
from console.customers.rights import Right
from console.hosting.models import Product, ProductKind, Service
from console.staff.models import Department
from console.staff.roles import Permission
from console.tickets import suggestions
from console.tickets.list_queries import known_tags
from console.tickets.models import Ticket
from console.tickets.queries import departments, find_ticket
from console.tickets.service import properties, property_forms
from console.tickets.service.property_forms import ME
from console.tickets.sidebar import find_verification
from console.views.shared.base import Page
from console.views.shared.labels.tickets import PRIORITY, STATUS, ticket_url
from console.views.tickets.page.answers import answer_done, answer_refusal, error_texts, undo_request
from console.web.answers import is_htmx
from console.web.filters import language
from console.web.identity import current_actor
from console.web.locale import LANGUAGES
from console.web.pins import pin_choice

MAX_SERVICES = 200


@dataclass(frozen=True)
class Property:
    """One property of a ticket.

    Args:
        name: its label.
        read: returns its value as the form sends it.
        label: returns its value as people read it.
        message: confirms a change.
    """

    name: Text
    read: Callable[[Ticket], str]
    label: Callable[[Ticket], str]
    message: Text


def _department_name(ticket: Ticket) -> str:
    return ticket.department.name(language())


PROPERTIES: dict[str, Property] = {
    "subject": Property(
        lazy_gettext("Subject"),
        property_forms.READ["subject"],
        lambda ticket: ticket.subject,
        lazy_gettext("The subject was changed."),
    ),
    "department": Property(
        lazy_gettext("Department"),
        property_forms.READ["department"],
        _department_name,
        lazy_gettext("The department was changed."),
    ),
    "priority": Property(
        lazy_gettext("Priority"),
        property_forms.READ["priority"],
        lambda ticket: str(PRIORITY[ticket.priority].text),
        lazy_gettext("The priority was changed and SLA targets updated."),
    ),
    "assignee": Property(
        lazy_gettext("Assignee"),
        property_forms.READ["assignee"],
        lambda ticket: ticket.assignee.name if ticket.assignee else gettext("unassigned"),
        lazy_gettext("The ticket was reassigned."),
    ),
    "status": Property(
        lazy_gettext("State"),
        property_forms.READ["status"],
        lambda ticket: str(STATUS[ticket.status].text),
        lazy_gettext("The state was changed."),
    ),
    "tags": Property(
        lazy_gettext("Tags"),
        property_forms.READ["tags"],
        lambda ticket: ", ".join(ticket.tags) or gettext("none"),
        lazy_gettext("The tags were changed."),
    ),
    "customer": Property(
        lazy_gettext("Customer"),
        property_forms.READ["customer"],
        lambda ticket: ticket.customer.number if ticket.customer is not None else gettext("none"),
        lazy_gettext("The account was changed. Its data stays locked until the requester is verified."),
    ),
    "language": Property(
        lazy_gettext("Language"),
        property_forms.READ["language"],
        lambda ticket: LANGUAGES.get(ticket.language, ticket.language),
        lazy_gettext("The requester’s language was changed."),
    ),
}


def _services_for(actor: Actor, ticket: Ticket) -> list[Service]:
    """Return the services of its account that a verification for the ticket, or the role, opens."""
    if ticket.customer_id is None:
        return []
    verification = find_verification(actor, ticket)
    rights = frozenset[Right]()
    if verification is not None and verification.customer_id == ticket.customer_id:
        rights = verification.opened_rights()
    by_role = actor.may(Permission.READ_DOCUMENTS)
    products, domains = by_role or Right.PRODUCTS in rights, by_role or Right.DOMAINS in rights
    if not (products or domains):
        return []
    query = db.session.query(Service).filter(Service.customer_id == ticket.customer_id)
    if not (products and domains):
        kind = Product.kind != ProductKind.DOMAIN if products else Product.kind == ProductKind.DOMAIN
        query = query.join(Service.product).filter(kind)
    return query.order_by(Service.status, Service.id).limit(MAX_SERVICES).all()


def _form_choices(actor: Actor, ticket: Ticket, names: frozenset[str]) -> dict[str, Any]:
    """Return the choices of the forms of some properties."""
    choices: dict[str, Any] = {}
    if "department" in names:
        choices["departments"] = _departments(ticket)
    if "assignee" in names:
        choices["colleagues"] = suggestions.colleagues(ticket)
    if "tags" in names:
        choices["known_tags"] = known_tags()
    if "customer" in names:
        choices["services"] = _services_for(actor, ticket)
    return choices


def _departments(ticket: Ticket) -> list[Department]:
    found = list(departments())
    return found if any(one.id == ticket.department_id for one in found) else [ticket.department, *found]


def show_forms(view: Page, ticket: Ticket) -> ResponseReturnValue:
    """Show the forms of all properties, or of the one that ``part`` names."""
    part = request.args.get("part", "")
    if part and part not in PROPERTIES:
        raise NotFound
    return _forms_page(view, ticket, part)


def show_assignees(view: Page, ticket: Ticket) -> ResponseReturnValue:
    """Show the agents who may take the ticket."""
    page: str = view.render(
        "admin/tickets/page/assign.html", ticket=ticket, sheet=is_htmx(), colleagues=suggestions.colleagues(ticket)
    )
    return page


def submit(view: Page, ticket: Ticket, name: str) -> ResponseReturnValue:
    """Set one property. Fields: ``value``, and ``had``: the value that the form was shown with."""
    value = _field("value")
    refuse_spoiled("value")
    if value is None:
        raise Invalid(fields={name: [lazy_gettext("This field is required.")]})
    if name == "customer" and _field("service"):
        value = f"{value}/{_field('service')}"
    return set_property(view, ticket, name, value, had=_field("had"))


def set_property(view: Page, ticket: Ticket, name: str, value: str, *, had: str | None = None) -> ResponseReturnValue:
    """Set one property and answer."""
    number = ticket.number
    if name not in PROPERTIES:
        raise NotFound
    try:
        with transaction():
            before, after = _change(current_actor(), ticket.id, name, value, had)
    except Refusal as refusal:
        db.session.expire_all()
        fresh = find_ticket(current_actor(), number)  # it may no longer be visible to this person
        return answer_refusal(refusal, _forms_page(view, fresh, name, refusal, {name: value}))
    if before == after:
        return answer_done(number, gettext("Nothing was changed."), kind="info")
    undo = undo_request(number, f"set/{name}", value=_undo_value(name, before), had=after, **_pin_choice_of(before))
    message = str(PROPERTIES[name].message)
    if name == "assignee" and value == ME:
        message = gettext("The ticket is assigned to you.")
    return answer_done(number, message, undo=undo)


def watch(ticket: Ticket) -> ResponseReturnValue:
    """Watch the ticket."""
    with transaction():
        properties.watch(current_actor(), ticket.id)
    undo = undo_request(ticket.number, "unwatch")
    return answer_done(ticket.number, gettext("You are watching this ticket."), undo=undo)


def unwatch(ticket: Ticket) -> ResponseReturnValue:
    """Stop watching the ticket."""
    with transaction():
        properties.unwatch(current_actor(), ticket.id)
    undo = undo_request(ticket.number, "watch")
    return answer_done(ticket.number, gettext("You no longer watch this ticket."), undo=undo)


def _forms_page(
    view: Page, ticket: Ticket, part: str, refusal: Refusal | None = None, typed: dict[str, str] | None = None
) -> str:
    names = frozenset({part} if part else PROPERTIES)
    is_part = is_htmx() and not request.args.get("sheet")
    page: str = view.render(
        f"admin/tickets/page/{'property' if is_part else 'properties'}.html",
        ticket=ticket,
        base=ticket_url(ticket.number),
        properties={key: prop for key, prop in PROPERTIES.items() if key in names},
        sheet=is_htmx(),
        part=part,
        typed=typed or {},
        wrong={part: error_texts(refusal)} if refusal is not None and refusal.code != "pin_like" else {},
        refusal=refusal,
        priorities=PRIORITY,
        states=STATUS,
        languages=LANGUAGES,
        **_form_choices(current_actor(), ticket, names),
    )
    return page


def _change(actor: Actor, key: int, name: str, value: str, had: str | None) -> tuple[str, str]:
    """Set a property; where a colleague was faster, say what it is now."""
    try:
        return property_forms.set_fact(actor, key, name, value, had=had, pins=pin_choice())
    except property_forms.FactChanged as changed:
        raise Conflict(
            lazy_gettext(
                "Someone else has changed this in the meantime: %(name)s is now “%(now)s”. Nothing was changed.",
                name=PROPERTIES[name].name,
                now=PROPERTIES[name].label(changed.ticket),
            ),
            code=changed.code,
        ) from None


def _undo_value(name: str, before: str) -> str:
    # The service that an account had is not opened by its number alone.
    return before.partition("/")[0] if name == "customer" else before


def _pin_choice_of(before: str) -> dict[str, str]:
    # The old text was said to hold no PIN, or it would not have been stored: undoing does not ask again.
    numbers = [one.text for one in find_pins(before)]
    return {"not_pin": numbers[0]} if len(numbers) == 1 else {"mask": "1"} if numbers else {}


def _field(name: str) -> str | None:
    value = request.form.get(name)
    return None if value is None else value[:1_000]
