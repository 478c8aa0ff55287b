"""How often something may be tried: counted in Flask-Limiter's storage, per address and per account.

A try is counted before it is worked on, so that many at once cannot slip
through, and given back when it succeeds: only failures add up. When the storage
does not answer, this process counts by itself; nobody is locked out by it.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from console.core.context import sealer, settings
from console.core.errors import TooMany
from console.core.places import channel_of
from console.core.texts import lazy_ngettext
from console.extensions import limiter

log = logging.getLogger(__name__)

MINUTE = 60
_spare = MemoryStorage()


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
    try:
        allowed, reset = _hit(limiter.storage, limit, key)
    except Exception:
        log.exception("the limiter's storage does not answer; this process counts by itself")
        allowed, reset = _hit(_spare, limit, key)
    if not allowed:
        raise _too_many(reset, shared=limit.shared)


def give_back(limit: Limit, *who: str) -> None:
    """Take one counted try back, because it succeeded."""
    key = limit.item().key_for(_key(limit, who))
    try:
        _forgive(limiter.storage, limit, key)
    except Exception:
        log.exception("the limiter's storage does not answer")
        _forgive(_spare, limit, key)


def _key(limit: Limit, who: tuple[str, ...]) -> str:
    # Two consoles may share one Redis, and the demo's keys.
    digest = sealer().keyed_digest("limits", "\n".join(who))[:32]
    return f"{channel_of(settings().database_url)}:{limit.name}:{digest}"


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
            "Too many tries from your network in a short time. Try again in %(num)d minute.",
            "Too many tries from your network in a short time. Try again in %(num)d minutes.",
            minutes,
        )
    else:
        text = lazy_ngettext(
            "Too many tries in a short time. Try again in %(num)d minute.",
            "Too many tries in a short time. Try again in %(num)d minutes.",
            minutes,
        )
    return TooMany(text, retry_after=seconds)
