"""Redis as we ask it: no answer may hold anything up. Loaded where Redis is used, importing it takes as long as a page.

redis-py waits without an end and, set to try again, ever longer; here each try has one, and its caller says
what is done without an answer.
"""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

SECONDS = 1.0  # for a connection, and for an answer


def options() -> dict[str, Any]:
    """Return the options of ``redis.from_url``: one try more, at once, because an idle connection may have been cut."""
    return {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS, "retry": Retry(NoBackoff(), 1)}


def connect(url: str) -> redis.Redis:
    """Return a client for ``url``."""
    client: redis.Redis = redis.from_url(url, **options())
    return client


def answers(url: str) -> bool:
    """Return whether Redis answers in time."""
    try:
        with connect(url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
