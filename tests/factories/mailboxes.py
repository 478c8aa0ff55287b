"""Mailboxes that no server has."""

from __future__ import annotations

from typing import Any

from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.transaction import transaction
from console.mail.mailboxes import service
from console.mail.mailboxes.models import Mailbox, UnreadMessage
from console.mail.mailboxes.service import MailboxData


def make_mailbox(name: str = "Podrška", address: str = "podrska@example.test") -> Mailbox:
    """Add a mailbox."""
    with transaction():
        data = MailboxData(
            name=name, address=address, host="imap.example.test", user="podrska", folder=name,
            password="tajna",
        )  # fmt: skip
        return service.add_mailbox(SYSTEM, data)


def make_unread(mailbox: Mailbox, uid: int) -> int:
    """Note a message of a mailbox that could not be fetched."""
    row = UnreadMessage(
        mailbox_id=mailbox.id, uid_validity=1, uid=uid, problem="cut", attempts=6, found_at=clock.now()
    )  # fmt: skip
    with transaction() as session:
        session.add(row)
        session.flush()
        return row.id


def mailbox_values() -> dict[str, Any]:
    """Return what the addresses of the page name, for the matrix of who finds what."""
    mailbox, deleted = make_mailbox(), make_mailbox("Prodaja")
    values = {
        "mailboxes.key": mailbox.id, "mailboxes.delete.key": deleted.id, "mailboxes.retry.key": make_unread(mailbox, 1),
        "mailboxes.dismiss.key": make_unread(mailbox, 2),
    }  # fmt: skip
    db.session.rollback()
    return values
