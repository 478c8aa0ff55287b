"""Queries of received mail: who may see which message, the next one that waits, the messages of a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.orm import joinedload

from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.mail.mailboxes.models import Mailbox
from console.mail.receiving.models import IncomingMail, IncomingState
from console.staff.department_access import in_visible_department
from console.staff.roles import Permission
from console.tickets.models import Ticket
from console.tickets.queries import visible


def visible_mail(actor: Actor) -> ColumnElement[bool]:
    """Return the condition "this message is for ``actor`` to see".

    One in a ticket: for those who see the ticket. Any other: for those who see the department of its mailbox.
    """
    actor.require(Permission.READ_TICKETS)
    seen = visible(actor)
    if seen.compare(true()):
        return seen
    tickets = select(Ticket.id).where(Ticket.id == IncomingMail.ticket_id, seen).exists()
    boxes = select(Mailbox.id).where(
        Mailbox.id == IncomingMail.mailbox_id,
        or_(Mailbox.department_id.is_(None), in_visible_department(actor, Mailbox.department_id)),
    )
    return or_(tickets, IncomingMail.ticket_id.is_(None) & boxes.exists())


def find_incoming(actor: Actor, key: int) -> IncomingMail:
    """Return a message with its mailbox.

    Raises:
        NotFound: no such message, or not for this reader.
    """
    query = select(IncomingMail).where(IncomingMail.id == key, visible_mail(actor))
    row = db.session.scalar(query.options(joinedload(IncomingMail.mailbox, innerjoin=True)))
    if row is None:
        raise NotFound
    return row


def waiting(actor: Actor) -> Select[Any]:
    """Select the messages that wait for a decision."""
    return select(IncomingMail).where(IncomingMail.state == IncomingState.WAITING, visible_mail(actor))


def next_waiting(actor: Actor, after: int) -> int | None:
    """Return the next message that waits, older ones first; after the last the first again."""
    keys = waiting(actor).with_only_columns(IncomingMail.id).order_by(IncomingMail.id)
    later = db.session.scalar(keys.where(IncomingMail.id > after).limit(1))
    return later if later is not None else db.session.scalar(keys.where(IncomingMail.id != after).limit(1))


@lru_cache(maxsize=256)  # it is on every page
def count_waiting(actor: Actor, limit: int) -> Select[int]:
    """Select how many wait, counted no further than ``limit``."""
    keys = waiting(actor).with_only_columns(IncomingMail.id).limit(limit).subquery()
    return select(func.count()).select_from(keys)


def bounces_of(mail_id: int) -> Sequence[IncomingMail]:
    """Return the delivery reports about a mail of ours."""
    query = select(IncomingMail).where(IncomingMail.bounced_id == mail_id)
    return db.session.scalars(query.order_by(IncomingMail.id).limit(20)).all()
