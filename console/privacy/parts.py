"""What a domain gives to a copy of someone's data, and what it does at an erasure: one source for each domain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import Select, inspect, literal_column, select

from console.core.context import settings
from console.core.db import Base, db
from console.customers.account.models import EmailChange, EmailChangeState
from console.customers.models import Customer, Person

Row = TypeVar("Row", bound=Base)
ANONYMOUS = "—"  # what a name or a text is after an erasure
# What is no one's personal data and would help a thief alone.
SECRETS = frozenset({
    "password_hash", "pin_secret", "token_digest", "open_key", "source", "visitor", "client_id", "client_key",
    "sealed_links", "sealed_key", "sealed_token", "reply_to", "lease", "leased_until", "counted_as", "message_id",
    "key_id", "previous", "digest",
})  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One file of JSON in a copy.

    Args:
        name: its path without the ending, as ``accounts/K-10482/services``.
        data: JSON-able.
        files: names and digests of files that belong to it; each lies next to it under ``files/``.
    """

    name: str
    data: Any
    files: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Source:
    """What one domain has of people.

    Args:
        of_person: yields what it has of a person, in their own name.
        of_account: yields what it has of an account, for its owner.
        erase: makes a person anonymous there and returns how much of what, and digests of files no longer needed.
    """

    name: str
    of_person: Callable[[Person], Iterable[Part]]
    of_account: Callable[[Customer], Iterable[Part]]
    erase: Callable[[Person], Erased]


@dataclass(frozen=True)
class Erased:
    """What an erasure did in one domain."""

    counts: dict[str, int]
    digests: frozenset[str] = frozenset()


def anonymous_address(person_id: int) -> str:
    """Return the address that an erased person has: no mail can be sent there, and it names no one."""
    return f"erased-{person_id}@invalid"


def addresses_of(person: Person) -> list[str]:
    """Return the address of a person, and those that they had before, as far as no one else has them now."""
    done = EmailChange.person_id == person.id, EmailChange.state == EmailChangeState.DONE
    earlier = select(EmailChange.old_email).where(*done, EmailChange.old_email.not_in(select(Person.email)))
    return [person.email, *db.session.scalars(earlier.distinct())]


def all_rows(query: Select[Row]) -> list[Row]:
    """Return the rows of a select, in the order they came to be."""
    return list(db.session.scalars(query.order_by(literal_column("1"))))


def dump(row: Base, *leave_out: str) -> dict[str, Any]:
    """Return every column of a row that is not secret, as JSON has it: a column added later is in it too."""
    hidden = SECRETS.union(leave_out)
    columns = inspect(type(row)).columns
    return {name: _plain(getattr(row, name)) for name in columns.keys() if name not in hidden}  # noqa: SIM118


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(settings().zone).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else value
