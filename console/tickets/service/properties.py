"""Setting the properties of tickets: assignee, status, priority, department, account. For one or for a hundred."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.text import one_line, visible_length
from console.core.texts import lazy_gettext
from console.customers.masking import ASK, PinChoice, mask_for_storage, mask_pins
from console.customers.models import Customer
from console.customers.owners import owner_of, person_called
from console.customers.service import LANGUAGES
from console.hosting.access import may_know
from console.hosting.models import Service
from console.staff.department_access import sees_department
from console.staff.models import Department, Staff
from console.staff.roles import Permission
from console.tickets import mails, rooms
from console.tickets.models import (
    MAX_SUBJECT,
    OPEN_STATUSES,
    LinkKind,
    Priority,
    Ticket,
    TicketLink,
    TicketStatus,
    TicketTag,
    TicketWatcher,
)
from console.tickets.queries import lock_tickets
from console.tickets.service import timeline
from console.tickets.service import verification as ticket_verification
from console.tickets.service.drafts import read_up_to
from console.tickets.service.mentions import watch_as
from console.tickets.service.opening import works_on_tickets
from console.tickets.service.tags import clean_tags
from console.tickets.sla import service as sla_targets

Change = Callable[[Ticket], bool]
SOLVED_WAITS = timedelta(seconds=10)


def _change(
    actor: Actor,
    ids: Iterable[int],
    what: str,
    change: Change,
    *,
    recalculate: bool = False,
    personal: Mapping[str, Any] | None = None,
    **data: Any,
) -> list[Ticket]:
    """Do ``change`` to each ticket, locked in order; return those it changed, each with its line in the trail."""
    actor.require(Permission.WORK_TICKETS)
    changed = []
    for ticket in lock_tickets(actor, ids):
        if ticket.merged_into_id is not None:
            raise Conflict(
                lazy_gettext("%(number)s was merged into another ticket.", number=ticket.number), code="merged"
            )
        if change(ticket):
            if recalculate:
                sla_targets.recalculate(ticket, clock.now())
            read_up_to(actor, ticket)
            about = _person_of(ticket) if personal else None
            key = ticket.customer_id
            record(actor, f"ticket.{what}", ticket.number, customer_id=key, about=about, personal=personal, **data)
            changed.append(ticket)
    return changed


def _person_of(ticket: Ticket) -> int | None:
    """Return whose words on a ticket are: the requester's, where we know them, else the account's owner's."""
    return person_called(ticket.requester_email) or owner_of(ticket.customer_id)


def assign(actor: Actor, ids: Iterable[int], staff_id: int | None) -> list[Ticket]:
    """Assign tickets to a colleague, or to no one.

    Raises:
        Invalid: the colleague does not work on tickets, or not in that private department.
    """
    colleague = None if staff_id is None else db.session.get(Staff, staff_id)
    if staff_id is not None and (colleague is None or not works_on_tickets(colleague)):
        raise Invalid(fields={"assignee": [lazy_gettext("This colleague does not work on tickets.")]})

    def change(ticket: Ticket) -> bool:
        if ticket.assignee_id == staff_id:
            return False
        if colleague is not None and not sees_department(colleague, ticket.department):
            raise Invalid(fields={"assignee": [lazy_gettext("This colleague is not in the private department.")]})
        before = ticket.assignee.name if ticket.assignee else None
        ticket.assignee_id = staff_id
        timeline.note_event(actor, ticket, "assigned", **{"from": before, "to": colleague.name if colleague else None})
        return True

    return _change(actor, ids, "assigned", change, to=staff_id)


def set_status(actor: Actor, ids: Iterable[int], status: TicketStatus) -> list[Ticket]:
    """Move tickets to a state. Solving one mails its requester how to say that it is not solved.

    The mail is held like a reply: a ticket that is reopened at once, as by an undo, sends none.
    """

    def change(ticket: Ticket) -> bool:
        before = ticket.status
        if not move_status(actor, ticket, status):
            return False
        if status is TicketStatus.SOLVED and before in OPEN_STATUSES and ticket.can_be_mailed:
            mails.solved(ticket, send_after=clock.now() + SOLVED_WAITS)
        elif before is TicketStatus.SOLVED and status in OPEN_STATUSES:
            mails.withdraw_solved(ticket)
        return True

    return _change(actor, ids, "moved", change, recalculate=True, to=status.value)


