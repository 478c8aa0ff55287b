"""Telling connected browsers at once. Domains say what and to whom; ``console.app`` says by what (Socket.IO).

Delivery is at most once: a client that missed it fetches it from the database when it is back.

Who may hear what is decided when a connection comes into a room, and again whenever that may have changed: then a
domain says which rooms each connected colleague may be in no more (:func:`take_out`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from console.core.actor import Actor

Sender = Callable[[str, dict[str, Any], str, Sequence[str]], None]
# Returns the rooms that a colleague may be in no more. It gets the rooms that their connection is in, ``None`` where
# another process holds it.
Hidden = Callable[[Actor, Collection[str] | None], Collection[str]]
Leaver = Callable[[Hidden], None]


def _discard(_event: str, _payload: dict[str, Any], _namespace: str, _rooms: Sequence[str]) -> None:
    """Send to no one: a command or a test without connections."""


def _nothing(_hidden: Hidden) -> None:
    """Take no one out: there are no connections."""


_sender: Sender = _discard
_leaver: Leaver = _nothing


def wire(sender: Sender, leaver: Leaver) -> None:
    """Choose what carries the pushes of this process, and what takes connections of staff out of rooms."""
    global _sender, _leaver
    _sender, _leaver = sender, leaver


def push(event: str, payload: dict[str, Any], *, namespace: str, rooms: Sequence[str]) -> None:
    """Send ``payload`` to all who are in one of ``rooms`` now. Call it after the commit."""
    _sender(event, payload, namespace, rooms)


def take_out(hidden: Hidden) -> None:
    """Take every connection of staff, of all processes, out of the rooms that are hidden. Call it after the commit."""
    _leaver(hidden)
