"""A ticket's sidebar: SLA targets, facts, verification, related tickets; and the header's actions.

``side_context`` gives the templates of this part what they show; the verbs are mixins of the page.
"""

from __future__ import annotations

from typing import Any

from flask import jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose

from console.core.actor import Actor
from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.customers.rights import Right
from console.staff.roles import Permission
from console.tickets.models import LinkKind, Ticket, TicketStatus
from console.tickets.queries import find_ticket
from console.tickets.service import verification as ticket_verification
from console.tickets.service.property_forms import ME
from console.tickets.sidebar import RelatedTicket, Sidebar, load_sidebar
from console.views.shared.labels.tickets import MERGED, PRIORITY, STATUS, status_label, ticket_url
from console.views.tickets.page.answers import done
from console.views.tickets.page.merging import TicketJoins
from console.views.tickets.page.properties import FACTS, TicketFacts
from console.views.tickets.page.verification import TicketWho, who_context
from console.web.identity import current_actor
from console.web.locale import LANGUAGES

__all__ = ["TicketSide", "done", "read_status", "side_context"]

LINKED: dict[tuple[LinkKind, bool], Text] = {
    (LinkKind.RELATED, False): lazy_gettext("related"),
    (LinkKind.FOLLOW_UP, True): lazy_gettext("continued by this one"),
    (LinkKind.FOLLOW_UP, False): lazy_gettext("continues there"),
    (LinkKind.SPLIT, True): lazy_gettext("this one was split from it"),
    (LinkKind.SPLIT, False): lazy_gettext("split from this one"),
}


def side_context(actor: Actor, ticket: Ticket) -> dict[str, Any]:
    """Return what ``sidebar.html`` and ``actions.html`` show. Four statements."""
    sidebar = load_sidebar(actor, ticket)
    facts = sidebar.facts
    return {
        "sidebar": sidebar,
        "sla_targets": sidebar.sla_targets,
        "live": sidebar.live,
        "channel": ticket_verification.channel(ticket),
        "priority": PRIORITY[ticket.priority],
        "had": {key: fact.read(ticket) for key, fact in FACTS.items()},
        "written": LANGUAGES,
        "reviews_here": actor.may(Permission.REVIEW),
        "watching": actor.id in facts.watchers,
        "service_shown": facts.service is not None and _shows_service(actor, ticket, sidebar),
        "state_of": _state_of,
        "linked_as": LINKED,
        "review_url": _review_url,
        "ticket_url": ticket_url,
        **who_context(actor, sidebar),
    }


def _shows_service(actor: Actor, ticket: Ticket, sidebar: Sidebar) -> bool:
    if actor.may(Permission.READ_DOCUMENTS):
        return True
    live = sidebar.live
    return live is not None and live.customer_id == ticket.customer_id and Right.PRODUCTS in live.rights


def _state_of(other: RelatedTicket) -> Any:
    return MERGED if other.is_merged else STATUS[other.status]


def _review_url(key: int) -> str:
    return url_for("review.index", key=key)


class TicketSide(TicketFacts, TicketJoins, TicketWho):
    """The verbs of the side column and of the header; mixed into the ticket's page."""

    side_permissions = {
        **dict.fromkeys(("take", "move"), Permission.WORK_TICKETS),
        **TicketFacts.fact_permissions,
        **TicketJoins.join_permissions,
        **TicketWho.who_permissions,
    }

    @expose("/side")
    def side(self, number: str) -> ResponseReturnValue:
        """Return the column and the header's actions as they are now, for a page that is open."""
        actor, ticket = current_actor(), find_ticket(current_actor(), number)
        context = {
            "ticket": ticket,
            "base": ticket_url(ticket.number),
            "label": status_label(ticket),
            "states": STATUS,
            "works": actor.may(Permission.WORK_TICKETS),
            **side_context(actor, ticket),
        }
        return jsonify(
            sidebar=render_template("admin/tickets/page/sidebar.html", **context),
            actions=render_template("admin/tickets/page/actions.html", **context),
            subject=ticket.subject,
        )

    @expose("/assign", methods=["POST"])
    def take(self, number: str) -> ResponseReturnValue:
        """Take the ticket over."""
        return self.set_fact_to(number, "assignee", ME)

    @expose("/status", methods=["POST"])
    def move(self, number: str) -> ResponseReturnValue:
        """Move the ticket to another state."""
        return self.set_fact_to(number, "status", request.form.get("status", ""))


def read_status(value: str) -> TicketStatus | None:
    """Return the status called ``value``, or nothing."""
    return TicketStatus(value) if value in set(TicketStatus) else None
