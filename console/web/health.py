"""``/healthz``: the process answers. ``/readyz``: what it needs answers. ``/metrics``: what it counted."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from console.core import clock, revisions, storage
from console.core import metrics as counters
from console.core.context import settings
from console.core.db import db
from console.core.errors import NotFound
from console.core.ids import same_token
from console.core.logging import get_logger
from console.mail import relay as mail_relay

log = get_logger(__name__)
health = Blueprint("health", __name__)
LOOPBACK = frozenset({"127.0.0.1", "::1"})


@health.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Answer, as long as the process can."""
    return jsonify(status="ok")


@health.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Answer 200 when requests can be served: the database is there and up to date, and there is room to write.

    Without Redis all works but pushes between processes, which are caught up with: that is ``degraded``, and ready.
    """
    shortage = storage.shortage()
    checks = {"database": _database_ready(), "storage": shortage is None}
    ready = all(checks.values())
    url = settings().redis_url
    if url:
        checks["redis"] = _redis_ready(url)
    status = "not ready" if not ready else "ready" if all(checks.values()) else "degraded"
    reason = {} if shortage is None else {"reason": shortage}
    return jsonify(status=status, checks=checks, **reason), 200 if ready else 503


@health.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Answer to this machine alone, or to who knows ``CONSOLE_METRICS_TOKEN``.

    Raises:
        NotFound: for anyone else.
    """
    if not _may_read_metrics():
        raise NotFound
    _look_at_mail()
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics() -> bool:
    token = settings().metrics_token
    sent_token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token is not None and same_token(sent_token, token):
        return True
    # A request that a proxy passed on comes from loopback too, but says so.
    passed_on = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return request.remote_addr in LOOPBACK and not passed_on


def _look_at_mail() -> None:
    """Read how mail does, so that it is told wherever the worker runs; without a database the last look stands."""
    try:
        queue, failing = mail_relay.queue(), mail_relay.relay() is not None
    except SQLAlchemyError as error:
        log.warning("mail's queue cannot be read", error=type(error).__name__)
        return
    counters.MAIL_QUEUE.set(queue.waiting)
    counters.MAIL_AGE.set((clock.now() - queue.oldest).total_seconds() if queue.oldest else 0)
    counters.MAIL_RELAY_FAILING.set(failing)


def _database_ready() -> bool:
    try:
        return revisions.current(db.engine) == revisions.newest()
    except SQLAlchemyError as error:
        log.warning("database not ready", error=type(error).__name__)
        return False


def _redis_ready(url: str) -> bool:
    from console.core import redis_client  # loading it takes long, and only some use it

    return redis_client.answers(url)
