"""The signed address that answers to a ticket's mail go to: ``support+t.<ticket>.<version>.<signature>@…``.

It names one ticket and the address that it was sent to. It says where an answer belongs, not who wrote it: its
sender is checked against the ticket's people. Revoking a ticket's links makes it void too. Mail servers may write it in
capitals or small letters, so it has no letter whose case counts.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import select

from console.core.context import sealer, settings
from console.core.db import db
from console.staff.models import Staff
from console.tickets.models import Ticket

MOST = 10  # that are looked up of one message
_LONGEST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_SIGNATURE = 20  # hexadecimal digits: 80 bits
_SIGNED = re.compile(r"\+(t|s)\.([0-9a-z]{1,8})\.([0-9a-z]{1,8})\.([0-9a-f]{20})@")
_ANY = re.compile(r"\+[ts]\.[0-9a-z]{1,8}\.[0-9a-z]{1,8}\.[0-9a-f]{20}(?=@)", re.IGNORECASE)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Signed:
    """What a signed address names. ``staff``: one of ours, whom it was made for."""

    ticket: Ticket
    staff: Staff | None = None


def reply_address(ticket: Ticket) -> str | None:
    """Return where the requester's answers go; ``None`` where our own address is too long for it."""
    return _address("t", ticket.id, ticket.link_version, ticket.requester_email)


def staff_address(ticket: Ticket, staff_id: int, email: str) -> str | None:
    """Return where a member of staff writes to answer as themselves."""
    return _address("s", ticket.id, staff_id, email)


def read_signed(addresses: Iterable[str]) -> Signed | None:
    """Return what the first signed address names that is ours and not void."""
    found = filter(None, (_SIGNED.search(address.lower()) for address in addresses))
    return next(filter(None, (_read(*one.groups()) for one in islice(found, MOST))), None)


def is_signed(address: str) -> bool:
    """Return whether an address looks like a signed one, ours or not."""
    return _SIGNED.search(address.lower()) is not None


def without_signatures(text: str) -> str:
    """Return ``text`` with no signed address whole in it: quoted in an answer, staff would see it."""
    return _ANY.sub("", text)


def _address(kind: str, key: int, version: int, email: str) -> str | None:
    local, _at, domain = settings().mail_from.rpartition("@")
    written = f"{local.partition('+')[0]}+{kind}.{_base36(key)}.{_base36(version)}.{_sign(kind, key, version, email)}"
    return f"{written}@{domain}" if len(written) <= _LONGEST_LOCAL else None


def _read(kind: str, key: str, version: str, signature: str) -> Signed | None:
    ticket = db.session.scalar(select(Ticket).where(Ticket.id == int(key, 36) % 2**31))
    if ticket is None:
        return None
    number, staff, email = int(version, 36), None, ticket.requester_email
    if kind == "s":
        staff = db.session.get(Staff, number % 2**31)
        if staff is None or not staff.active:
            return None
        email = staff.email
    elif number != ticket.link_version:
        return None
    if not hmac.compare_digest(_sign(kind, ticket.id, number, email), signature):
        return None
    return Signed(ticket, staff)


def _sign(kind: str, key: int, version: int, email: str) -> str:
    return sealer().keyed_digest("ticket-address", f"{kind}:{key}:{version}:{email}")[:_SIGNATURE]


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
