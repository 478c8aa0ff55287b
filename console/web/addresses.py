"""Addresses of pages, worked out once: a page has a hundred of them, and most are the same on all."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, get_args

import flask
from flask import current_app, has_request_context, request

CACHE_SIZE = 4_000
Value = str | int | bool | None
PLAIN = get_args(Value)  # told sooner than from the union


def url_for(endpoint: str, **values: Any) -> str:
    """Return the address of ``endpoint``, as Flask does."""
    # One that begins with a dot means another on each page; one with "_" may be absolute.
    plain = not endpoint.startswith(".") and all(
        isinstance(value, PLAIN) and not name.startswith("_") for name, value in values.items()
    )
    if plain and has_request_context():
        version = current_app.static_url_path if endpoint == "static" else None
        return _built(request.script_root, version, endpoint, tuple(values.items()))
    return flask.url_for(endpoint, **values)


@lru_cache(maxsize=CACHE_SIZE)
def _built(_root: str, _version: str | None, endpoint: str, values: tuple[tuple[str, Value], ...]) -> str:
    return flask.url_for(endpoint, **dict(values))  # type: ignore[arg-type]
