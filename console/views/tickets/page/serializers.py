"""A ticket's page as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from console.core import clock
from console.core.context import settings
from console.tickets.models import Ticket, TicketAttachment, TicketDraft, TicketMessage
from console.tickets.page_queries import Entry
from console.views.shared.labels.messages import file_size
from console.web.answers import local_time
from console.web.filters import hour, moment


def ticket_json(ticket: Ticket) -> dict[str, Any]:
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "status": ticket.status.value,
        "priority": ticket.priority.name.lower(),
        "department": ticket.department.key,
        "assignee": ticket.assignee.name if ticket.assignee else None,
        "requester": {"name": ticket.requester_name, "email": ticket.requester_email},
        "customer": ticket.customer.number if ticket.customer else None,
        "tags": ticket.tags,
        "seq": ticket.last_seq,
    }


def message_json(entry: Entry) -> dict[str, Any]:
    message = entry.message
    return {
        "id": message.id,
        "seq": message.seq,
        "kind": message.kind.value,
        "name": message.name,
        "body": message.body,
        "event": message.event,
        "at": local_time(message.created_at),
        "taken_back": message.taken_back_at is not None,
        "mail": None if entry.mail is None else entry.mail.state.value,
        "files": [file_json(file) for file in entry.files],
    }


def sent_json(message: TicketMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "seq": message.seq,
        "kind": message.kind.value,
        "held_until": local_time(message.held_until),
    }


def file_json(file: TicketAttachment) -> dict[str, Any]:
    return {"id": file.id, "name": file.name, "size": file.size, "words": file_size(file.size)}


def _saved_at(instant: datetime) -> str:
    """Write when something was saved: the hour, of another day the day as well."""
    zone = settings().zone
    today = clock.local_date(clock.now(), zone) == clock.local_date(instant, zone)
    return hour(instant) if today else moment(instant)


def draft_json(draft: TicketDraft) -> dict[str, Any]:
    return {
        "kind": draft.kind.value,
        "body": draft.body,
        "based_on": draft.based_on,
        "saved_at": local_time(draft.updated_at),
        "saved": _saved_at(draft.updated_at),
    }
