"""Whose an account is: the person under whose key the audit log seals what is personal in its entries."""

from __future__ import annotations

from sqlalchemy import select

from console.core.db import db
from console.customers.models import Membership, Person


def owner_of(customer_id: int | None) -> int | None:
    """Return the key of the person who owns an account, ``None`` where no one does."""
    if customer_id is None:
        return None
    return db.session.scalar(
        select(Membership.person_id).where(Membership.customer_id == customer_id, Membership.is_owner)
    )


def person_called(email: str) -> int | None:
    """Return the key of the person with an e-mail address, ``None`` where there is none."""
    return db.session.scalar(select(Person.id).where(Person.email == email))
