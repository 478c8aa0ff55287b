"""Two tickets that are one, one that is two, tickets that belong together; links called back; a review asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import func, select

from console.core.db import db
from console.core.errors import Invalid, NotFound, Refusal, Text
from console.core.forms import refuse_spoiled
from console.core.ids import read_key
from console.core.texts import gettext, lazy_gettext
from console.core.transaction import transaction
from console.staff.models import Staff
from console.staff.roles import Permission
from console.tickets import suggestions
from console.tickets.models import MAX_SUBJECT, MessageKind, Ticket, TicketMessage, TicketStatus
from console.tickets.queries import find_ticket, tree
from console.tickets.reviews import queries as reviews
from console.tickets.reviews.service import pick
from console.tickets.service import linking, merging, properties, splitting
from console.tickets.sidebar import load_related
from console.views.shared.base import Page
from console.views.shared.labels.tickets import status_label
from console.views.tickets.page.answers import again, done, in_sheet, reasons, undo_by
from console.web.identity import current_actor
from console.web.pins import pin_choice

if TYPE_CHECKING:
    _Base = Page
else:
    _Base = object

OUT, IN = "out", "in"  # this ticket into the other one, the other one into this
MOST_CHOSEN = 500
_NO_TICKET = lazy_gettext("Ticket not found, or you do not have access to it. Enter its number, like T-20418.")


@dataclass(frozen=True)
class Joining:
    """A merge as it would go: which ticket goes, which stays, and what that means."""

    goes: Ticket
    stays: Ticket
    refusal: Text | None
    same_requester: bool
    opens: bool  # the one that stays is opened again
    bares: bool  # out of a private department, to be read by everybody who sees the other


class TicketJoins(_Base):
    """Merging, splitting, linking (a mixin of the ticket's page)."""

    join_permissions = dict.fromkeys(
        ("merge", "do_merge", "part", "split", "do_split", "link", "do_link", "unlink", "void", "do_void"),
        Permission.WORK_TICKETS,
    ) | dict.fromkeys(("review", "do_review"), Permission.REVIEW)

    # Merging -------------------------------------------------------------

    @expose("/merge")
    def merge(self, number: str) -> ResponseReturnValue:
        """Choose the other ticket, then see what a merge would do."""
        ticket = find_ticket(current_actor(), number)
        return self._merge_page(ticket, request.args.get("other", ""), request.args.get("way", OUT))

    @expose("/merge", methods=["POST"])
    def do_merge(self, number: str) -> ResponseReturnValue:
        """Merge. Fields: ``other`` (number), ``way`` (``out``: this ticket into it; ``in``), ``sure``."""
        ticket = find_ticket(current_actor(), number)
        typed, way = request.form.get("other", ""), request.form.get("way", OUT)
        try:
            joining, sure = _joining(ticket, _find(typed), way), request.form.get("sure") == "1"
            with transaction():
                merging.merge(current_actor(), [joining.goes.id], joining.stays.id, different_requesters=sure)
        except Refusal as refusal:
            return again(refusal, self._merge_page(ticket, typed, way, refusal))
        words = gettext("%(goes)s was merged into %(stays)s.", goes=joining.goes.number, stays=joining.stays.number)
        return done(joining.stays.number, words, undo=undo_by(joining.goes.number, "part"))

    @expose("/part", methods=["POST"])
    def part(self, number: str) -> ResponseReturnValue:
        """Part this ticket from the one it was merged into."""
        ticket = find_ticket(current_actor(), number)
        into = ticket.merged_into_id
        with transaction():
            merging.undo_merge(current_actor(), ticket.id)
        words = gettext("%(number)s is a separate ticket again.", number=ticket.number)
        other = request.form.get("back")
        back = other if other and into is not None and _number_of(other) == into else ticket.number
        return done(back, words)

    def _merge_page(self, ticket: Ticket, typed: str, way: str, refusal: Refusal | None = None) -> str:
        joining, wrong = None, reasons(refusal)
        if typed.strip():
            try:
                joining = _joining(ticket, _find(typed), way)
            except Refusal as unknown:
                wrong = wrong or reasons(unknown)
        page: str = self.render(
            "admin/tickets/page/merge.html",
            ticket=ticket,
            sheet=in_sheet(),
            candidates=suggestions.candidates(current_actor(), ticket) if joining is None else (),
            joining=joining,
            typed=typed,
            way=IN if way == IN else OUT,
            wrong=wrong,
            status_label=status_label,
        )
        return page

    # Splitting -----------------------------------------------------------

    @expose("/split")
    def split(self, number: str) -> ResponseReturnValue:
        """Choose the messages that become a ticket of their own."""
        chosen = {key for key in map(read_key, request.args.getlist("messages")[:MOST_CHOSEN]) if key}
        return self._split_page(find_ticket(current_actor(), number), "", chosen)

    @expose("/split", methods=["POST"])
    def do_split(self, number: str) -> ResponseReturnValue:
        """Split. Fields: ``messages`` (repeated), ``subject``."""
        ticket = find_ticket(current_actor(), number)
        keys = {key for key in map(read_key, request.form.getlist("messages")[:MOST_CHOSEN]) if key}
        subject = request.form.get("subject", "")[: 2 * MAX_SUBJECT]
        try:
            refuse_spoiled("subject")
            with transaction():
                new = splitting.split(current_actor(), ticket.id, sorted(keys), subject, pin_choice())
                made = new.number
        except Refusal as refusal:
            return again(refusal, self._split_page(ticket, subject, keys, refusal))
        words = gettext("%(number)s is a separate ticket now.", number=made)
        return done(made, words, undo=undo_by(made, "merge", other=ticket.number, way=OUT))

    def _split_page(self, ticket: Ticket, subject: str, chosen: set[int], refusal: Refusal | None = None) -> str:
        page: str = self.render(
            "admin/tickets/page/split.html",
            ticket=ticket,
            sheet=in_sheet(),
            messages=splitting.can_split(ticket),
            subject=subject,
            chosen=chosen,
            wrong=refusal.fields if refusal is not None and refusal.code != "pin_like" else {},
            problem=refusal.message if refusal is not None and not refusal.fields else "",
            refusal=refusal,
        )
        return page

    # Linking -------------------------------------------------------------

    @expose("/link")
    def link(self, number: str) -> ResponseReturnValue:
        """Choose what this ticket belongs together with."""
        return self._link_page(find_ticket(current_actor(), number), "")

    @expose("/link", methods=["POST"])
    def do_link(self, number: str) -> ResponseReturnValue:
        """Link. Field: ``other`` (number)."""
        ticket, typed = find_ticket(current_actor(), number), request.form.get("other", "")
        try:
            other = _find(typed)
            with transaction():
                linking.link(current_actor(), ticket.id, other.id)
        except Refusal as refusal:
            return again(refusal, self._link_page(ticket, typed, refusal))
        words = gettext("Linked with %(number)s.", number=other.number)
        return done(ticket.number, words, undo=undo_by(ticket.number, "unlink", other=other.number))

    @expose("/unlink", methods=["POST"])
    def unlink(self, number: str) -> ResponseReturnValue:
        """Take a link off. Field: ``other`` (number)."""
        ticket, other = find_ticket(current_actor(), number), _find(request.form.get("other", ""))
        with transaction():
            linking.unlink(current_actor(), ticket.id, other.id)
        words = gettext("No longer linked with %(number)s.", number=other.number)
        return done(ticket.number, words, undo=undo_by(ticket.number, "link", other=other.number))

    def _link_page(self, ticket: Ticket, typed: str, refusal: Refusal | None = None) -> str:
        linked = {other.id for other in load_related(current_actor(), ticket).links}
        page: str = self.render(
            "admin/tickets/page/link.html",
            ticket=ticket,
            sheet=in_sheet(),
            candidates=[one for one in suggestions.candidates(current_actor(), ticket) if one.id not in linked],
            typed=typed,
            wrong=reasons(refusal),
            status_label=status_label,
        )
        return page

    # The requester's links -------------------------------------------------

    @expose("/void")
    def void(self, number: str) -> ResponseReturnValue:
        """Ask why the requester's links are to be void."""
        return self._void_page(find_ticket(current_actor(), number), "")

    @expose("/void", methods=["POST"])
    def do_void(self, number: str) -> ResponseReturnValue:
        """Make the requester's links void. Field: ``reason``."""
        ticket, reason = find_ticket(current_actor(), number), request.form.get("reason", "")[:2_000]
        try:
            with transaction():
                properties.void_links(current_actor(), ticket.id, reason)
        except Refusal as refusal:
            return again(refusal, self._void_page(ticket, reason, refusal))
        return done(ticket.number, gettext("All links sent so far are revoked. The next e-mail brings a new one."))

    def _void_page(self, ticket: Ticket, reason: str, refusal: Refusal | None = None) -> str:
        page: str = self.render(
            "admin/tickets/page/revoke.html", ticket=ticket, sheet=in_sheet(), reason=reason, wrong=reasons(refusal)
        )
        return page

    # A review --------------------------------------------------------------

    @expose("/review")
    def review(self, number: str) -> ResponseReturnValue:
        """Choose whose work on the ticket is to be reviewed."""
        return self._review_page(find_ticket(current_actor(), number))

    @expose("/review", methods=["POST"])
    def do_review(self, number: str) -> ResponseReturnValue:
        """Put the ticket into the queue of reviews. Field: ``agent``."""
        ticket = find_ticket(current_actor(), number)
        try:
            with transaction():
                pick(current_actor(), ticket.id, read_key(request.form.get("agent", "")))
        except Refusal as refusal:
            return again(refusal, self._review_page(ticket, refusal))
        return done(ticket.number, gettext("The ticket was sent for review."))

    def _review_page(self, ticket: Ticket, refusal: Refusal | None = None) -> str:
        page: str = self.render(
            "admin/tickets/page/review.html",
            ticket=ticket,
            sheet=in_sheet(),
            workers=_workers(ticket),
            handler=reviews.handler_of(ticket),
            wrong=reasons(refusal),
        )
        return page


def _find(typed: str) -> Ticket:
    """Return the ticket somebody typed the number of.

    Raises:
        Invalid: it is none that this person sees.
    """
    try:
        return find_ticket(current_actor(), typed.strip()[:20])
    except NotFound:
        raise Invalid(fields={"other": [_NO_TICKET]}) from None


def _number_of(typed: str) -> int | None:
    try:
        return _find(typed).id
    except Invalid:
        return None


def _joining(ticket: Ticket, other: Ticket, way: str) -> Joining:
    goes, stays = (other, ticket) if way == IN else (ticket, other)
    return Joining(
        goes=goes,
        stays=stays,
        refusal=_why_not(goes, stays),
        same_requester=goes.requester_email == stays.requester_email,
        opens=stays.status in merging.HOLDS and goes.status is TicketStatus.OPEN,
        bares=goes.department.private and goes.department_id != stays.department_id,
    )


def _why_not(goes: Ticket, stays: Ticket) -> Text | None:
    """Return why the verb would refuse now."""
    if goes.id == stays.id:
        return lazy_gettext("Choose another ticket to merge into.")
    try:
        merging.check_mergeable(goes, stays)
    except Refusal as refusal:
        return refusal.message
    return None


def _workers(ticket: Ticket) -> list[tuple[Staff, int]]:
    """Return who wrote to the requester on a ticket, and how often; its assignee too."""
    query = (
        select(Staff, func.count(TicketMessage.id))
        .outerjoin(
            TicketMessage,
            (TicketMessage.staff_id == Staff.id)
            & TicketMessage.ticket_id.in_(tree(ticket.id))
            & (TicketMessage.kind == MessageKind.REPLY)
            & TicketMessage.taken_back_at.is_(None),
        )
        .where(
            (TicketMessage.id.is_not(None)) | (Staff.id == (ticket.assignee_id or 0)),
        )
        .group_by(Staff.id)
        .order_by(func.count(TicketMessage.id).desc(), Staff.name_key)
    )
    return [(row[0], row[1]) for row in db.session.execute(query)]
