"""Pushes between processes, over Redis, in the background: an acknowledgement never waits for them.

python-socketio's own manager for Redis publishes where it is asked to, for as long as Redis takes, and doubles its
pause whenever it fails to subscribe again. This one, on the base that the library gives for other queues, puts a
push down and lets a thread (on gevent: a greenlet) carry it. While Redis is away pushes are dropped; once it is back,
every client is told that it may have missed some, and asks for what it lacks by its numbers.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import redis
from gevent.monkey import is_module_patched
from socketio import PubSubManager

from console.core import redis_client
from console.core.logging import get_logger
from console.core.metrics import PUSHES

log = get_logger(__name__)

MISSED = "pushes:missed"  # the event after which a client asks for what it lacks
MOST_WAITING = 10_000
PAUSE = 0.5  # seconds between two tries while Redis is away
PING_EVERY, SILENT = 1.0, 4.0  # a subscription that has said nothing for so long is dead, whatever its socket says
LAST_SECONDS = 2.0  # for what a command has still to say at its end


class RedisPushes(PubSubManager):
    """Carries what one process emits to the others on the same channel."""

    name = "redis"

    def __init__(self, url: str, channel: str, namespaces: tuple[str, ...]) -> None:
        super().__init__(channel=channel)
        self._url = url
        self._namespaces = namespaces
        self._waiting: deque[str] = deque(maxlen=MOST_WAITING)
        self._wake = threading.Event()
        self._carrier: threading.Thread | None = None
        self._ending = False
        self._lost = False  # whether the subscription was

    # --- sending ------------------------------------------------------------------------------------------------------

    def _publish(self, data: dict[str, Any]) -> None:
        """Put a message down for the carrier; the library's hook, which may not wait."""
        self._waiting.append(self.json.dumps(data))
        if self._carrier is None:
            self._carrier = threading.Thread(target=self._carry, name="pushes", daemon=True)
            self._carrier.start()
            if not is_module_patched("threading"):  # a command, which ends when it has said all
                atexit.register(self._finish)
        self._wake.set()

    def _finish(self) -> None:
        self._ending = True
        self._wake.set()
        if self._carrier is not None:
            self._carrier.join(LAST_SECONDS)

    def _carry(self) -> None:
        client = redis_client.connect(self._url)
        while self._waiting or not self._ending:
            self._wake.wait()
            self._wake.clear()
            try:
                self._carry_waiting(client)
            except redis.RedisError as error:
                self._wait_for_redis(client, error)

    def _carry_waiting(self, client: redis.Redis) -> None:
        while self._waiting:
            if len(self._waiting) == MOST_WAITING:
                raise redis.RedisError("more waits than is kept")
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            with client.pipeline(transaction=False) as together:
                for message in batch:
                    together.publish(self.channel, message)
                together.execute()
            PUSHES.labels("published").inc(len(batch))

    def _wait_for_redis(self, client: redis.Redis, error: redis.RedisError) -> None:
        """Drop what is to be said until Redis answers, then let all clients ask for it."""
        log.warning("pushes are dropped, Redis does not answer", error=type(error).__name__)
        while not self._ending:
            PUSHES.labels("dropped").inc(len(self._waiting))
            self._waiting.clear()
            try:
                client.ping()
                break
            except redis.RedisError:
                time.sleep(PAUSE)
        if self._ending:
            return
        log.info("pushes go out again")
        for namespace in self._namespaces:
            self.emit(MISSED, {}, namespace=namespace)

    # --- receiving ----------------------------------------------------------------------------------------------------

    def _listen(self) -> Iterator[Any]:
        """Yield what others publish, without end; the library's hook."""
        while True:
            try:
                with redis_client.connect(self._url) as client, client.pubsub() as subscription:
                    subscription.subscribe(self.channel)
                    yield from self._messages(subscription)
            except redis.RedisError as error:
                if not self._lost:
                    log.warning("pushes of others do not come, Redis does not answer", error=type(error).__name__)
                self._lost = True
            time.sleep(PAUSE)

    def _messages(self, subscription: redis.client.PubSub) -> Iterator[Any]:
        heard = pinged = time.monotonic()
        while True:
            message = subscription.get_message(timeout=PING_EVERY)
            now = time.monotonic()
            if message is not None:
                heard = now
                if message["type"] == "message":
                    yield message["data"]
                elif message["type"] == "subscribe" and self._lost:
                    self._lost = False
                    self._push_missed()
            elif now - heard > SILENT:
                raise redis.TimeoutError("the subscription is silent")
            if now - pinged >= PING_EVERY:
                subscription.ping()
                pinged = now

    def _push_missed(self) -> None:
        log.info("pushes of others come again")
        for namespace in self._namespaces:
            self.emit(MISSED, {}, namespace=namespace, ignore_queue=True)
