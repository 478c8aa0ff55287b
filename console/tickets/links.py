"""The requester's link: signed, without a sign-in, good until it is called back.

It names the ticket and the version of its links, so that a lost one can be made void.
It opens what the requester wrote and was answered, nothing of the account.
"""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select

from console.core.context import settings
from console.core.db import db
from console.core.errors import NotFound
from console.mail.links import SecretLink
from console.tickets.models import Ticket

_SALT = "ticket-link"


def requester_token(ticket: Ticket) -> str:
    """Return the token that opens ``ticket`` to its requester."""
    token = _serializer().dumps([ticket.id, ticket.link_version])
    return token if isinstance(token, str) else token.decode()


def requester_url(ticket: Ticket) -> SecretLink:
    """Return the address that goes into mail."""
    return SecretLink(f"{settings().base_url}/t/", requester_token(ticket))


def ticket_of(token: str) -> Ticket:
    """Return the ticket that ``token`` opens.

    Raises:
        NotFound: the token is not ours, or was called back.
    """
    try:
        key, version = _serializer().loads(token)
    except (BadSignature, ValueError, TypeError):
        raise NotFound from None
    ticket = db.session.scalar(select(Ticket).where(Ticket.id == key, Ticket.link_version == version))
    if ticket is None:
        raise NotFound
    return ticket


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt=_SALT)
