"""Figures as a table, printed and kept in docs/performance.md, each bench in a section of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


@dataclass(frozen=True)
class Report:
    """What one bench found.

    Args:
        section: names the place in the page: ``lists-sqlite``.
        title: its heading.
        command: how to do it again.
        verdicts: what is promised and what came out, ratios first.
        header: the table's columns.
        rows: its cells.
        notes: counts, seeds, conditions.
    """

    section: str
    title: str
    command: str
    verdicts: Sequence[str]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def table(self) -> str:
        """Return the table in Markdown, columns aligned for the terminal too."""
        widths = [max(len(row[place]) for row in (self.header, *self.rows)) for place in range(len(self.header))]

        def line(cells: Sequence[str]) -> str:
            padded = [
                cell.ljust(width) if not place else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
            ]
            return "| " + " | ".join(padded) + " |"

        rule = (
            "|" + "|".join("-" * (width + 1) + ("-" if not place else ":") for place, width in enumerate(widths)) + "|"
        )
        return "\n".join([line(self.header), rule, *(line(row) for row in self.rows)])

    def text(self) -> str:
        """Return the whole section."""
        parts = [
            f"## {self.title}",
            f"`{self.command}`",
            "\n".join(f"- {verdict}" for verdict in self.verdicts),
            self.table(),
        ]
        if self.notes:
            parts.append("\n".join(f"- {note}" for note in self.notes))
        return "\n\n".join(parts) + "\n"

    def keep(self, page: Path) -> None:
        """Put the section in its place in ``page``: where it was, else at the end."""
        start, end = f"<!-- bench: {self.section} -->", f"<!-- end: {self.section} -->"
        block = f"{start}\n{self.text()}{end}"
        whole = page.read_text(encoding="utf-8") if page.exists() else "# Performance\n"
        before, found, rest = whole.partition(start)
        after = rest.partition(end)[2] if found else ""
        page.write_text(
            f"{before.rstrip()}\n\n{block}\n{after.lstrip() and chr(10) + after.lstrip()}", encoding="utf-8"
        )


def milliseconds(seconds: float) -> str:
    """Write a duration."""
    return f"{seconds * 1000:.2f} ms"


def verdict(promise: str, *, holds: bool) -> str:
    """Write a promise and whether it was kept."""
    return f"{promise}: **{'kept' if holds else 'not kept'}**"
