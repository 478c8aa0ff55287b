"""Keeping gevent's one thread free of long work on the processor."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from gevent import monkey

P = ParamSpec("P")
R = TypeVar("R")


def off_the_hub(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run ``work`` in gevent's thread pool where gevent runs, so that other requests go on.

    Args:
        work: knows no application context and no database.
    """
    if not monkey.is_module_patched("threading"):
        return work(*args, **kwargs)
    import gevent

    result: R = gevent.get_hub().threadpool.apply(work, args, kwargs)
    return result
