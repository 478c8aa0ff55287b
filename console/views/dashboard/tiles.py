"""A figure of the dashboard."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from console.core.errors import Text
from console.web.filters import icon


@dataclass(frozen=True)
class Tile:
    """One figure, and the list behind it. ``mark``: how its note is drawn: ok, warn, danger or plainly."""

    key: str
    label: Text
    icon: str
    value: str
    note: Text
    url: str
    mark: str = ""

    @property
    def drawn_note(self) -> Markup:
        """Draw the note, with an icon where it is a state."""
        if not self.mark:
            return Markup("{}").format(self.note)
        symbol = {"warn": "clock", "danger": "alert"}.get(self.mark, "ok")
        return Markup('<span class="status status-{}">{}{}</span>').format(self.mark, icon(symbol), self.note)
