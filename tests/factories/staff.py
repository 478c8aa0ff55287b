"""Staff members, and the password of everyone made here."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.passwords import hash_password
from console.core.settings import DEMO_PASSWORD
from console.staff.models import Staff
from console.staff.roles import Role
from tests.factories.shared import next_number, writing

PASSWORD = DEMO_PASSWORD


@lru_cache(maxsize=1)
def password_hash() -> str:
    """Return the hash of :data:`PASSWORD`, worked out once: Argon2 takes its time."""
    return hash_password(PASSWORD)


def make_staff(role: Role = Role.AGENT, *, email: str | None = None, name: str | None = None, **more: Any) -> Staff:
    """Make a staff member, who signs in with :data:`PASSWORD`.

    Args:
        more: columns that differ from a new account's, as in ``active=False``.
    """
    # Written as a row, not through ``add_staff``: tests count what is on the record about staff.
    number = next_number()
    hashed = password_hash()
    with writing():
        staff = Staff(
            email=email or f"{role.value}{number}@example.test",
            name=name or f"Zaposleni Žarko {number}",
            role=role,
            password_hash=hashed,
            created_at=clock.now(),
            **more,
        )
        db.session.add(staff)
        db.session.flush()
    return staff


def actor_of(staff: Staff) -> Actor:
    """Return ``staff`` as verbs are told."""
    return staff.actor("192.0.2.7")
