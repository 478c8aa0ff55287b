"""Quantiles, means and shares of counted values. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

SATISFIED = 4  # the lowest score of a satisfied rating


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the value below which ``share`` of the values lie, as ``percentile_cont`` does.

    Args:
        counts: how often each value occurs. A period has some hundred different times however many tickets
            there are, so both databases count them and this one function does the rest.
        share: 0.5 is the median.
    """
    total = sum(counts.values())
    if total == 0:
        return None
    place = share * (total - 1)
    low = int(place)
    first, second = _at(counts, low), _at(counts, min(low + 1, total - 1))
    return first + (second - first) * (place - low)


def _at(counts: Mapping[int, int], place: int) -> int:
    for value in sorted(counts):
        place -= counts[value]
        if place < 0:
            return value
    raise IndexError(place)


def percent(part: int, whole: int) -> float | None:
    """Return ``part`` of ``whole`` in percent; ``None`` where there is nothing."""
    return 100 * part / whole if whole else None


def mean(counts: Counter[int]) -> float | None:
    """Return the average of counted values."""
    total = sum(counts.values())
    return sum(value * count for value, count in counts.items()) / total if total else None


def content_percent(scores: Counter[int]) -> float | None:
    """Return the share of satisfied ratings in percent (CSAT)."""
    return percent(sum(count for score, count in scores.items() if score >= SATISFIED), scores.total())
