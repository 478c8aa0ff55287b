"""Mailboxes in words: what is wrong with one, and how it is read."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import lazy_gettext
from console.mail.mailboxes.models import ImapTls, SignIn

PROBLEM: dict[str, Text] = {
    "cut": lazy_gettext("The connection to the server was lost."),
    "refused": lazy_gettext("The server refuses connections. Check its name and port."),
    "timeout": lazy_gettext("The server does not answer. Check its name and port."),
    "not_found": lazy_gettext("There is no server with this name."),
    "certificate": lazy_gettext("The server’s certificate is not trusted."),
    "tls": lazy_gettext("No encrypted connection could be made. Check the port and the encryption."),
    "no_starttls": lazy_gettext("The server does not offer STARTTLS. Choose TLS."),
    "sign_in": lazy_gettext("The server refuses the user name or the password."),
    "token": lazy_gettext("The refresh token is not accepted. Get a new one from the provider and enter it here."),
    "token_server": lazy_gettext("The server that issues access tokens does not answer as it should."),
    "unavailable": lazy_gettext("The server does not accept sign-ins at the moment."),
    "folder": lazy_gettext("The folder does not exist, or this user may not read it."),
    "taken": lazy_gettext("A mailbox on this page already reads this folder. Delete it, or unset CONSOLE_IMAP_URL."),
    "protocol": lazy_gettext("The server’s answer could not be understood."),
    "sealed": lazy_gettext("Its password cannot be decrypted: a key is missing in CONSOLE_SEAL_KEYS. Enter it again."),
    "storage": lazy_gettext("The messages could not be stored: the database or the disk was not available."),
    "fault": lazy_gettext("Unexpected error. See the server log for details."),
}
UNREAD: dict[str, Text] = {
    "too_large": lazy_gettext("Larger than 50 MB: a ticket has its beginning."),
    "refused": lazy_gettext("The server does not deliver it."),
}
_UNREAD_ELSE = lazy_gettext("The connection breaks each time it is fetched.")
TLS: dict[ImapTls, Text] = {
    ImapTls.WHOLE: lazy_gettext("TLS (usually port 993)"),
    ImapTls.STARTTLS: lazy_gettext("STARTTLS (usually port 143)"),
    ImapTls.NONE: lazy_gettext("None: only for a server on this machine"),
}
SIGN_IN: dict[SignIn, Text] = {
    SignIn.PASSWORD: lazy_gettext("Password"),
    SignIn.OAUTH2: lazy_gettext("OAuth 2 (Gmail, Microsoft 365)"),
}


def problem(key: str) -> str:
    """Return what is wrong, in a sentence."""
    return str(PROBLEM.get(key, PROBLEM["fault"]))


def unread(key: str) -> str:
    """Return why a message could not be fetched."""
    return str(UNREAD.get(key, _UNREAD_ELSE))
