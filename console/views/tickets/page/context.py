"""What the page of a ticket is drawn with."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import request

from console.core.actor import SYSTEM
from console.core.errors import Text
from console.core.series import Series
from console.core.texts import lazy_gettext
from console.hours import queries as hours
from console.staff.roles import Permission
from console.tickets import page_queries
from console.tickets.labels import SOURCE
from console.tickets.models import TICKET_BASE, MessageKind, Ticket, TicketStatus
from console.tickets.service import attachments
from console.tickets.service.threads import other_requesters
from console.views.shared import menu
from console.views.shared.labels.messages import file_size
from console.views.shared.labels.tickets import STATUS, status_label, ticket_url
from console.views.tickets.page import composer, sidebar
from console.views.tickets.page.composer import Composed
from console.views.tickets.page.serializers import draft_json
from console.views.tickets.page.timeline import SHOWS, came_from, taking_part, timeline_entries
from console.web.cookies import read_cookie
from console.web.identity import current_actor, current_staff

KEYS: tuple[tuple[str, Text], ...] = (
    ("J K", lazy_gettext("Next, previous ticket")),
    ("R", lazy_gettext("Write a reply")),
    ("N", lazy_gettext("Write a note")),
    ("F", lazy_gettext("Forward")),
    ("/", lazy_gettext("Canned replies")),
    ("A", lazy_gettext("Take the ticket")),
    ("E", lazy_gettext("Mark as solved")),
    ("T", lazy_gettext("Assign to…")),
    ("W", lazy_gettext("Watch")),
    ("Ctrl ↵", lazy_gettext("Send and wait for the customer")),
    ("Ctrl ⇧ ↵", lazy_gettext("Send and solve")),
    ("Z", lazy_gettext("Undo the last reply")),
    ("[ ]", lazy_gettext("Previous, next entry")),
    ("U", lazy_gettext("Back to the list")),
)


def open_ticket(number: str) -> tuple[page_queries.TicketView, menu.BadgeCounts]:
    """Open a ticket; the sidebar's badges and the opening hours in force come along in the same statement."""
    badges, revision = menu.badge_queries(), hours.revision_selects()
    opened = page_queries.load_ticket(current_actor(), number, scalars=badges + revision)
    hours.known_by(*(opened.scalars.pop(name) for name, _ in revision))
    return opened, opened.scalars


def page_context(
    opened: page_queries.TicketView, badge_counts: menu.BadgeCounts, composed: Composed, *, before: int | None = None
) -> dict[str, Any]:
    """Return what the page shows of a ticket: its newest entries, or those before one, and what is being composed."""
    ticket, actor = opened.ticket, current_actor()
    part = page_queries.read_timeline(ticket.id, before=before)
    newest = max(opened.drafts.values(), key=lambda draft: draft.updated_at, default=None)
    kind = composed.kind or (newest.kind if newest else MessageKind.REPLY)
    draft = opened.drafts.get(kind)
    composed.client_id = composed.client_id or uuid4().hex
    composed.body = composed.body or (draft.body if draft else "")
    then = composer.read_status(read_cookie(composer.THEN_COOKIE))
    show = request.args.get("show", "")
    side = sidebar.sidebar_context(actor, ticket)
    others = other_requesters(ticket) if side["sidebar"].related.merged else []
    return dict(
        **timeline_context(ticket, part, read_seq=opened.read_seq),
        badge_counts=badge_counts,
        composed=composed,
        kind=kind.value,
        drafts={found.kind.value: draft_json(found) for found in opened.drafts.values()},
        pending=opened.uploads,
        unread=opened.read_seq < ticket.last_seq,
        show=show if show in SHOWS else "all",
        shows=SHOWS,
        then=then if then in composer.THEN else TicketStatus.WAITING,
        thens=composer.THEN,
        goes_on=read_cookie(composer.NEXT_COOKIE) != "stay",
        merged_into=None
        if ticket.merged_into_id is None
        else Series.TICKET.number(TICKET_BASE + ticket.merged_into_id),
        page_keys=KEYS,
        max_size=attachments.MAX_SIZE,
        most_files=attachments.MOST,
        source=SOURCE[ticket.source],
        states=STATUS,
        addressees=[ticket.requester_email, *(one.requester_email for one in others)],
        signed=composer.signature_of(current_staff(), ticket),
        **side,
    )


def timeline_context(ticket: Ticket, part: page_queries.Timeline, *, read_seq: int | None = None) -> dict[str, Any]:
    """Return the context of the timeline and of the line under the heading."""
    actor = current_actor()
    return {
        "ticket": ticket,
        "timeline": part,
        "entries": timeline_entries(part, ticket, actor, read_seq=read_seq),
        "label": status_label(ticket),
        "works": actor.may(Permission.WORK_TICKETS),
        "base": ticket_url(ticket.number),
        "came_from": came_from,
        "taking_part": taking_part(ticket, part),
        "file_size": file_size,
        "system": SYSTEM.name,
    }
