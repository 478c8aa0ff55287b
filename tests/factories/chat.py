"""Chats to test with, made by the real verbs."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from console.chat.models import Chat
from console.chat.service.assignment import claim
from console.chat.service.opening import Opening, open_chat
from console.core import clock
from console.core.actor import Actor
from console.core.sessions import open_session
from console.core.transaction import transaction
from console.customers.masking import MASKED
from console.customers.models import Person, PersonSession
from console.staff.models import StaffSession

BELGRADE = ZoneInfo("Europe/Belgrade")
MONDAY = datetime(2026, 11, 23, 11, tzinfo=BELGRADE)
_names = count(1)


def monday(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return MONDAY.replace(hour=hour, minute=minute, second=second)


def visitor(number: int | None = None) -> Actor:
    number = number or next(_names)
    address = f"192.0.2.{number % 250 + 1}" if number < 250 else f"198.51.{number // 250}.{number % 250}"
    return Actor(kind="visitor", id=None, name=f"Posetilac {number}", address=address)


def ask(question: str = "Ne stižu mi poruke.", **fields: object) -> Chat:
    """Open a chat, each from an address of its own."""
    number = next(_names)
    plain: dict[str, Any] = {
        "name": f"Posetilac {number}",
        "email": f"p{number}@example.test",
        "question": question,
        "client_id": f"opening-{number}",
        "pins": MASKED,
    }
    opening = Opening(**(plain | fields))
    with transaction():
        return open_chat(visitor(number), opening)


def take(actor: Actor, chat: Chat) -> Chat:
    with transaction():
        return claim(actor, chat.number)


def make_session(staff_id: int | None) -> int:
    """Sign somebody in and return the session's key."""
    row = StaffSession(staff_id=staff_id)
    with transaction() as session:
        open_session(session, row, now=clock.now(), lasts=timedelta(hours=12), address=None, user_agent=None)
    return row.id


def sign_in_to_portal(person: Person) -> PersonSession:
    """Sign a customer's person in and return the session."""
    row = PersonSession(person_id=person.id)
    with transaction() as session:
        open_session(session, row, now=clock.now(), lasts=timedelta(hours=12), address=None, user_agent=None)
    return row
