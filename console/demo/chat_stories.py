"""What visitors asked in the demo's chat, and how it went."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from console.demo import data

VISITOR, AGENT, NOTE, CARD, TYPO = "visitor", "agent", "note", "card", "typo"
SR = "sr_Latn"


class End(StrEnum):
    """How a chat ended."""

    CLOSED = "closed"  # by the agent
    LEFT = "left"  # by the visitor
    TICKET = "ticket"  # the agent made one of it
    UNCLAIMED = "unclaimed"  # no agent was free in time
    CLOSING = "closing"  # still queued at closing time
    LATE = "late"  # asked when it was closed
    BLOCKED = "blocked"
    OPEN = "open"  # it goes on


@dataclass(frozen=True)
class Talk:
    """A chat of the story.

    Args:
        ago: working hours before the demo's own now.
        by: whose account asks, or a name and an address.
        lines: seconds after the opening, who, and what they write; ``card`` asks who it is, ``typo`` a card that fails.
        passed_to: to whom, and why, before the last line but one.
        score: how it was rated; 0: not at all.
        speaks_of: a fact of the story that was there before.
    """

    key: str
    ago: float
    by: str | tuple[str, str]
    department: str
    question: str
    lines: tuple[tuple[int, str, str], ...] = ()
    agent: str = "agent"
    end: End = End.CLOSED
    language: str = SR
    passed_to: tuple[str, str] | None = None
    score: int = 0
    comment: str = ""
    transcript: bool = False
    speaks_of: str = ""
    answered: str = ""  # what its ticket was answered, by mail


def load(table: str) -> tuple[Talk, ...]:
    """Return the chats of a table of ``data/chats.toml``: ``past`` or ``now``."""
    return tuple(_talk(row) for row in data.read("chats.toml")[table])


def _talk(row: dict[str, Any]) -> Talk:
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    fields["lines"] = tuple((seconds, who, text) for seconds, who, text in row.get("lines", ()))
    return Talk(**fields | {"end": End(row.get("end", End.CLOSED))})


PAST = load("past")
NOW = load("now")
