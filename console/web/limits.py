"""How often something may be tried: counted in Flask-Limiter's storage, per address and per account.

A try is counted before it is worked on, so that many at once cannot slip
through, and given back when it succeeds: only failures add up. When the storage
does not answer, this process counts by itself for a while; nobody is locked out by it,
and nobody waits for it again and again.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import current_app
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from console.core.context import sealer, settings
from console.core.errors import TooMany
from console.core.places import channel_of
from console.core.texts import lazy_ngettext
from console.extensions import limiter

log = logging.getLogger(__name__)
R = TypeVar("R")

MINUTE = 60
ALONE_SECONDS = 5.0  # for which a storage that did not answer is not asked
_spare = MemoryStorage()
_ALONE_UNTIL = "limits_alone_until"  # key in the application's extensions


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
    allowed, reset = _ask(lambda storage: _hit(storage, limit, key))
    if not allowed:
        raise _too_many(reset, shared=limit.shared)


def give_back(limit: Limit, *who: str) -> None:
    """Take one counted try back, because it succeeded."""
    key = limit.item().key_for(_key(limit, who))
    _ask(lambda storage: _forgive(storage, limit, key))


def _ask(question: Callable[[Storage], R]) -> R:
    """Ask the storage that all processes share; where it does not answer, this process's own."""
    extensions = current_app.extensions
    if time.monotonic() >= extensions.get(_ALONE_UNTIL, 0.0):
        try:
            return question(limiter.storage)
        except Exception:
            log.exception("the limiter's storage does not answer; this process counts by itself")
            extensions[_ALONE_UNTIL] = time.monotonic() + ALONE_SECONDS
    return question(_spare)


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
