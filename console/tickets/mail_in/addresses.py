"""The signed address that answers to a ticket's mail go to: ``support+t.<ticket>.<version>.<signature>@…``.

It names one ticket and the address that it was sent to. It says where an answer belongs, not who wrote it: its
sender is checked against the ticket's people. Revoking a ticket's links makes it void too. Mail servers may write it in
capitals or small letters, so it has no letter whose case counts. There are four kinds: of the requester (``t``), of a
colleague (``s``), of who got a copy (``c``), of whom a ticket was forwarded to (``f``).
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
from console.tickets.mail_in.models import TicketForward
from console.tickets.models import Ticket

MOST = 10  # that are looked up of one message
_LONGEST_LOCAL = 64  # RFC 5321, 4.5.3.1.1
_SIGNATURE = 20  # hexadecimal digits: 80 bits
_SIGNED = re.compile(r"\+([tscf])\.([0-9a-z]{1,8})\.([0-9a-z]{1,8})\.([0-9a-f]{20})@")
_ANY = re.compile(r"\+[tscf]\.[0-9a-z]{1,8}\.[0-9a-z]{1,8}\.[0-9a-f]{20}(?=@)", re.IGNORECASE)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Signed:
    """What a signed address names.

    Args:
        own: it was made for the requester.
        staff: one of ours, whom it was made for.
        forward: what it answers; then it is no part of the conversation.
    """

    ticket: Ticket
    own: bool = False
    staff: Staff | None = None
    forward: TicketForward | None = None


def reply_address(ticket: Ticket) -> str | None:
    """Return where the requester's answers go; ``None`` where our own address is too long for it."""
    return _address("t", ticket.id, ticket.link_version, ticket.requester_email)


def staff_address(ticket: Ticket, staff_id: int, email: str) -> str | None:
    """Return where a member of staff writes to answer as themselves."""
    return _address("s", ticket.id, staff_id, email)


def copy_address(ticket: Ticket) -> str | None:
    """Return where answers of those who get copies go: it names the ticket, and makes no one its requester."""
    return _address("c", ticket.id, ticket.link_version, "")


def forward_address(forward: TicketForward) -> str | None:
    """Return where the answer to a forwarded ticket goes."""
    return _address("f", forward.id, forward.ticket_id, forward.address)


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
    number, second = int(key, 36) % 2**31, int(version, 36)
    if kind == "f":
        return _read_forward(number, signature)
    ticket = db.session.scalar(select(Ticket).where(Ticket.id == number))
    if ticket is None:
        return None
    staff, email = None, ticket.requester_email if kind == "t" else ""
    if kind == "s":
        staff = db.session.get(Staff, second % 2**31)
        if staff is None or not staff.active:
            return None
        email = staff.email
    elif second != ticket.link_version:
        return None
    if not hmac.compare_digest(_sign(kind, ticket.id, second, email), signature):
        return None
    return Signed(ticket, own=kind == "t", staff=staff)


def _read_forward(key: int, signature: str) -> Signed | None:
    forward = db.session.get(TicketForward, key)
    if forward is None:
        return None
    if not hmac.compare_digest(_sign("f", forward.id, forward.ticket_id, forward.address), signature):
        return None
    return Signed(db.session.get_one(Ticket, forward.ticket_id), forward=forward)


def _sign(kind: str, key: int, version: int, email: str) -> str:
    return sealer().keyed_digest("ticket-address", f"{kind}:{key}:{version}:{email}")[:_SIGNATURE]


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
