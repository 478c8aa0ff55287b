"""What of staff must reach open connections at once: sessions that end, departments that others see now.

Connections and rooms lie above. They register here what they do; it is done after the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from console.core.transaction import after_commit

SessionsEnded = Callable[[Collection[int]], None]
DepartmentChanged = Callable[[int], None]

_sessions: list[SessionsEnded] = []
_departments: list[DepartmentChanged] = []


def on_sessions_ended(handler: SessionsEnded) -> SessionsEnded:
    """Register what is done when sign-in sessions have ended; it gets their keys."""
    _sessions.append(handler)
    return handler


def on_department_changed(handler: DepartmentChanged) -> DepartmentChanged:
    """Register what is done when another circle sees a department; it gets the department's key."""
    _departments.append(handler)
    return handler


def sessions_ended(keys: Collection[int]) -> None:
    """Say that the open transaction ends these sessions."""
    if keys:
        for handler in _sessions:
            after_commit(partial(handler, keys))


def department_changed(key: int) -> None:
    """Say that the open transaction changes who sees a department."""
    for handler in _departments:
        after_commit(partial(handler, key))
