"""Reading mailboxes for the page: each with its account and how reading it does; what of them cannot be fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from console.core.context import settings
from console.core.db import db
from console.core.errors import NotFound
from console.mail.mailboxes.models import DEFAULT, ImapAccount, ImapState, Mailbox, UnreadMessage

MOST_UNREAD = 200


@dataclass(frozen=True)
class MailboxRow:
    """A mailbox as the page shows it.

    Args:
        account: ``None`` for the one of the settings.
        state: ``None`` where no worker has looked at it yet.
    """

    mailbox: Mailbox
    account: ImapAccount | None
    state: ImapState | None

    @property
    def of_settings(self) -> bool:
        return self.mailbox.key == DEFAULT


@dataclass(frozen=True)
class UnreadRow:
    """A message that could not be fetched, and what is known of it."""

    message: UnreadMessage
    mailbox: Mailbox


def list_mailboxes() -> list[MailboxRow]:
    """Return the mailboxes that are read, that of the settings first, then by name."""
    query = (
        select(Mailbox, ImapAccount, ImapState)
        .outerjoin(ImapAccount, ImapAccount.mailbox_id == Mailbox.id)
        .outerjoin(ImapState, ImapState.mailbox_id == Mailbox.id)
        .where(Mailbox.deleted_at.is_(None))
        .order_by(Mailbox.name, Mailbox.id)
    )
    if settings().imap is None:
        query = query.where(Mailbox.key != DEFAULT)
    rows = [MailboxRow(*row) for row in db.session.execute(query)]
    return [row for row in rows if row.account is not None or row.of_settings]


def find_mailbox(key: int) -> Mailbox:
    """Return a mailbox that can be changed, with its account.

    Raises:
        NotFound: there is no such, or it is that of the settings.
    """
    query = select(Mailbox).where(Mailbox.id == key, Mailbox.deleted_at.is_(None), Mailbox.key != DEFAULT)
    mailbox = db.session.scalar(query.options(joinedload(Mailbox.account)))
    if mailbox is None or mailbox.account is None:
        raise NotFound
    return mailbox


def list_unread() -> Sequence[UnreadRow]:
    """Return the messages that could not be fetched, newest first; not those that are only tried one by one."""
    query = (
        select(UnreadMessage, Mailbox)
        .join(Mailbox, Mailbox.id == UnreadMessage.mailbox_id)
        .join(ImapState, ImapState.mailbox_id == UnreadMessage.mailbox_id)
        .where(or_(UnreadMessage.uid <= ImapState.last_uid, UnreadMessage.incoming_id.is_not(None)))
        .order_by(UnreadMessage.id.desc())
        .limit(MOST_UNREAD)
    )
    return [UnreadRow(*row) for row in db.session.execute(query)]
