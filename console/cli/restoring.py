"""After a restore: what a copy brings back and must not open again.

A copy holds sign-ins, verifications and tokens as they were when it was made, those among them that were ended since.
So all of them end, whatever way the data came back, and every PIN is renewed. Numbers used since the copy cannot be
known here: they are named, and moved on only where an administrator says by how much.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Update, cast, func, select, update
from sqlalchemy.dialects.postgresql import REGCLASS

from console.audit.service import record
from console.billing.models import Migration, NumberSeries
from console.billing.service import PROFORMA, STORNO, document_number
from console.chat.models import CHAT_BASE, Chat
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import NotFound
from console.core.ids import CUSTOMER_BASE
from console.core.series import Series
from console.customers.models import Customer, Membership, PersonSession, Verification, VerificationCard
from console.hosting.models import SERVICE_BASE, Service
from console.identity.oidc.models import SsoCode, SsoGrant, SsoToken
from console.mail.models import Mail, MailState
from console.staff.models import StaffSession
from console.tickets.models import TICKET_BASE, Ticket
from console.tokens.models import OneTimeToken

MOST_SKIPPED = 1_000_000
# Counters and versions go on from here by so many: what was used between the copy and now is passed over, and two
# restores of one copy give different ones.
_AT_LEAST, _SPREAD = 1_000, 1_000_000
# What people call a row by, which is its key: the series, where the key starts, the digits.
_KEYED: tuple[tuple[Series, Any, int, int], ...] = (
    (Series.TICKET, Ticket.id, TICKET_BASE, 0),
    (Series.CHAT, Chat.id, CHAT_BASE, 0),
    (Series.CUSTOMER, Customer.id, CUSTOMER_BASE, 0),
    (Series.SERVICE, Service.id, SERVICE_BASE, 0),
    (Series.MIGRATION, Migration.id, 0, 4),
)


@dataclass
class Ended:
    """What a restore ended, and what it could not know."""

    staff_sessions: int = 0
    person_sessions: int = 0
    verifications: int = 0
    cards: int = 0
    tokens: int = 0
    grants: int = 0  # of applications, with their codes and tokens
    chats: int = 0
    pins: int = 0
    mails_waiting: int = 0  # some may have left since the copy was made, and leave again
    next_numbers: list[str] = field(default_factory=list)
    skipped: int = 0  # numbers passed over in each series
    unmoved: list[str] = field(default_factory=list)  # series that this database cannot move on


def end_all(actor: Actor, *, skip_numbers: int = 0) -> Ended:
    """End what the restored database would let in, and renew every PIN; in the open transaction.

    Args:
        skip_numbers: pass over so many numbers in each series: no more were used since the copy.

    Raises:
        NotFound: ``actor`` is no operator of the installation.
        ValueError: a number that cannot be passed over.
    """
    if actor.kind != "system":
        raise NotFound(code="not_allowed")
    if not 0 <= skip_numbers <= MOST_SKIPPED:
        raise ValueError(f"skip from 0 to {MOST_SKIPPED} numbers")
    now = clock.now()
    jump = _AT_LEAST + secrets.randbelow(_SPREAD)
    ended = Ended(
        staff_sessions=_end(StaffSession.id, StaffSession.revoked_at.is_(None), revoked_at=now),
        person_sessions=_end(PersonSession.id, PersonSession.revoked_at.is_(None), revoked_at=now),
        verifications=_end(Verification.id, *_live(Verification, now), ended_at=now, end_reason="restore"),
        cards=_end(VerificationCard.id, *_live(VerificationCard, now), ended_at=now),
        tokens=_end(OneTimeToken.id, OneTimeToken.used_at.is_(None), OneTimeToken.expires_at > now, used_at=now),
        grants=_end_grants(now),
        chats=_end(Chat.id, token_version=Chat.token_version + jump),
        pins=_renew_pins(now, jump),
        mails_waiting=db.session.scalar(
            select(func.count()).select_from(Mail).where(Mail.state == MailState.QUEUED)
        ) or 0,
    )  # fmt: skip
    if skip_numbers:
        _skip(skip_numbers, now, ended)
    ended.next_numbers = _next_numbers(now)
    facts: dict[str, Any] = {name: value for name, value in vars(ended).items() if isinstance(value, int)}
    record(actor, "data.restored", "console", **facts, next_numbers=ended.next_numbers)
    return ended


def _live(kind: Any, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return kind.ended_at.is_(None), kind.expires_at > now


def _end(key: Any, *which: ColumnElement[bool], **values: Any) -> int:
    """Change all rows of a table, or those that are still open; return how many they were."""
    query: Update = update(key.class_).where(*which).values(**values)
    done: Any = db.session.execute(query.execution_options(synchronize_session=False))
    return int(done.rowcount)


def _end_grants(now: datetime) -> int:
    """End what applications hold. Each asks the person again, because a grant may have been revoked since the copy."""
    _end(SsoToken.id, SsoToken.ended_at.is_(None), ended_at=now)
    _end(SsoCode.id, SsoCode.expires_at > now, expires_at=now)
    return _end(SsoGrant.id, SsoGrant.ended_at.is_(None), ended_at=now, end_reason="restore")


def _renew_pins(now: datetime, jump: int) -> int:
    """Count every PIN on, so that none from before fits again, and let it end.

    The portal makes the new one when it is looked at: it must differ from those of the person's other accounts, and
    who never looks needs none.
    """
    values = {
        "pin_counter": Membership.pin_counter + jump,
        "pin_expires_at": now,
        "pin_failures": 0,
        "pin_burned_at": None,
    }
    return _end(Membership.id, Membership.pin_secret.is_not(None), **values)


def _skip(count: int, now: datetime, ended: Ended) -> None:
    """Pass over numbers: of documents by their counters, of what is called by its key where keys are numbered apart."""
    year = clock.local_date(now, settings().zone).year
    _end(NumberSeries.last, NumberSeries.year == year, last=NumberSeries.last + count)
    ended.skipped = count
    if db.session.get_bind().dialect.name != "postgresql":  # SQLite gives the key after the largest there is
        ended.unmoved = [series.value for series, *_rest in _KEYED]
        return
    for _series, key, _base, _digits in _KEYED:
        table = key.class_.__tablename__
        db.session.execute(select(func.setval(func.pg_get_serial_sequence(table, "id"), _last(key) + count)))


def _last(key: Any) -> int:
    """Return the last key that was used."""
    if db.session.get_bind().dialect.name == "postgresql":
        sequence = cast(func.pg_get_serial_sequence(key.class_.__tablename__, "id"), REGCLASS)
        return int(db.session.scalar(select(func.pg_sequence_last_value(sequence))) or 0)
    return int(db.session.scalar(select(func.max(key))) or 0)


def _next_numbers(now: datetime) -> list[str]:
    """Return the numbers that come next: what was used since the copy began with them."""
    year = clock.local_date(now, settings().zone).year
    counters = dict(
        iter(db.session.execute(select(NumberSeries.series, NumberSeries.last).where(NumberSeries.year == year)))
    )
    documents = [document_number(series, year, counters.get(series, 0) + 1) for series in (PROFORMA, STORNO)]
    return documents + [series.number(base + _last(key) + 1, digits) for series, key, base, digits in _KEYED]
