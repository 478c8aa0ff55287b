"""Telling connected browsers at once. Domains say what and to whom; ``console.app`` says by what (Socket.IO).

Delivery is at most once: whoever must know fetches it from the database when they come back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Sender = Callable[[str, dict[str, Any], str, Sequence[str]], None]


def _nobody(_event: str, _news: dict[str, Any], _namespace: str, _rooms: Sequence[str]) -> None:
    """Send to nobody: a command or a test without connections."""


_sender: Sender = _nobody


def wire(sender: Sender) -> None:
    """Choose what carries the pushes of this process."""
    global _sender
    _sender = sender


def push(event: str, news: dict[str, Any], *, namespace: str, rooms: Sequence[str]) -> None:
    """Send ``news`` to whoever is in one of ``rooms`` now. Call it after the commit."""
    _sender(event, news, namespace, rooms)
