"""Which addresses are ours besides ``CONSOLE_MAIL_FROM``: those of the mailboxes."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from console.core.context import settings
from console.core.db import db
from console.core.emails import is_ours
from console.mail.mailboxes.models import Mailbox

# Made once, as all that is asked of every mail that comes in.
_OURS = (
    select(Mailbox.id)
    .where(Mailbox.address.in_(bindparam("addresses", expanding=True)), Mailbox.deleted_at.is_(None))
    .limit(1)
)


def is_our_address(email: str) -> bool:
    """Return whether mail to ``email`` comes to us, with or without something after a ``+``."""
    if is_ours(email):
        return True
    local, _at, domain = email.lower().rpartition("@")
    base = f"{local.partition('+')[0]}@{domain}"
    return bool(local) and db.session.scalar(_OURS, {"addresses": [base, email.lower()]}) is not None


def our_domains() -> set[str]:
    """Return the domains of the addresses that are ours."""
    query = select(Mailbox.address).where(Mailbox.address != "", Mailbox.deleted_at.is_(None))
    addresses = [settings().mail_from, *db.session.scalars(query)]
    return {address.rpartition("@")[2].lower() for address in addresses}
