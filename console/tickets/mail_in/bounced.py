"""A delivery report at the mail it is about, on its ticket too; no more automatic mail where there is no address."""

from __future__ import annotations

from sqlalchemy import select

from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.mail.models import Mail
from console.mail.receiving import stops
from console.mail.receiving.bounces import Bounce, read_bounce
from console.mail.receiving.message import ReadMail
from console.mail.receiving.models import ARRIVED, DELAYED, IncomingMail
from console.tickets.models import Ticket, TicketStatus
from console.tickets.service import timeline
from console.tickets.service.properties import move_status
from console.tickets.service.threads import lock_root
from console.tickets.sla import service as sla_targets


def note(row: IncomingMail, mail: ReadMail) -> str:
    """Note a delivery report where it belongs, and return what it says: the reason why its row needs no action.

    Only a report that names a Message-ID of ours, and the address that this mail went to, stops anything.
    """
    bounce = read_bounce(mail)
    sent = _mail_of(bounce)
    row.add_step("bounce", status=bounce.status, hard=bounce.hard, delayed=bounce.delayed, said=bounce.diagnostic)
    if sent is None:
        row.add_step("bounce_unknown")
        return "bounce"
    row.bounced_id = sent.id
    if not (bounce.failed or bounce.delayed):
        row.add_step("arrived", address=sent.to_address)
        return ARRIVED
    hard = bounce.hard and sent.to_address in bounce.recipients
    row.add_step("bounced", mail=sent.id, address=sent.to_address)
    if hard:
        stops.stop(sent.to_address, status=bounce.status, diagnostic=bounce.diagnostic, incoming_id=row.id)
        row.add_step("stopped", address=sent.to_address)
    _note_on_ticket(row, sent, bounce, hard=hard)
    return DELAYED if bounce.delayed else "bounce"


def _mail_of(bounce: Bounce) -> Mail | None:
    ids = list(bounce.message_ids[:20])
    return db.session.scalar(select(Mail).where(Mail.message_id.in_(ids)).limit(1)) if ids else None


def _note_on_ticket(row: IncomingMail, sent: Mail, bounce: Bounce, *, hard: bool) -> None:
    """Add it to the timeline; a reply that was not delivered reopens the ticket."""
    kind, _, key = (sent.subject_ref or "").partition(":")
    found = db.session.get(Ticket, int(key)) if kind == "ticket" and key.isdigit() else None
    if found is None:
        return
    ticket = lock_root(found)
    event = "mail_delayed" if bounce.delayed else "mail_bounced"
    timeline.note_event(
        SYSTEM, ticket, event, address=sent.to_address, status=bounce.status, mail=sent.id, incoming=row.id
    )
    row.ticket_id = ticket.id
    if hard and sent.template == "ticket_reply" and ticket.status is TicketStatus.WAITING:
        move_status(SYSTEM, ticket, TicketStatus.OPEN)
        sla_targets.recalculate(ticket, clock.now())
