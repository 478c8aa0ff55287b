"""What a ticket is, changed in its place: department, priority, assignee, tags, subject, account, language, state.

Each fact is one small form with the value it was shown with: where a colleague was faster, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Refusal, Text
from console.core.forms import refuse_spoiled
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.customers.masking import find_pins
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
from console.tickets.sidebar import queries as sidebar
from console.views.shared.base import Page
from console.views.shared.labels.tickets import PRIORITY, STATUS, ticket_url
from console.views.tickets.page.answers import again, done, in_sheet, reasons, undo_by
from console.web.identity import current_actor
from console.web.locale import LANGUAGES
from console.web.pins import pin_choice

if TYPE_CHECKING:
    _Base = Page
else:
    _Base = object

MOST_SERVICES = 200


@dataclass(frozen=True)
class Fact:
    """One thing that is said of a ticket.

    Args:
        name: what it is called.
        read: writes it as its form sends it.
        say: writes it for people.
        words: what is told afterwards.
    """

    name: Text
    read: Callable[[Ticket], str]
    say: Callable[[Ticket], str]
    words: Text


def _department_name(ticket: Ticket) -> str:
    from console.web.filters import language

    return ticket.department.name(language())


FACTS: dict[str, Fact] = {
    "subject": Fact(
        lazy_gettext("Subject"),
        property_forms.READ["subject"],
        lambda ticket: ticket.subject,
        lazy_gettext("The subject was changed."),
    ),
    "department": Fact(
        lazy_gettext("Department"),
        property_forms.READ["department"],
        _department_name,
        lazy_gettext("The department was changed."),
    ),
    "priority": Fact(
        lazy_gettext("Priority"),
        property_forms.READ["priority"],
        lambda ticket: str(PRIORITY[ticket.priority].text),
        lazy_gettext("The priority was changed and SLA targets updated."),
    ),
    "assignee": Fact(
        lazy_gettext("Assignee"),
        property_forms.READ["assignee"],
        lambda ticket: ticket.assignee.name if ticket.assignee else gettext("unassigned"),
        lazy_gettext("The ticket was reassigned."),
    ),
    "status": Fact(
        lazy_gettext("State"),
        property_forms.READ["status"],
        lambda ticket: str(STATUS[ticket.status].text),
        lazy_gettext("The state was changed."),
    ),
    "tags": Fact(
        lazy_gettext("Tags"),
        property_forms.READ["tags"],
        lambda ticket: ", ".join(ticket.tags) or gettext("none"),
        lazy_gettext("The tags were changed."),
    ),
    "customer": Fact(
        lazy_gettext("Customer"),
        property_forms.READ["customer"],
        lambda ticket: ticket.customer.number if ticket.customer is not None else gettext("none"),
        lazy_gettext("The account was changed. This opens no data: only a verification does."),
    ),
    "language": Fact(
        lazy_gettext("Language"),
        property_forms.READ["language"],
        lambda ticket: LANGUAGES.get(ticket.language, ticket.language),
        lazy_gettext("The requester’s language was changed."),
    ),
}


def services_for(actor: Actor, ticket: Ticket) -> list[Service]:
    """Return the services of its account that a verification for the ticket, or the role, opens."""
    if ticket.customer_id is None:
        return []
    verification = sidebar.verification_for(actor, ticket)
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
    return query.order_by(Service.status, Service.id).limit(MOST_SERVICES).all()


def fact_form(actor: Actor, ticket: Ticket, wanted: frozenset[str]) -> dict[str, Any]:
    """Return what the forms of some facts offer."""
    offered: dict[str, Any] = {}
    if "department" in wanted:
        offered["departments"] = _departments(ticket)
    if "assignee" in wanted:
        offered["colleagues"] = suggestions.colleagues(ticket)
    if "tags" in wanted:
        offered["known_tags"] = known_tags()
    if "customer" in wanted:
        offered["services"] = services_for(actor, ticket)
    return offered


def _departments(ticket: Ticket) -> list[Department]:
    found = list(departments())
    return found if any(one.id == ticket.department_id for one in found) else [ticket.department, *found]


class TicketFacts(_Base):
    """Changing facts (a mixin of the ticket's page)."""

    fact_permissions = dict.fromkeys(
        ("property_forms", "set_fact", "watch", "unwatch", "give"), Permission.WORK_TICKETS
    )

    @expose("/facts")
    def property_forms(self, number: str) -> ResponseReturnValue:
        """Show the forms of all facts, or of one."""
        ticket = find_ticket(current_actor(), number)
        part = request.args.get("part", "")
        if part and part not in FACTS:
            raise NotFound
        return self._facts_page(ticket, part)

    @expose("/give")
    def give(self, number: str) -> ResponseReturnValue:
        """Show who could take the ticket."""
        ticket = find_ticket(current_actor(), number)
        page: str = self.render(
            "admin/tickets/page/assign.html", ticket=ticket, sheet=in_sheet(), colleagues=suggestions.colleagues(ticket)
        )
        return page

    @expose("/set/<fact>", methods=["POST"])
    def set_fact(self, number: str, fact: str) -> ResponseReturnValue:
        """Set one fact. Fields: ``value``, and ``had``: what the form was shown with."""
        value = _sent("value")
        refuse_spoiled("value")
        if value is None:
            raise Invalid(fields={fact: [lazy_gettext("This field is required.")]})
        if fact == "customer" and _sent("service"):
            value = f"{value}/{_sent('service')}"
        return self.set_fact_to(number, fact, value, had=_sent("had"))

    def set_fact_to(self, number: str, fact: str, value: str, *, had: str | None = None) -> ResponseReturnValue:
        """Set one fact and answer."""
        ticket, kind = find_ticket(current_actor(), number), FACTS.get(fact)
        if kind is None:
            raise NotFound
        try:
            with transaction():
                before, after = _change(current_actor(), ticket.id, fact, value, had)
        except Refusal as refusal:
            db.session.expire_all()
            fresh = find_ticket(current_actor(), number)  # it may have gone where this person does not see it
            return again(refusal, self._facts_page(fresh, fact, refusal, {fact: value}))
        if before == after:
            return done(ticket.number, gettext("Nothing was changed."), kind="info")
        undo = undo_by(ticket.number, f"set/{fact}", value=_undo_value(fact, before), had=after, **_as_it_was(before))
        words = gettext("The ticket is assigned to you.") if fact == "assignee" and value == ME else str(kind.words)
        return done(ticket.number, words, undo=undo)

    @expose("/watch", methods=["POST"])
    def watch(self, number: str) -> ResponseReturnValue:
        """Follow the ticket."""
        ticket = find_ticket(current_actor(), number)
        with transaction():
            properties.watch(current_actor(), ticket.id)
        return done(ticket.number, gettext("You are watching this ticket."), undo=undo_by(ticket.number, "unwatch"))

    @expose("/unwatch", methods=["POST"])
    def unwatch(self, number: str) -> ResponseReturnValue:
        """Follow it no more."""
        ticket = find_ticket(current_actor(), number)
        with transaction():
            properties.unwatch(current_actor(), ticket.id)
        return done(ticket.number, gettext("You no longer watch this ticket."), undo=undo_by(ticket.number, "watch"))

    def _facts_page(
        self, ticket: Ticket, part: str, refusal: Refusal | None = None, typed: dict[str, str] | None = None
    ) -> str:
        wanted = frozenset({part} if part else FACTS)
        is_part = in_sheet() and not request.args.get("sheet")
        page: str = self.render(
            f"admin/tickets/page/{'property' if is_part else 'properties'}.html",
            ticket=ticket,
            base=ticket_url(ticket.number),
            property_forms={key: fact for key, fact in FACTS.items() if key in wanted},
            sheet=in_sheet(),
            part=part,
            typed=typed or {},
            wrong={part: reasons(refusal)} if refusal is not None and refusal.code != "pin_like" else {},
            refusal=refusal,
            priorities=PRIORITY,
            states=STATUS,
            written=LANGUAGES,
            **fact_form(current_actor(), ticket, wanted),
        )
        return page


def _change(actor: Actor, key: int, fact: str, value: str, had: str | None) -> tuple[str, str]:
    """Set a fact; where a colleague was faster, say what it is now."""
    try:
        return property_forms.set_fact(actor, key, fact, value, had=had, pins=pin_choice())
    except property_forms.FactChanged as changed:
        raise Conflict(
            lazy_gettext(
                "Someone else has changed this in the meantime: %(name)s is now “%(now)s”. Nothing was changed.",
                name=FACTS[fact].name,
                now=FACTS[fact].say(changed.ticket),
            ),
            code=changed.code,
        ) from None


def _undo_value(fact: str, before: str) -> str:
    # The service that an account had is not opened by its number alone.
    return before.partition("/")[0] if fact == "customer" else before


def _as_it_was(before: str) -> dict[str, str]:
    # What stood there was said to be no PIN, or no subject would have it: putting it back asks nobody again.
    numbers = [one.text for one in find_pins(before)]
    return {"not_pin": numbers[0]} if len(numbers) == 1 else {"mask": "1"} if numbers else {}


def _sent(name: str) -> str | None:
    value = request.form.get(name)
    return None if value is None else value[:1_000]
