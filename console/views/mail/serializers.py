"""Mails as JSON."""

from __future__ import annotations

from typing import Any

from console.mail import reading
from console.mail.models import Mail
from console.mail.queries import Stage, stage_of
from console.views.shared.labels import mail as mail_labels
from console.web.answers import local_time


def mail_json(row: Mail, *, opened: bool) -> dict[str, Any]:
    """Return a mail and its delivery, for programs."""
    ticket = mail_labels.ticket_id(row)
    kind, _, ref = (row.subject_ref or "").partition(":")
    return {
        "id": row.id,
        "state": stage_of(row).value,
        "template": row.template,
        "subject": row.subject if opened else None,
        "to": row.to_address,
        "customer": None if row.customer_id is None else mail_labels.customer_number(row.customer_id),
        "ticket": None if ticket is None else mail_labels.ticket_number(ticket),
        "migration": ref if kind == "migration" else None,
        "attempts": row.attempts,
        "error": row.last_error or None,
        "created_at": local_time(row.created_at),
        "sent_at": local_time(row.sent_at),
        "failed_at": local_time(row.failed_at),
        "next_try_at": local_time(row.send_after) if stage_of(row) is Stage.RETRY else None,
    }


def mail_with_content_json(mail: Mail, content: reading.Content | None) -> dict[str, Any]:
    answer = mail_json(mail, opened=content is not None) | {
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "copy_of": mail.copy_of_id,
        "private": mail.private,
    }
    if content is not None:
        names = ("name", "type", "size")
        answer |= {"text": content.text, "links_taken_out": content.taken}
        answer["attachments"] = [{name: one.get(name) for name in names} for one in mail.attachments]
    return answer
