"""Values that one request reads once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import TypeVar

from flask import g

Value = TypeVar("Value")


def cached_per_request(read: Callable[..., Value]) -> Callable[..., Value]:
    """Let a function run once a request for each of its arguments (a decorator).

    For what many rows, filters or formatters of a page need and no argument can bring to them, because
    Flask-Admin calls them. What a caller can hand over is an argument.
    """

    @wraps(read)
    def cached(*args: Hashable) -> Value:
        values: dict[Hashable, Value] = g.setdefault("cached_per_request", {})
        key = (read, *args)
        if key not in values:
            values[key] = read(*args)
        return values[key]

    return cached
