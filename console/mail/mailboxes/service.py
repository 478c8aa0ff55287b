"""Adding, changing and deleting mailboxes. Who may: administrators."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from console.audit.service import record
from console.core import clock, edit_conflicts
from console.core.actor import Actor
from console.core.context import sealer
from console.core.db import db
from console.core.errors import NotFound
from console.core.ids import new_token
from console.mail.mailboxes import checks
from console.mail.mailboxes.models import (
    DEFAULT,
    FRESH,
    ImapAccount,
    ImapState,
    ImapTls,
    Mailbox,
    SignIn,
    UnreadMessage,
)

# Which role may: ``console.staff.roles``, which lies above.
MANAGE = "settings.manage"
_MAILBOX = ("name", "address", "department_id", "language", "signature", "active")
_ACCOUNT = ("host", "port", "user", "folder", "tls", "sign_in", "token_url", "client_id")
_SECRETS = {
    "password": "sealed_password", "client_secret": "sealed_client_secret", "refresh_token": "sealed_refresh_token",
}  # fmt: skip


@dataclass(frozen=True)
class MailboxData:
    """A mailbox as its form has it. An empty secret keeps the one there is.

    Args:
        address: what its answers come from.
        signature: under what agents write in answer to its mail.
        leave_older: leave what is in the folder already. Only of a new one.
    """

    name: str
    address: str
    host: str
    user: str
    port: int = 993
    tls: ImapTls = ImapTls.WHOLE
    folder: str = "INBOX"
    sign_in: SignIn = SignIn.PASSWORD
    password: str = field(default="", repr=False)
    token_url: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    department_id: int | None = None
    language: str = ""
    signature: str = ""
    active: bool = True
    leave_older: bool = True


def add_mailbox(actor: Actor, data: MailboxData) -> Mailbox:
    """Add a mailbox; the worker reads it from now on.

    Raises:
        NotFound: ``actor`` may not.
        Invalid: see :func:`checks.check`; or a secret is missing, or another mailbox has the same folder.
    """
    actor.require(MANAGE)
    data = checks.check(data, known=None)
    now = clock.now()
    mailbox = Mailbox(key=new_token()[:20], created_at=now, **{name: getattr(data, name) for name in _MAILBOX})
    mailbox.account = ImapAccount(**{name: getattr(data, name) for name in _ACCOUNT})
    _seal(mailbox.account, data)
    db.session.add(mailbox)
    db.session.flush()
    db.session.add(_fresh_state(mailbox, now if data.leave_older else None))
    db.session.flush()
    record(actor, "mailbox.added", mailbox.name, host=data.host, folder=data.folder)
    return mailbox


def change_mailbox(actor: Actor, mailbox_id: int, data: MailboxData, *, seen: str | None = None) -> Mailbox:
    """Change a mailbox. Where its messages are elsewhere now, reading begins again; none comes in twice.

    Args:
        seen: the :func:`mark` of what was looked at.

    Raises:
        NotFound: no such mailbox, or one of the settings, or ``actor`` may not.
        Invalid: see :func:`add_mailbox`.
        Conflict: a colleague has changed it meanwhile.
    """
    actor.require(MANAGE)
    mailbox = _lock(mailbox_id)
    account = mailbox.account
    if account is None:
        raise NotFound
    edit_conflicts.check(seen, _facts(mailbox))
    data = checks.check(data, known=account)
    changed = sorted(
        [name for name in _MAILBOX if getattr(mailbox, name) != getattr(data, name)]
        + [name for name in _ACCOUNT if getattr(account, name) != getattr(data, name)]
        + [name for name in _SECRETS if getattr(data, name)]
    )
    for name in _MAILBOX:
        setattr(mailbox, name, getattr(data, name))
    for name in _ACCOUNT:
        setattr(account, name, getattr(data, name))
    _seal(account, data)
    if changed:
        _try_soon(mailbox)
        record(actor, "mailbox.changed", mailbox.name, fields=changed)
    db.session.flush()
    return mailbox


def switch_mailbox(actor: Actor, mailbox_id: int, *, active: bool) -> Mailbox:
    """Let the worker read a mailbox, or not. What came meanwhile is read afterwards.

    Raises:
        NotFound: no such mailbox, or ``actor`` may not.
    """
    actor.require(MANAGE)
    mailbox = _lock(mailbox_id)
    if mailbox.active is not active:
        mailbox.active = active
        _try_soon(mailbox)
        record(actor, "mailbox.switched", mailbox.name or mailbox.from_address, active=active)
        db.session.flush()
    return mailbox


def delete_mailbox(actor: Actor, mailbox_id: int) -> str:
    """Delete a mailbox with its secrets, and return its name. Its tickets stay; nothing on the server is touched.

    Raises:
        NotFound: no such mailbox, or one of the settings, or ``actor`` may not.
    """
    actor.require(MANAGE)
    mailbox = _lock(mailbox_id)
    if mailbox.key == DEFAULT:
        raise NotFound
    db.session.execute(delete(UnreadMessage).where(UnreadMessage.mailbox_id == mailbox.id))
    db.session.execute(delete(ImapState).where(ImapState.mailbox_id == mailbox.id))
    mailbox.account = None
    mailbox.active, mailbox.deleted_at = False, clock.now()
    record(actor, "mailbox.deleted", mailbox.name)
    db.session.flush()
    return mailbox.name


def retry_message(actor: Actor, unread_id: int) -> UnreadMessage:
    """Try again to fetch a message that was given up.

    Raises:
        NotFound: no such message, or ``actor`` may not.
    """
    actor.require(MANAGE)
    row = _lock_unread(unread_id)
    row.attempts, row.next_try_at = 0, clock.now()
    record(actor, "mailbox.message_retried", f"UID {row.uid}", mailbox=row.mailbox_id)
    return row


def dismiss_message(actor: Actor, unread_id: int) -> None:
    """Take a message that cannot be fetched off the list; it stays on the server.

    Raises:
        NotFound: no such message, or ``actor`` may not.
    """
    actor.require(MANAGE)
    row = _lock_unread(unread_id)
    record(actor, "mailbox.message_dismissed", f"UID {row.uid}", mailbox=row.mailbox_id)
    db.session.delete(row)
    db.session.flush()


def mark(mailbox: Mailbox) -> str:
    """Return the mark of a mailbox as it is now."""
    return edit_conflicts.mark(_facts(mailbox))


def _facts(mailbox: Mailbox) -> dict[str, Any]:
    facts = {name: getattr(mailbox, name) for name in _MAILBOX}
    return facts | {name: getattr(mailbox.account, name, None) for name in _ACCOUNT}


def _lock(mailbox_id: int) -> Mailbox:
    query = select(Mailbox).where(Mailbox.id == mailbox_id, Mailbox.deleted_at.is_(None))
    query = query.options(joinedload(Mailbox.account)).with_for_update(of=Mailbox)
    mailbox = db.session.scalar(query.execution_options(populate_existing=True))
    if mailbox is None:
        raise NotFound
    return mailbox


def _lock_unread(unread_id: int) -> UnreadMessage:
    row = db.session.get(UnreadMessage, unread_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


def _seal(account: ImapAccount, data: MailboxData) -> None:
    """Seal the secrets that were typed, and drop those of the other way to sign in."""
    for name, column in _SECRETS.items():
        if getattr(data, name):
            setattr(account, column, sealer().seal(getattr(data, name).encode()))
    if account.sign_in is SignIn.PASSWORD:
        account.sealed_client_secret = account.sealed_refresh_token = None
    else:
        account.sealed_password = None


def _fresh_state(mailbox: Mailbox, since: datetime | None) -> ImapState:
    return ImapState(mailbox_id=mailbox.id, since=since, **FRESH)


def _try_soon(mailbox: Mailbox) -> None:
    """Let the worker look at once, without what was wrong before."""
    state = db.session.get(ImapState, mailbox.id, with_for_update=True, populate_existing=True)
    if state is None:
        return
    state.failures, state.next_try_at = 0, None
    state.lease = state.leased_until = None  # who reads it now notices, and begins with what is set now
