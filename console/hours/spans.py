"""Arithmetic of half-open spans, of instants or of minutes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

T = TypeVar("T", datetime, int)


def merged(spans: Iterable[tuple[T, T]]) -> list[tuple[T, T]]:
    """Put spans in order; what overlaps or touches is one, what is empty is gone."""
    merged: list[tuple[T, T]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif begin < end:
            merged.append((begin, end))
    return merged


def without(spans: Iterable[tuple[T, T]], holes: Sequence[tuple[T, T]]) -> Iterator[tuple[T, T]]:
    """Yield what is left of ``spans`` (in order) without ``holes`` (merged)."""
    first = 0
    for span in spans:
        begin, end = span
        while first < len(holes) and holes[first][1] <= begin:
            first += 1
        for hole_begin, hole_end in holes[first:]:
            if hole_begin >= end:
                break
            if begin < hole_begin:
                yield begin, hole_begin
            begin = max(begin, hole_end)
        if begin < end:
            yield begin, end


def cut(spans: Iterable[tuple[T, T]], others: Sequence[tuple[T, T]]) -> list[tuple[T, T]]:
    """Return what ``spans`` and ``others`` have in common."""
    return [(max(a, c), min(b, d)) for a, b in spans for c, d in others if max(a, c) < min(b, d)]


def clipped(spans: Iterable[tuple[T, T]], start: T, end: T | None) -> Iterator[tuple[T, T]]:
    """Yield what lies between ``start`` and ``end``."""
    for begin, finish in spans:
        until = finish if end is None else min(finish, end)
        if max(begin, start) < until:
            yield max(begin, start), until