def move_status(actor: Actor, ticket: Ticket, status: TicketStatus) -> bool:
    """Change the status of a locked ticket; return whether it was another. The caller recalculates its SLA targets."""
    before, now = ticket.status, clock.now()
    if before is status:
        return False
    ticket.status = status
    if status in OPEN_STATUSES:
        if before not in OPEN_STATUSES:
            ticket.reopened += 1
        ticket.solved_at = ticket.closed_at = None
    elif status is TicketStatus.SOLVED:
        ticket.solved_at, ticket.closed_at = ticket.solved_at or now, None
    else:
        ticket.solved_at, ticket.closed_at = ticket.solved_at or now, now
    timeline.note_event(actor, ticket, "status", **{"from": before.value, "to": status.value})
    if status is TicketStatus.CLOSED:
        ticket_verification.end_channel(actor, ticket)  # the verification was for the conversation that has ended
    return True


def set_priority(actor: Actor, ids: Iterable[int], priority: Priority) -> list[Ticket]:
    """Set the priority of tickets and recalculate their SLA targets."""

    def change(ticket: Ticket) -> bool:
        if ticket.priority is priority:
            return False
        before, ticket.priority = ticket.priority, priority
        timeline.note_event(actor, ticket, "priority", **{"from": before.name.lower(), "to": priority.name.lower()})
        return True

    return _change(actor, ids, "priority_set", change, recalculate=True, to=priority.name.lower())


def set_department(actor: Actor, ids: Iterable[int], department_id: int) -> list[Ticket]:
    """Move tickets to another department and recalculate their SLA targets. An assignee without access is removed.

    Raises:
        Invalid: there is no such department.
    """
    department = db.session.get(Department, department_id)
    if department is None or not department.active:
        raise Invalid(fields={"department": [lazy_gettext("Choose a department.")]})

    def change(ticket: Ticket) -> bool:
        if ticket.department_id == department.id:
            return False
        before, ticket.department = ticket.department, department
        db.session.flush()
        rooms.leave_hidden(ticket)
        timeline.note_event(actor, ticket, "department", **{"from": before.key, "to": department.key})
        if ticket.assignee is not None and not sees_department(ticket.assignee, department):
            ticket.assignee_id = None
        return True

    return _change(actor, ids, "department_set", change, recalculate=True, to=department.key)


def set_subject(actor: Actor, ticket_id: int, subject: str, pins: PinChoice = ASK) -> list[Ticket]:
    """Call a ticket something else.

    Args:
        pins: the answer about numbers that look like a PIN in the subject.

    Raises:
        Invalid: empty or too long.
        PinLike: the writer has to say first.
    """
    subject = mask_for_storage(one_line(subject), pins, field="subject").text
    if not 0 < len(subject) <= MAX_SUBJECT:
        raise Invalid(fields={"subject": [lazy_gettext("Enter a subject.")]})

    def change(ticket: Ticket) -> bool:
        if ticket.subject == subject:
            return False
        before, ticket.subject = ticket.subject, subject
        timeline.note_event(actor, ticket, "subject", **{"from": before, "to": subject})
        timeline.index(ticket)
        return True

    return _change(actor, [ticket_id], "renamed", change)


def set_language(actor: Actor, ticket_id: int, language: str) -> list[Ticket]:
    """Say in which language the requester is written to.

    Raises:
        Invalid: we do not write in that one.
    """
    if language not in LANGUAGES:
        raise Invalid(fields={"language": [lazy_gettext("Choose a language.")]})

    def change(ticket: Ticket) -> bool:
        if ticket.language == language:
            return False
        before, ticket.language = ticket.language, language
        timeline.note_event(actor, ticket, "language", **{"from": before, "to": language})
        return True

    return _change(actor, [ticket_id], "language_set", change, to=language)


def set_customer(
    actor: Actor, ticket_id: int, customer: Customer | None, service_id: int | None = None
) -> list[Ticket]:
    """Say which account a ticket is about. That opens nothing: only a verification does.

    Raises:
        Invalid: the account has no such service, or none that ``actor`` may know.
    """
    service = None if service_id is None else db.session.get(Service, service_id)
    no_such = Invalid(fields={"service": [lazy_gettext("This service is not on the account.")]})
    if service_id is not None and (customer is None or service is None or service.customer_id != customer.id):
        raise no_such

    def change(ticket: Ticket) -> bool:
        key = customer.id if customer else None
        # What an account has is opened by a verification: who guesses learns nothing.
        if service is not None and ticket.service_id != service.id and not may_know(actor, service):
            raise no_such
        if (ticket.customer_id, ticket.service_id) == (key, service_id):
            return False
        ticket.customer_id, ticket.service_id = key, service_id
        timeline.note_event(actor, ticket, "customer", number=customer.number if customer else None)
        timeline.index(ticket)
        return True

    return _change(actor, [ticket_id], "account_set", change, account=customer.number if customer else None)


