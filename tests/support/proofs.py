"""Results of the long proofs, written to ``docs/proofs.md`` by ``make prove``."""

from __future__ import annotations

import platform
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest


class Proofs:
    """What the tests of one run noted."""

    def __init__(self) -> None:
        self.lines: dict[str, list[str]] = {}

    def note(self, test: str, line: str) -> None:
        self.lines.setdefault(test, []).append(line)

    def write(self, path: Path) -> None:
        """Write everything noted, test by test."""
        if not self.lines:
            return
        head = (
            "# Proofs\n\nWritten by `make prove`. Each line was noted by the test named above it, at full count.\n\n"
            f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
            f"{platform.system()} {platform.machine()}.\n"
        )
        parts = [f"\n## `{test}`\n\n" + "".join(f"- {line}\n" for line in lines) for test, lines in self.lines.items()]
        path.write_text(head + "".join(parts))


KEY = pytest.StashKey[Proofs]()
