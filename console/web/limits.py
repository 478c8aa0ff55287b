"""How often something may be tried: counted in Flask-Limiter's storage, per address and per account.

A try is counted before it is worked on, so that many at once cannot slip
through, and given back when it succeeds: only failures add up. When the storage
does not answer, this process counts by itself for a while; no one is locked out by it,
and no request waits for it again and again.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakKeyDictionary

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, Storage
from limits.strategies import FixedWindowRateLimiter, SlidingWindowCounterRateLimiter

from console.core.context import sealer, settings
from console.core.errors import TooMany
from console.core.places import channel_of
from console.core.rates import Bucket, bucket
from console.core.texts import lazy_gettext, lazy_ngettext
from console.extensions import limiter

log = logging.getLogger(__name__)

MINUTE = 60
SILENT = 5.0  # seconds in which a storage that did not answer is not asked again
MOST_BUCKETS = 20_000
_spare = MemoryStorage()
_silent: WeakKeyDictionary[Storage, float] = WeakKeyDictionary()
_buckets: dict[str, Bucket] = {}  # who rested for the longest first
A = TypeVar("A")


@dataclass(frozen=True)
class Limit:
    """At most ``amount`` of something called ``name`` within ``seconds``.

    Args:
        shared: it counts what many people may do from one network address: who is refused need not have done it.
    """

    name: str
    amount: int
    seconds: int
    shared: bool = False

    def item(self) -> RateLimitItem:
        return RateLimitItemPerSecond(self.amount, self.seconds, namespace="CONSOLE")


def count(limit: Limit, *who: str) -> None:
    """Count one try of ``who`` (an address, an e-mail; kept as a keyed digest).

    Raises:
        TooMany: with the seconds to wait.
    """
    key = _key(limit, who)
    allowed, reset = _with_storage(lambda storage: _hit(storage, limit, key))
    if not allowed:
        raise _too_many(reset, shared=limit.shared)


def give_back(limit: Limit, *who: str) -> None:
    """Take one counted try back, because it succeeded."""
    key = limit.item().key_for(_key(limit, who))
    _with_storage(lambda storage: _forgive(storage, limit, key))


@dataclass(frozen=True)
class Pace:
    """How fast something called ``name`` may be done: ``burst`` at once, then ``per_second``."""

    name: str
    per_second: int
    burst: int


def keep_pace(pace: Pace, *who: str) -> None:
    """Count one thing that ``who`` does, whatever connections they do it over, and in whichever processes.

    Each process keeps to the pace exactly. Where there are several, the storage bounds what all of them let through:
    it is never stricter than the pace, and no more than a burst above it.

    Raises:
        TooMany: with the seconds to wait.
    """
    key = _named(pace.name, who)
    own = _bucket(pace, key)
    if not own.take(time.monotonic()):
        raise _too_fast(own.wait())
    if settings().redis_url:
        for seconds in (1, MINUTE):
            item = RateLimitItemPerSecond(pace.burst + seconds * pace.per_second, seconds, namespace="CONSOLE")
            if not _with_storage(lambda storage, item=item: SlidingWindowCounterRateLimiter(storage).hit(item, key)):  # type: ignore[misc]
                raise _too_fast(1)


def _bucket(pace: Pace, key: str) -> Bucket:
    """Return the bucket of who does it; those that rested for the longest are forgotten: they are full."""
    now = time.monotonic()
    found = _buckets.pop(key, None) or bucket(pace.per_second, pace.burst, now)
    _buckets[key] = found
    while len(_buckets) > MOST_BUCKETS:
        del _buckets[next(iter(_buckets))]
    return found


def _too_fast(seconds: float) -> TooMany:
    words = lazy_gettext("You are sending messages too quickly. Your text is saved and will be sent in a moment.")
    return TooMany(words, retry_after=max(1, round(seconds)))


def _with_storage(ask: Callable[[Storage], A]) -> A:
    """Ask the storage; for a while after it did not answer, this process's own. Then one tries it again, no more."""
    storage, now = limiter.storage, time.monotonic()
    if _silent.get(storage, 0.0) > now:
        return ask(_spare)
    if storage in _silent:
        _silent[storage] = now + SILENT
    try:
        answer = ask(storage)
    except Exception:
        log.exception("the limiter's storage does not answer; this process counts by itself")
        _silent[storage] = time.monotonic() + SILENT
        return ask(_spare)
    _silent.pop(storage, None)
    return answer


def _key(limit: Limit, who: tuple[str, ...]) -> str:
    return _named(limit.name, who)


def _named(name: str, who: tuple[str, ...]) -> str:
    # Two consoles may share one Redis, and the demo's keys.
    digest = sealer().keyed_digest("limits", "\n".join(who))[:32]
    return f"{channel_of(settings().database_url)}:{name}:{digest}"


def _hit(storage: Storage, limit: Limit, key: str) -> tuple[bool, float]:
    strategy = FixedWindowRateLimiter(storage)
    allowed = strategy.hit(limit.item(), key)
    return allowed, strategy.get_window_stats(limit.item(), key).reset_time


def _forgive(storage: Storage, limit: Limit, key: str) -> None:
    if storage.get(key) > 0:
        storage.incr(key, limit.seconds, -1)


def _too_many(reset: float, *, shared: bool) -> TooMany:
    seconds = max(1, math.ceil(reset - time.time()))
    minutes = math.ceil(seconds / MINUTE)
    if shared:
        text = lazy_ngettext(
            "Too many attempts from your network. Try again in %(num)d minute.",
            "Too many attempts from your network. Try again in %(num)d minutes.",
            minutes,
        )
    else:
        text = lazy_ngettext(
            "Too many attempts. Try again in %(num)d minute.",
            "Too many attempts. Try again in %(num)d minutes.",
            minutes,
        )
    return TooMany(text, retry_after=seconds)
