"""What higher domains have to say about a handover, and what they do when it, or another change of a person, happened.

Customers know neither services nor documents nor tickets: each domain registers here what stands in the way of a
handover, and what of the old holder's it ends (grants of applications, second factors, what waits for an answer).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from console.core.actor import Actor
from console.core.errors import Conflict, Text
from console.customers.models import Customer, Person


@dataclass(frozen=True)
class HandedOver:
    """An account that has another holder now, in the transaction in which that happened.

    Args:
        keeps_sign_in: the old owner is on other accounts, so that their sign-in goes on, without this one.
    """

    customer: Customer
    old: Person
    new: Person
    keeps_sign_in: bool


@dataclass(frozen=True)
class Obstacle:
    """What forbids a handover now, with a name for programs."""

    code: str
    message: Text


_obstacles: dict[str, Callable[[Customer], Obstacle | None]] = {}
_renamed: dict[str, Callable[[Customer], None]] = {}
_listeners: dict[str, Callable[[Actor, HandedOver], None]] = {}
_address_changed: dict[str, Callable[[Actor, Person, str], None]] = {}


def register_obstacle(name: str, find: Callable[[Customer], Obstacle | None]) -> None:
    """Register what may stand in the way of an account's handover, asked when one begins and when it is accepted."""
    _obstacles[name] = find


def register_handed_over(name: str, listener: Callable[[Actor, HandedOver], None]) -> None:
    """Register what else a handover changes, called in its transaction, after the account has its new owner."""
    _listeners[name] = listener


def register_renamed(name: str, listener: Callable[[Customer], None]) -> None:
    """Register what follows where an account is called differently, as what finds its tickets by its name."""
    _renamed[name] = listener


def register_address_changed(name: str, listener: Callable[[Actor, Person, str], None]) -> None:
    """Register what follows a person to another address, called with the old one in the transaction of the change."""
    _address_changed[name] = listener


def run_address_changed(actor: Actor, person: Person, old: str) -> None:
    """Let every domain that registered follow a person whose new address is flushed."""
    for listener in _address_changed.values():
        listener(actor, person, old)


def run_renamed(customer: Customer) -> None:
    """Let every domain that registered note an account's new name, which is flushed."""
    for listener in _renamed.values():
        listener(customer)


def require_no_obstacle(customer: Customer) -> None:
    """Refuse a handover that is blocked by something.

    Raises:
        Conflict: with the obstacle's code.
    """
    for find in _obstacles.values():
        found = find(customer)
        if found is not None:
            raise Conflict(found.message, code=found.code)


def run_handed_over(actor: Actor, event: HandedOver) -> None:
    """Let every domain that registered do its part."""
    for listener in _listeners.values():
        listener(actor, event)
