"""One log line and one measurement a request, with an id that its other lines share."""

from __future__ import annotations

import re
import time
from uuid import uuid4

import structlog
from flask import Flask, Request, Response, current_app, g, request

from console.core.logging import get_logger
from console.core.metrics import REQUESTS
from console.web.incoming import SECRET

log = get_logger("console.access")
# Asked every few seconds by machines: measured, not logged.
_UNLOGGED = frozenset({"health.healthz", "health.readyz", "health.metrics", "static", "static_other", "admin.static"})

CUT = "…"
LONGEST_PART = 20  # of an address that is shown: a token is longer
_SLASHES = re.compile(r"/{2,}")


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
        seconds = time.perf_counter() - started
        endpoint = request.endpoint or "none"
        REQUESTS.labels(endpoint, request.method, response.status_code).observe(seconds)
        if endpoint not in _UNLOGGED:
            response.headers["X-Request-ID"] = g.request_id  # of its lines in the log
            log.info(
                "request",
                method=request.method,
                path=path_of(request),
                status=response.status_code,
                ms=round(seconds * 1000, 1),
                address=request.remote_addr,
            )
        return response

    @app.teardown_request
    def unbind_request_id(_error: BaseException | None) -> None:
        structlog.contextvars.unbind_contextvars("request_id")


def path_of(request: Request) -> str:
    """Return what the log says of the address: never its query, which holds what was searched, and never a secret.

    An address that carries one is told by its pattern. One that matched no route is shown as far as it can hold none:
    up to where ours have theirs, and without what is as long as a token.
    """
    rule = request.url_rule
    if rule is not None:
        return rule.rule if SECRET in rule.rule else request.path
    path = _SLASHES.sub("/", request.path)
    for prefix in _before_secrets():
        if path.lower().startswith(prefix):
            return prefix + CUT
    return "/".join(CUT if len(part) > LONGEST_PART else part for part in path.split("/"))


def _before_secrets() -> list[str]:
    """Return how addresses begin that carry a secret: ``/t/``, ``/chat/files/``. As the routes have it."""
    found: list[str] | None = current_app.extensions.get("before_secrets")
    if found is None:
        rules = (rule.rule for rule in current_app.url_map.iter_rules())
        found = sorted({rule.partition("<")[0] for rule in rules if SECRET in rule}, key=len, reverse=True)
        current_app.extensions["before_secrets"] = found
    return found
