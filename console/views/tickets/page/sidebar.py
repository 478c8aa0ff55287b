"""The sidebar of a ticket: SLA targets, properties, verification, other tickets; and the header's actions."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import render_template, url_for

from console.core.actor import Actor
from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.customers.rights import Right
from console.staff.models import Staff
from console.staff.roles import Permission
from console.tickets.mail_in.addresses import staff_address
from console.tickets.models import LinkKind, Ticket
from console.tickets.service import verification as ticket_verification
from console.tickets.sidebar import RelatedTicket, Sidebar, load_sidebar
from console.views.shared.labels.tickets import MERGED, PRIORITY, STATUS, status_label, ticket_url
from console.views.tickets.page.properties import PROPERTIES
from console.views.tickets.page.requests import request_context
from console.views.tickets.page.verification import verification_context
from console.web.identity import current_actor
from console.web.locale import LANGUAGES

LINKED: dict[tuple[LinkKind, bool], Text] = {
    (LinkKind.RELATED, False): lazy_gettext("related"),
    (LinkKind.FOLLOW_UP, True): lazy_gettext("continued by this one"),
    (LinkKind.FOLLOW_UP, False): lazy_gettext("continues there"),
    (LinkKind.SPLIT, True): lazy_gettext("this one was split from it"),
    (LinkKind.SPLIT, False): lazy_gettext("split from this one"),
}


def sidebar_context(actor: Actor, ticket: Ticket) -> dict[str, Any]:
    """Return the context of ``sidebar.html`` and ``actions.html``, in four statements."""
    sidebar = load_sidebar(actor, ticket)
    facts = sidebar.facts
    return {
        "sidebar": sidebar,
        "sla_targets": sidebar.sla_targets,
        "live": sidebar.live,
        "channel": ticket_verification.channel(ticket),
        "priority": PRIORITY[ticket.priority],
        "had": {key: prop.read(ticket) for key, prop in PROPERTIES.items()},
        "languages": LANGUAGES,
        "reviews_here": actor.may(Permission.REVIEW),
        "watching": actor.id in facts.watchers,
        "service_shown": facts.service is not None and _opens_service(actor, ticket, sidebar),
        "state_of": _state_of,
        "linked_as": LINKED,
        "review_url": _review_url,
        "ticket_url": ticket_url,
        "my_address": partial(_my_address, ticket),
        **request_context(facts.request),
        **verification_context(actor, sidebar),
    }


def _opens_service(actor: Actor, ticket: Ticket, sidebar: Sidebar) -> bool:
    if actor.may(Permission.READ_DOCUMENTS):
        return True
    live = sidebar.live
    return live is not None and live.customer_id == ticket.customer_id and Right.PRODUCTS in live.rights


def _my_address(ticket: Ticket, staff: Staff) -> str | None:
    """Return where a colleague answers from their own mail program."""
    return staff_address(ticket, staff.id, staff.email)


def _state_of(other: RelatedTicket) -> Any:
    return MERGED if other.is_merged else STATUS[other.status]


def _review_url(key: int) -> str:
    return url_for("review.index", key=key)


def render_now(ticket: Ticket) -> str:
    """Draw the sidebar, the header's actions and the subject as they are now, for a page that is open."""
    actor = current_actor()
    context = {
        "ticket": ticket,
        "base": ticket_url(ticket.number),
        "label": status_label(ticket),
        "states": STATUS,
        "works": actor.may(Permission.WORK_TICKETS),
        **sidebar_context(actor, ticket),
    }
    return render_template("admin/tickets/page/now.html", **context)
