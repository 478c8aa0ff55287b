"""Who does something. Built at the entry point, checked by the verb."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from console.core.errors import NotFound


@dataclass(frozen=True)
class Actor:
    """A staff member, a customer's person, a visitor or the system itself.

    Args:
        kind: ``staff``, ``person``, ``visitor`` or ``system``.
        id: the row's id, ``None`` for the system and for visitors.
        name: as shown in the audit log.
        permissions: what the role allows (``console.staff.roles``); empty for everyone else.
        address: the network address the request came from.
        session_id: the portal session that a person acts in; ``None`` behind a mailed link, and for everyone else.
    """

    kind: str
    id: int | None
    name: str
    permissions: AbstractSet[str] = field(default_factory=frozenset)
    address: str | None = None
    session_id: int | None = None

    def may(self, permission: str) -> bool:
        """Return whether the role allows ``permission``."""
        return self.kind == "system" or permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise :class:`NotFound` unless the role allows it: what one may not do is not there."""
        if not self.may(permission):
            raise NotFound(code="not_allowed")


SYSTEM = Actor(kind="system", id=None, name="console")