def tag(actor: Actor, ids: Iterable[int], tags: Iterable[str]) -> list[Ticket]:
    """Put tags on tickets."""
    new_tags = set(clean_tags(tags))

    def change(ticket: Ticket) -> bool:
        added = sorted(new_tags - set(ticket.tags))
        if not added:
            return False
        ticket.tags = list(clean_tags([*ticket.tags, *added]))
        db.session.add_all(TicketTag(ticket_id=ticket.id, tag=name) for name in added)
        timeline.note_event(actor, ticket, "tagged", tag=", ".join(added))
        timeline.index(ticket)
        return True

    return _change(actor, ids, "tagged", change, personal={"tags": sorted(new_tags)})


def untag(actor: Actor, ids: Iterable[int], tags: Iterable[str]) -> list[Ticket]:
    """Take tags off tickets."""
    unwanted = set(clean_tags(tags))

    def change(ticket: Ticket) -> bool:
        gone = sorted(unwanted & set(ticket.tags))
        if not gone:
            return False
        ticket.tags = [name for name in ticket.tags if name not in unwanted]
        db.session.execute(delete(TicketTag).where(TicketTag.ticket_id == ticket.id, TicketTag.tag.in_(gone)))
        timeline.note_event(actor, ticket, "untagged", tag=", ".join(gone))
        timeline.index(ticket)
        return True

    return _change(actor, ids, "untagged", change, personal={"tags": sorted(unwanted)})


def watch(actor: Actor, ticket_id: int) -> None:
    """Follow a ticket that is not one's own."""
    actor.require(Permission.READ_TICKETS)
    (ticket,) = lock_tickets(actor, [ticket_id])
    if actor.kind != "staff" or actor.id is None:
        raise NotFound
    watch_as(ticket, actor.id)


def unwatch(actor: Actor, ticket_id: int) -> None:
    """Follow it no more."""
    actor.require(Permission.READ_TICKETS)
    (ticket,) = lock_tickets(actor, [ticket_id])
    db.session.execute(
        delete(TicketWatcher).where(TicketWatcher.ticket_id == ticket.id, TicketWatcher.staff_id == actor.id)
    )


REASON_LENGTH = 5
MAX_REASON = 500


def void_links(actor: Actor, ticket_id: int, reason: str) -> Ticket:
    """Revoke every link sent to the requester, as when their mailbox was taken over.

    Theirs to a ticket that was merged into this one, or that this one continues, lead here as well: they are void
    with it. So is the link that may wait for a verification.

    Raises:
        Invalid: the reason is missing.
    """
    reason = mask_pins(one_line(reason))[0]
    if visible_length(reason) < REASON_LENGTH or len(reason) > MAX_REASON:
        raise Invalid(fields={"reason": [lazy_gettext("Enter a reason.")]})

    def change(ticket: Ticket) -> bool:
        keys = _leading_to(ticket)
        db.session.execute(
            update(Ticket)
            .where(Ticket.id.in_(keys))
            .values(link_version=Ticket.link_version + 1)
            .execution_options(synchronize_session="fetch")
        )
        ticket_verification.end_open_card(ticket)
        timeline.note_event(actor, ticket, "links_voided", reason=reason, count=len(keys))
        return True

    (ticket,) = _change(actor, [ticket_id], "links_voided", change, personal={"reason": reason})
    return ticket


def _leading_to(ticket: Ticket) -> set[int]:
    """Return the tickets of this requester whose link opens, or leads to, what ``ticket`` says."""
    found, new = {ticket.id}, {ticket.id}
    while new:
        merged = select(Ticket.id).where(Ticket.merged_into_id.in_(new))
        continued = select(TicketLink.other_id).where(
            TicketLink.ticket_id.in_(new), TicketLink.kind == LinkKind.FOLLOW_UP
        )
        query = select(Ticket.id).where(
            Ticket.id.in_(merged.union(continued)), Ticket.requester_email == ticket.requester_email
        )
        new = set(db.session.scalars(query)) - found
        found |= new
    return found
