"""One log line and one measurement a request, with an id that its other lines share."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

from console.core.logging import get_logger
from console.core.metrics import REQUESTS

log = get_logger("console.access")
# Asked every few seconds by machines: measured, not logged.
_UNLOGGED = frozenset({"health.healthz", "health.readyz", "health.metrics", "static", "static_other", "admin.static"})


def init_access(app: Flask) -> None:
    """Watch every request."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()
        g.request_id = uuid4().hex
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def finish(response: Response) -> Response:
        started: float | None = g.get("started")
        if started is None:  # refused before it reached us
            return response
        response.headers["X-Request-ID"] = g.request_id
        seconds = time.perf_counter() - started
        endpoint = request.endpoint or "none"
        REQUESTS.labels(endpoint, request.method, response.status_code).observe(seconds)
        if endpoint not in _UNLOGGED:
            log.info(
                "request",
                method=request.method,
                path=_path(),
                status=response.status_code,
                ms=round(seconds * 1000, 1),
                address=request.remote_addr,
            )
        return response

    def log_exception(exc_info: Any) -> None:
        app.logger.error("Exception on %s [%s]", _path(), request.method, exc_info=exc_info)

    app.log_exception = log_exception  # type: ignore[method-assign]  # Flask's own writes a token in the path out

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        structlog.contextvars.unbind_contextvars("request_id")


def _path() -> str:
    """Return the path without its query, which holds what was searched; one with a token as its pattern."""
    rule = request.url_rule
    return rule.rule if rule is not None and "token" in rule.arguments else request.path
