"""Reviews in words."""

from __future__ import annotations

from console.core.errors import Text
from console.core.texts import lazy_pgettext

POINTS: dict[int, Text] = {
    0: lazy_pgettext("points", "missing"),
    1: lazy_pgettext("points", "weak"),
    2: lazy_pgettext("points", "fair"),
    3: lazy_pgettext("points", "good"),
    4: lazy_pgettext("points", "excellent"),
}
