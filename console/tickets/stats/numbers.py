"""Medians and the like, from counted values. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

CONTENT = 4  # from this score on whoever rated was content


def quantile(counted: Mapping[int, int], share: float) -> float | None:
    """Return the value below which ``share`` of the values lie, as ``percentile_cont`` does.

    Args:
        counted: how often each value occurs. A period's times are some hundred values however many tickets
            there are, so both databases count them and this one function does the rest.
        share: 0.5 is the median.
    """
    many = sum(counted.values())
    if many == 0:
        return None
    place = share * (many - 1)
    low = int(place)
    first, second = _at(counted, low), _at(counted, min(low + 1, many - 1))
    return first + (second - first) * (place - low)


def _at(counted: Mapping[int, int], place: int) -> int:
    for value in sorted(counted):
        place -= counted[value]
        if place < 0:
            return value
    raise IndexError(place)


def percent(part: int, whole: int) -> float | None:
    """Return ``part`` of ``whole`` in percent; nothing of nothing."""
    return 100 * part / whole if whole else None


def mean(counted: Counter[int]) -> float | None:
    """Return the average of counted values."""
    many = sum(counted.values())
    return sum(value * count for value, count in counted.items()) / many if many else None


def content_percent(scores: Counter[int]) -> float | None:
    """Return how many of those who rated were content, in percent."""
    return percent(sum(count for score, count in scores.items() if score >= CONTENT), scores.total())
