"""What is needed to read a mailbox, opened: from its row, or from the settings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from console.core.context import sealer, settings
from console.core.imap_url import ImapServer
from console.core.seal import InvalidToken
from console.mail.mailboxes.models import DEFAULT, ImapAccount, ImapTls, Mailbox, SignIn

_MISCONFIGURED = ("sign_in", "token", "certificate", "folder", "taken", "sealed", "no_starttls", "not_found")


class ImapFailed(Exception):
    """A mailbox cannot be read now.

    Args:
        problem: its key, see ``console.mail.mailboxes.labels``.
        detail: what the server said, or what happened, for those who have to put it right.
    """

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(problem, detail)
        self.problem, self.detail = problem, detail

    @property
    def misconfigured(self) -> bool:
        """Whether it will go on so until a setting is changed; servers lock out who tries that too often."""
        return self.problem in _MISCONFIGURED


@dataclass(frozen=True)
class OAuth2:
    """How an access token is got (RFC 6749, 6). ``mailbox_id``: where a new refresh token is stored."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    mailbox_id: int | None = None


@dataclass(frozen=True)
class Access:
    """A folder on a server, and how to sign in there: with a password, or by OAuth 2."""

    host: str
    port: int
    tls: ImapTls
    user: str
    folder: str
    password: str = field(default="", repr=False)
    oauth2: OAuth2 | None = None

    @property
    def server(self) -> str:
        """Return the server as people name it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def place(self) -> str:
        """Return what is the same as long as UIDs mean the same messages."""
        text = "\0".join((self.host, str(self.port), self.user, self.folder))
        return hashlib.sha256(text.encode()).hexdigest()


def access_of(mailbox: Mailbox) -> Access | None:
    """Return how a mailbox is read; ``None`` for one that is not read by IMAP.

    Raises:
        ImapFailed: no listed key opens its secrets.
    """
    if mailbox.account is not None:
        return open_account(mailbox.account)
    server = settings().imap if mailbox.key == DEFAULT else None
    return None if server is None else _of_settings(server)


def open_account(account: ImapAccount) -> Access:
    """Return an account's access.

    Raises:
        ImapFailed: no listed key opens its secrets.
    """
    oauth2 = None
    if account.sign_in is SignIn.OAUTH2:
        oauth2 = OAuth2(
            account.token_url, account.client_id, _opened(account.sealed_client_secret),
            _opened(account.sealed_refresh_token), account.mailbox_id,
        )  # fmt: skip
    return Access(
        account.host, account.port, account.tls, account.user, account.folder, _opened(account.sealed_password), oauth2
    )


def _of_settings(server: ImapServer) -> Access:
    return Access(
        server.host, server.port, ImapTls(server.tls.value), server.user, server.folder, server.password
    )  # fmt: skip


def _opened(sealed: str | None) -> str:
    if sealed is None:
        return ""
    try:
        return sealer().open(sealed).decode()
    except InvalidToken as error:
        raise ImapFailed("sealed") from error
