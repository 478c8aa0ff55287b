"""Addresses that automatic mail does not go to, and senders whose mail is spam."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.emails import NoAddress, masked_email, normal_email, sendable
from console.core.errors import Invalid, NotFound, Text
from console.core.texts import lazy_gettext
from console.core.upsert import insert_missing
from console.mail.mailboxes.addresses import is_our_address, our_domains
from console.mail.receiving.models import BlockedSender, StoppedAddress

# Which role may: ``console.staff.roles``, which lies above.
WORK = "tickets.work"

# Where anyone has an address: blocking one of these domains would turn most customers' mail into spam. The list is
# kept here alone; the last line has those of the region.
PROVIDERS = frozenset({
    "gmail.com", "googlemail.com", "yahoo.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "icloud.com",
    "me.com", "aol.com", "gmx.com", "gmx.net", "gmx.de", "yandex.com", "yandex.ru", "mail.ru", "proton.me",
    "protonmail.com",
    "sbb.rs", "eunet.rs", "ptt.rs", "mts.rs",
})  # fmt: skip


def stopped(address: str) -> StoppedAddress | None:
    """Return why automatic mail does not go to ``address``; ``None`` where it does."""
    return db.session.get(StoppedAddress, normal_email(address))


def stop(address: str, *, status: str, diagnostic: str, incoming_id: int) -> None:
    """Stop automatic mail to ``address``: it permanently rejected one of our mails."""
    row = {
        "address": normal_email(address), "incoming_id": incoming_id, "status": status[:20],
        "diagnostic": diagnostic[:300], "stopped_at": clock.now(),
    }  # fmt: skip
    insert_missing(StoppedAddress, [row], StoppedAddress.address)


def lift(actor: Actor, address: str) -> None:
    """Let automatic mail go to ``address`` again.

    Raises:
        NotFound: it is not stopped, or ``actor`` may not.
    """
    actor.require(WORK)
    row = stopped(address)
    if row is None:
        raise NotFound
    db.session.delete(row)
    db.session.flush()
    record(actor, "mail.stop_lifted", "mail", address=masked_email(row.address), status=row.status)


# Made once: it is asked of every mail that comes in.
_BLOCKED = select(BlockedSender.id).where(BlockedSender.pattern.in_(bindparam("patterns", expanding=True))).limit(1)


def is_blocked(address: str) -> bool:
    """Return whether mail from ``address`` is spam: it, its domain or one above is blocked."""
    domain = address.rpartition("@")[2]
    labels = domain.split(".")
    patterns = [address, *(".".join(labels[place:]) for place in range(len(labels) - 1))]
    return db.session.scalar(_BLOCKED, {"patterns": patterns}) is not None


def why_not(pattern: str) -> Text | None:
    """Return why an address or a domain cannot be blocked; ``None`` where it can."""
    if "@" in pattern:
        if is_our_address(pattern):
            return lazy_gettext("This is our own address. Enter a different one.")
    elif any(f".{ours}".endswith(f".{pattern}") for ours in our_domains()):
        return lazy_gettext("This is our own domain. Block single addresses instead.")
    elif pattern in PROVIDERS:
        return lazy_gettext("Many customers have an address at %(domain)s. Block the address instead.", domain=pattern)
    return None


def block(actor: Actor, text: str) -> str:
    """Block an address, or a domain with all below it, and return it as it is stored.

    Raises:
        NotFound: ``actor`` may not.
        Invalid: it is neither, it is ours, or it is the domain of a large provider.
    """
    actor.require(WORK)
    pattern = normal_email(text).lstrip("@")
    try:
        sendable(pattern if "@" in pattern else f"x@{pattern}")
    except NoAddress:
        raise Invalid(fields={"sender": [lazy_gettext("Enter an address or a domain, as in example.com.")]}) from None
    problem = why_not(pattern)
    if problem is not None:
        raise Invalid(fields={"sender": [problem]})
    row = {"pattern": pattern, "staff_id": actor.id, "created_at": clock.now()}
    insert_missing(BlockedSender, [row], BlockedSender.pattern)
    record(actor, "mail.sender_blocked", "mail", sender=_named(pattern))
    return pattern


def unblock(actor: Actor, key: int) -> str:
    """Take a sender off the list and return it.

    Raises:
        NotFound: there is no such, or ``actor`` may not.
    """
    actor.require(WORK)
    pattern = db.session.scalar(delete(BlockedSender).where(BlockedSender.id == key).returning(BlockedSender.pattern))
    if pattern is None:
        raise NotFound
    record(actor, "mail.sender_unblocked", "mail", sender=_named(pattern))
    return pattern


def _named(pattern: str) -> str:
    """Return an address or a domain as the audit log has it: no person is known whose key could seal an address."""
    return masked_email(pattern) if "@" in pattern else pattern


def count(model: type[BlockedSender | StoppedAddress]) -> int:
    """Return how many senders are blocked, or how many addresses automatic mail does not go to."""
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def blocked_senders(limit: int = 100, offset: int = 0) -> Sequence[BlockedSender]:
    """Return the blocked senders, newest first."""
    query = select(BlockedSender).order_by(BlockedSender.id.desc())
    return db.session.scalars(query.limit(limit).offset(offset)).all()


def stopped_addresses(limit: int = 100, offset: int = 0) -> Sequence[StoppedAddress]:
    """Return the addresses that automatic mail does not go to, newest first."""
    query = select(StoppedAddress).order_by(StoppedAddress.stopped_at.desc(), StoppedAddress.address)
    return db.session.scalars(query.limit(limit).offset(offset)).all()
