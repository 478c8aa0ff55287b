"""What every kind of file has in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from sqlalchemy.orm import Session

from console.core.errors import Text
from console.imports.cells import Column
from console.imports.reader import Row

T = TypeVar("T")


class State(StrEnum):
    """What became of one thing in the file."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True)
class Outcome:
    """What became of it, and if it was refused, why."""

    state: State
    reason: str = ""


NEW, CHANGED, UNCHANGED = Outcome(State.NEW), Outcome(State.CHANGED), Outcome(State.UNCHANGED)


def refused(reason: str) -> Outcome:
    """Return the outcome of something that is not stored."""
    return Outcome(State.REFUSED, reason)


class Kind(Protocol, Generic[T]):
    """One kind of file: its columns, how its rows are read and stored."""

    @property
    def name(self) -> str: ...

    @property
    def columns(self) -> tuple[Column, ...]: ...

    @property
    def titles(self) -> Mapping[str, Text]:
        """What the console's own export calls columns."""
        ...

    def group(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        """Put the rows that make up one thing together."""
        ...

    def read(self, rows: Sequence[Row]) -> T:
        """Return what the rows mean.

        Raises:
            RowError: it means nothing that could be stored.
        """
        ...

    def store(self, session: Session, batch: Sequence[T]) -> list[Outcome]:
        """Store a batch; return what became of each."""
        ...


def singly(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Let every row be a thing of its own."""
    for row in rows:
        yield [row]
