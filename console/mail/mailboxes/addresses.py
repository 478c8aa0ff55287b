"""Which addresses are ours besides ``CONSOLE_MAIL_FROM``: those of the mailboxes."""

from __future__ import annotations

from sqlalchemy import select

from console.core.db import db
from console.core.emails import is_ours
from console.mail.mailboxes.models import Mailbox


def is_our_address(email: str) -> bool:
    """Return whether mail to ``email`` comes to us, with or without something after a ``+``."""
    if is_ours(email):
        return True
    local, _at, domain = email.lower().rpartition("@")
    base = f"{local.partition('+')[0]}@{domain}"
    query = select(Mailbox.id).where(Mailbox.address.in_((base, email.lower())), Mailbox.deleted_at.is_(None))
    return bool(local) and db.session.scalar(query.limit(1)) is not None
