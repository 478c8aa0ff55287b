"""Mentions of colleagues in notes: ``@jelena.markovic``, or ``@jelena`` where the first name is unique."""

from __future__ import annotations

import re
from collections import defaultdict

from sqlalchemy import select

from console.core.actor import Actor
from console.core.db import db
from console.core.text import fold
from console.core.upsert import insert_or_find
from console.staff.models import Staff
from console.tickets.models import Ticket, TicketMessage, TicketRead, TicketWatcher
from console.tickets.service.opening import works_on_tickets

_HANDLE = re.compile(r"(?<![\w@.])@([\w.]+)")


def handle(name: str) -> str:
    """Return what a colleague is named by: ``jelena.markovic``."""
    return ".".join(fold(name).split())


def notify(actor: Actor, ticket: Ticket, message: TicketMessage) -> list[int]:
    """Mark the ticket for those whom the note names, and let them watch it. Returns their keys."""
    handles = {fold(found).strip(".") for found in _HANDLE.findall(message.body)}
    if not handles:
        return []
    by_handle: dict[str, list[int]] = defaultdict(list)
    for staff in db.session.scalars(select(Staff).where(Staff.active.is_(True))):
        if works_on_tickets(staff):
            full = handle(staff.name)
            for name in {full, full.partition(".")[0]}:
                by_handle[name].append(staff.id)
    named = sorted({ids[0] for name in handles if len(ids := by_handle.get(name, [])) == 1} - {actor.id})
    for staff_id in named:
        watch_as(ticket, staff_id)
        mark_for(ticket, message, staff_id)
    return named


def mark_for(ticket: Ticket, message: TicketMessage, staff_id: int) -> None:
    """Mark the ticket for a colleague whom an entry concerns."""
    unread = {"ticket_id": ticket.id, "staff_id": staff_id, "seq": 0, "mention_seq": 0}
    read, _fresh = insert_or_find(TicketRead, unread, TicketRead.ticket_id, TicketRead.staff_id)
    read.mention_seq = message.seq
    db.session.flush()


def watch_as(ticket: Ticket, staff_id: int) -> bool:
    """Add a watcher to the ticket; return whether they are new."""
    row = {"ticket_id": ticket.id, "staff_id": staff_id}
    return insert_or_find(TicketWatcher, row, TicketWatcher.ticket_id, TicketWatcher.staff_id)[1]
