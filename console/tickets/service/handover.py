"""What a handover does to the tickets of an account: what still runs is the new owner's to answer.

Who is no longer on the account gets nothing further about it. Their links are void, replies that are still held go to
the new owner, and what they write later under a closed ticket is a question of their own. Closed tickets keep their
requester, as documents keep their buyer.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.customers.account.hooks import HandedOver, register_handed_over
from console.customers.owners import person_called
from console.mail.service import cancel
from console.tickets import mails
from console.tickets.models import MessageKind, Ticket, TicketMessage, TicketStatus
from console.tickets.queries import tree
from console.tickets.service import timeline
from console.tickets.service.messages import COPIES
from console.tickets.service.threads import former_people, root_of

EVENT = "handed_over"


def pass_on(actor: Actor, event: HandedOver) -> None:
    """Void the links of those who left an account with its handover, and make the new owner the requester instead."""
    customer = event.customer
    _void_links(actor, event)
    passed = [ticket for key in _running(customer.id) for ticket in _theirs(key, customer.id)]
    for ticket in passed:
        data = {"from": ticket.requester_name, "person": person_called(ticket.requester_email)}
        ticket.requester_email, ticket.requester_name = event.new.email, event.new.name
        ticket.language = event.new.language or ticket.language
        timeline.note_event(actor, ticket, EVENT, to=event.new.name, **data)
    for ticket in passed:
        send_held_again(ticket)
        timeline.index(root_of(ticket))
        timeline.index(ticket)
    if passed:
        record(actor, "ticket.handed_over", customer.number, customer_id=customer.id, count=len(passed))


def _void_links(actor: Actor, event: HandedOver) -> None:
    theirs = Ticket.customer_id == event.customer.id, Ticket.requester_email.in_(former_people(event.customer.id))
    voided = db.session.execute(
        update(Ticket)
        .where(*theirs)
        .values(link_version=Ticket.link_version + 1)
        .returning(Ticket.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    if voided:
        number = event.customer.number
        record(actor, "ticket.links_voided", number, customer_id=event.customer.id, count=len(voided))


def _running(customer_id: int) -> Sequence[int]:
    """Return the tickets of an account in which something can still be said: what was merged into one goes with it."""
    running = Ticket.merged_into_id.is_(None), Ticket.status != TicketStatus.CLOSED
    return db.session.scalars(select(Ticket.id).where(Ticket.customer_id == customer_id, *running)).all()


def _theirs(root: int, customer_id: int) -> Sequence[Ticket]:
    """Return a ticket and those merged into it, locked, as far as someone asked who is no longer on the account."""
    query = select(Ticket).where(Ticket.id.in_(tree(root)), Ticket.requester_email.in_(former_people(customer_id)))
    return db.session.scalars(query.order_by(Ticket.id).with_for_update(of=Ticket)).all()


def send_held_again(ticket: Ticket) -> None:
    """Send a reply that has not left yet to the requester of now: the mail to the one before is cancelled."""
    above = root_of(ticket)
    held = select(TicketMessage).where(
        TicketMessage.ticket_id.in_(tree(above.id)),
        TicketMessage.kind == MessageKind.REPLY,
        TicketMessage.held_until > clock.now(),
        TicketMessage.taken_back_at.is_(None),
    )
    for message in db.session.scalars(held).all():
        if message.ticket_id == ticket.id and message.mail_id is not None and cancel(message.mail_id):
            message.mail_id = mails.reply(ticket, message, send_after=message.held_until).id
        copies = dict(message.data.get(COPIES, ()))
        if ticket.id in copies and cancel(copies[ticket.id]):
            copies[ticket.id] = mails.reply(above, message, to=ticket, send_after=message.held_until).id
            message.data = {**message.data, COPIES: list(copies.items())}
    db.session.flush()


register_handed_over("tickets", pass_on)
