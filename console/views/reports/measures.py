"""The figures of a report: definition, value, and comparison with the period before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from console.core.errors import Text
from console.core.texts import gettext


class Good(Enum):
    """Which way of a figure is the good one."""

    MORE = "more"
    LESS = "less"
    NEITHER = "neither"


@dataclass(frozen=True)
class Measure:
    """One figure of a report.

    Args:
        label: its name.
        how: how it is counted, for the reader.
        value: takes it from the figures; ``None`` where there is nothing to count.
        write: writes it.
        note: the line below it.
        is_time: it is compared as slower and faster.
        is_standing: it is of this moment, so nothing is compared.
    """

    key: str
    label: Text
    how: Text
    value: Callable[[Any], float | None]
    write: Callable[[float | None], str]
    note: Callable[[Any], str]
    good: Good = Good.NEITHER
    is_time: bool = False
    is_standing: bool = False


@dataclass(frozen=True)
class Change:
    """How a figure compares with the period before. ``way``: up, down, same; ``good``: ``None`` is neither."""

    way: str
    words: str
    good: bool | None = None


@dataclass(frozen=True)
class Line:
    """One figure as it is drawn."""

    key: str
    label: Text
    value: str
    note: str
    change: Change | None
    how: Text
    is_standing: bool


def lines(measures: Sequence[Measure], now: object, before: object | None) -> list[Line]:
    """Return the figures of a period, compared with the one before if there is one."""
    return [
        Line(
            one.key,
            one.label,
            one.write(one.value(now)),
            one.note(now),
            None if before is None else _change(one, one.value(now), one.value(before)),
            one.how,
            one.is_standing,
        )
        for one in measures
    ]


def _change(measure: Measure, value: float | None, was: float | None) -> Change | None:
    if measure.is_standing or value is None or was is None:
        return None
    earlier = measure.write(was)
    if measure.write(value) == earlier:
        return Change("same", gettext("as before"))
    up = value > was
    good = None if measure.good is Good.NEITHER else up is (measure.good is Good.MORE)
    return Change("up" if up else "down", _compared(measure, earlier, up=up), good)


def _compared(measure: Measure, earlier: str, *, up: bool) -> str:
    if measure.is_time and up:
        return gettext("slower than before (%(before)s)", before=earlier)
    if measure.is_time:
        return gettext("faster than before (%(before)s)", before=earlier)
    if up:
        return gettext("more than before (%(before)s)", before=earlier)
    return gettext("less than before (%(before)s)", before=earlier)


def no_note(_figures: object) -> str:
    """Return the note of a figure that needs none."""
    return ""
