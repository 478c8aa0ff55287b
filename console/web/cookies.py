"""Cookies of ours: one way to name them.

Under https each has the prefix ``__Host-``: no neighbour under the same domain, and no page without TLS, can set one in
its place. A browser takes such a name only with ``Secure``, for the path ``/`` and without a domain.
The scripts name theirs alike (``static/lib/cookies.js``).
"""

from __future__ import annotations

from flask import Response, request

from console.core.context import settings

PREFIX = "__Host-"
YEAR = 365 * 24 * 3600


def cookie_name(name: str, *, https: bool) -> str:
    """Return what a cookie of ours is called."""
    return f"{PREFIX}{name}" if https else name


def read_cookie(name: str) -> str:
    """Return what this browser was told to remember under ``name``; empty where it was told nothing."""
    return request.cookies.get(cookie_name(name, https=settings().https), "")


def remember(response: Response, name: str, value: str) -> None:
    """Let this browser remember ``value`` for a year. No script reads it."""
    https = settings().https
    response.set_cookie(
        cookie_name(name, https=https), value, max_age=YEAR, path="/", samesite="Lax", secure=https, httponly=True
    )
