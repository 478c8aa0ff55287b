"""E-mail addresses: the one check of whether mail can be sent to one, and the one spelling it is stored in.

Nothing is looked up: a name server's silence must not refuse a customer. What is stored is ASCII in lower case, a
domain of other letters in Punycode (``pošta.rs`` is ``xn--pota-h6a.rs``), so that one address has one spelling and no
letter looks like another. Letters before the ``@`` that are not ASCII need SMTPUTF8, which few servers take; we
send to none.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from console.core.context import settings
from console.core.errors import Text
from console.core.text import without_unseen
from console.core.texts import lazy_gettext

if TYPE_CHECKING:
    from email_validator import ValidatedEmail

MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3
_SENT_TO = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+")


class NoAddress(ValueError):
    """No mail can be sent there. Says why, in the library's English."""


class OwnAddress(NoAddress):
    """It is one of ours: what is sent there comes back to us."""


def normal_email(text: str) -> str:
    """Return the one spelling that an address is stored and looked up by. What is no address stays none."""
    # Nothing else is left out: an address with a control character in it is none, not another one.
    whole = text[: 4 * MAX_EMAIL].encode(errors="backslashreplace").decode()
    email = without_unseen(unicodedata.normalize("NFC", whole)).lower()
    if email.isascii():
        return email
    try:
        checked = _validated(email, smtputf8=True)
    except NoAddress:
        return email
    return f"{checked.local_part}@{checked.ascii_domain}".lower()


def read_email(text: str) -> str:
    """Return an address that mail can be sent to, in its one spelling.

    Raises:
        NoAddress: it is none, or one that we cannot send to.
        OwnAddress: it is ours.
    """
    email = sendable(normal_email(text))
    if is_ours(email):
        raise OwnAddress(email)
    return email


def email_problem(error: NoAddress) -> Text:
    """Return what a form says of it."""
    if isinstance(error, OwnAddress):
        return lazy_gettext("This is our own address. Enter a different one.")
    return lazy_gettext("Enter a valid e-mail address.")


def sendable(email: str) -> str:
    """Return an address as a mail's envelope has it.

    Raises:
        NoAddress: it is none, or needs what not every server has.
    """
    address = _validated(email).ascii_email or ""
    # What begins like an encoded word would be decoded by readers that are too kind, into something else.
    if not _SENT_TO.fullmatch(address) or "=?" in address:
        raise NoAddress("there are signs in it that mail servers do not take")
    return address


def is_ours(email: str) -> bool:
    """Return whether ``email`` is the address we send from, with or without something after a ``+``."""
    local, _at, domain = email.lower().rpartition("@")
    ours, _at, our_domain = settings().mail_from.lower().rpartition("@")
    return domain == our_domain and local.partition("+")[0] == ours.partition("+")[0]


def masked_email(email: str) -> str:
    """Return an address without whose it is, as the audit log may have it: ``a•••@example.com``."""
    local, _at, domain = email.rpartition("@")
    return f"{local[:1] if len(local) > 1 else ''}•••@{domain}"


def _validated(email: str, *, smtputf8: bool = False) -> ValidatedEmail:
    from email_validator import EmailNotValidError, validate_email  # its patterns cost a start what one address can pay

    try:
        # Names under .test, reserved for examples, count: mail goes to a demo's own server all the same.
        return validate_email(
            email, check_deliverability=False, allow_smtputf8=smtputf8, test_environment=True, strict=True
        )
    except EmailNotValidError as error:
        raise NoAddress(str(error)) from error
