"""Structured logs: JSON in production, readable lines elsewhere, secrets in neither.

What is logged carries the request's id. Form bodies are never logged; a value
whose key names a secret is dropped wherever it is.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog
from structlog.typing import Processor

HIDDEN = "[hidden]"
_SECRET = re.compile(
    r"(^|_|-)(pin|pass|password|passwd|lozinka|code|otp|totp|token|tokens|secret|secrets|key|keys|cookie|cookies|"
    r"authorization|auth|session|form|body|csrf|hash|digest|sealed|signature)($|_|-|s$)",
    re.IGNORECASE,
)
# Keys that only look like one of the above.
_HARMLESS = frozenset({"status_code", "code_path", "key_id", "country_code"})
_QUIET = ("geventwebsocket", "engineio", "socketio", "apscheduler", "alembic", "urllib3", "fontTools", "fpdf")


def hide_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace every value whose key names a secret, at any depth (a structlog processor)."""
    return {key: HIDDEN if _is_secret(key) else _cleaned(value) for key, value in event.items()}


def _is_secret(key: str) -> bool:
    return key not in _HARMLESS and _SECRET.search(key) is not None


def _cleaned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: HIDDEN if _is_secret(str(key)) else _cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return value


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]


def configure() -> None:
    """Send structlog through the standard library, so that both write the same lines. Repeatable."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def write_to_stderr(*, production: bool) -> None:
    """Write every log line of this process to stderr. Called once, by what serves or works."""
    render: Processor
    if production:
        render = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        render = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    # A traceback without local variables: they hold what was typed.
    traceback: list[Processor] = [structlog.processors.format_exc_info] if production else []
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *traceback, render],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger: ``log.info("migration.executed", ref=ref)``."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
