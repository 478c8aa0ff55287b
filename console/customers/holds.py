"""The security hold: for 72 hours after a sign-in may have changed hands, nothing is given away in its owner's name.

It begins with a reset password, a lost device and a changed e-mail address, and counts in every channel, for what was
scheduled before too. Someone who took over a mailbox cannot use what that opened, and its owner has three days to see
the notices.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.errors import Conflict
from console.core.texts import lazy_gettext
from console.customers.models import Person

LASTS = timedelta(hours=72)
_listeners: dict[str, Callable[[Actor, Person, str], None]] = {}


def register_begun(name: str, listener: Callable[[Actor, Person, str], None]) -> None:
    """Register what else ends where a sign-in may have changed hands; called with the reason, in its transaction."""
    _listeners[name] = listener


def begin(actor: Actor, person: Person, reason: str) -> datetime:
    """Hold ``person`` from now; return until when.

    Args:
        reason: ``password_reset``, ``lost_device`` or ``email_changed``.
    """
    person.held_until = clock.now() + LASTS
    until = person.held_until
    record(actor, "person.held", f"person:{person.id}", reason=reason, until=until.isoformat())
    for listener in _listeners.values():
        listener(actor, person, reason)
    return until


def require_none(person: Person) -> None:
    """Refuse what a hold forbids.

    Raises:
        Conflict: ``held``, with ``until`` in its details.
    """
    if person.held_until is not None and person.is_held(clock.now()):
        raise Conflict(
            lazy_gettext(
                "The sign-in of %(name)s was changed in the last 72 hours. For security, this is not possible yet.",
                name=person.name,
            ),
            code="held",
            details={"until": person.held_until.isoformat()},
        )
