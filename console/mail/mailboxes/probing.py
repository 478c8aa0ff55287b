"""Trying a mailbox as it is set, before it is read: what the test button says."""

from __future__ import annotations

from dataclasses import dataclass

from console.mail.mailboxes import checks
from console.mail.mailboxes.access import Access, OAuth2, open_account
from console.mail.mailboxes.client import Connection
from console.mail.mailboxes.models import ImapAccount, SignIn
from console.mail.mailboxes.service import MailboxData


@dataclass(frozen=True)
class Found:
    """What a test found.

    Args:
        messages: in the folder.
        tells: whether the server tells at once what comes in (IDLE).
    """

    server: str
    user: str
    folder: str
    messages: int
    tells: bool


def probe(access: Access) -> Found:
    """Connect, sign in and open the folder. Call it outside of any transaction.

    Raises:
        ImapFailed: that did not go.
    """
    connection = Connection(access)
    try:
        return Found(
            access.server, access.user, access.folder, connection.opened.messages, connection.can_idle
        )  # fmt: skip
    finally:
        connection.close()


def access_of_form(data: MailboxData, known: ImapAccount | None) -> Access:
    """Return the access that a form describes; a secret that is not typed is the one there is.

    Raises:
        Invalid: see :func:`checks.check`.
        ImapFailed: no listed key opens a secret.
    """
    data = checks.check(data, known=known)
    before = None if known is None else open_account(known)
    had = before.oauth2 if before is not None else None
    oauth2 = None
    if data.sign_in is SignIn.OAUTH2:
        oauth2 = OAuth2(
            data.token_url, data.client_id, data.client_secret or (had.client_secret if had else ""),
            data.refresh_token or (had.refresh_token if had else ""), None if known is None else known.mailbox_id,
        )  # fmt: skip
    password = data.password or (before.password if before is not None else "")
    return Access(data.host, data.port, data.tls, data.user, data.folder, password, oauth2)
