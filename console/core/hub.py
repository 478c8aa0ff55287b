"""Keeping gevent's one thread free of long work: of the processor's, and of the garbage collector's."""

from __future__ import annotations

import gc
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


def rest_the_collector() -> None:
    """Take what is loaded now out of the garbage collector's sight, and let it look less often.

    Its full rounds stop the hub: they made the tail of a message's delay (docs/performance.md). It still collects.
    A process that serves has it off until here; a round now would cost a tenth of the start, and find next to nothing.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()
