"""Results of the long proofs, written to ``docs/proofs.md`` by ``make prove``."""

from __future__ import annotations

import platform
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

HEAD = (
    "# Proofs\n\nWritten by `make prove`. Each line was noted by the test named above it, at full count, "
    "on the day named there.\n"
)
_SECTION = "\n## "


class Proofs:
    """What the tests of one run noted."""

    def __init__(self) -> None:
        self.lines: dict[str, list[str]] = {}

    def note(self, test: str, line: str) -> None:
        self.lines.setdefault(test, []).append(line)

    def write(self, path: Path, *, keep: bool) -> None:
        """Write everything noted, test by test.

        Args:
            path: The file.
            keep: Leave what the file has of other tests in its place, as for a run of a few of them.
        """
        if not self.lines:
            return
        sections = _sections(path) if keep else {}
        sections |= {f"`{test}`": self._section(lines) for test, lines in self.lines.items()}
        path.write_text(HEAD + "".join(f"{_SECTION}{title}\n{body}" for title, body in sections.items()))

    @staticmethod
    def _section(lines: list[str]) -> str:
        where = (
            f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
            f"{platform.system()} {platform.machine()}"
        )
        return f"\n{where}:\n\n" + "".join(f"- {line}\n" for line in lines)


def _sections(path: Path) -> dict[str, str]:
    """Return the sections of a file by title, in their order."""
    if not path.exists():
        return {}
    _, *parts = path.read_text().split(_SECTION)
    return {title: body for title, _, body in (part.partition("\n") for part in parts)}


KEY = pytest.StashKey[Proofs]()
