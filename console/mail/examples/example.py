"""One example, and the values that many share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from console.core.errors import Text
from console.mail.templates import Rendered, render

AT = datetime(2026, 11, 23, 13, 42, tzinfo=UTC)
UNTIL = datetime(2026, 11, 23, 14, 12, tzinfo=UTC)
TICKET = "T-20418"
# What a link looks like. The token belongs to no one.
TOKEN = "example-of-a-link-that-opens-nothing"  # noqa: S105


class Typed(str):
    """A value that a person typed."""

    __slots__ = ()


@dataclass(frozen=True)
class Example:
    """One template with values for it. ``case`` tells apart the several examples of one template."""

    template: str
    values: Mapping[str, Any]
    case: Text = ""

    def render(self, language: str, *, brand: str, base_url: str) -> Rendered:
        """Render both parts in ``language``."""
        return render(self.template, language, brand=brand, base_url=base_url, **self.values)


NAME = {"name": Typed("Ana Jović")}
