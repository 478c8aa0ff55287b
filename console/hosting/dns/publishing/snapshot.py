"""A zone as it is published, and what can go wrong with that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from console.hosting.dns.rules import RecordData
from console.hosting.dns.zone_files import Authority


@dataclass(frozen=True)
class Snapshot:
    """One version of a zone, whole."""

    name: str
    version: int
    serial: int
    records: tuple[RecordData, ...]
    authority: Authority


class PublishingFailed(Exception):
    """The name servers do not have it. ``words`` hold no secret; ``is_down``: nothing else would get there either."""

    def __init__(self, words: str, *, is_down: bool = False) -> None:
        super().__init__(words)
        self.words, self.is_down = words, is_down


Publisher: TypeAlias = Callable[[Snapshot], None]
