"""Where to go next: only ever to a page of ours."""

from __future__ import annotations

from urllib.parse import urlsplit

MAX_PATH = 1_000
MAX_LOCATION = 2_000  # of an address that we send a browser to: servers in front of us refuse longer headers


def local_path(target: object, default: str) -> str:
    r"""Return ``target`` if it is a path on this site, else ``default``.

    Browsers drop tabs and line breaks, read ``\`` as ``/`` and ``//host`` as
    another host, so all of these are refused rather than repaired.
    """
    if not isinstance(target, str) or not 0 < len(target) <= MAX_PATH:
        return default
    if not target.startswith("/") or target.startswith("//") or "\\" in target:
        return default
    if not target.isprintable():
        return default
    try:
        parts = urlsplit(target)
    except ValueError:
        return default
    return default if parts.scheme or parts.netloc else target


def bounded_location(location: str) -> str:
    """Return where an answer leads, without its query where it is too long: what a client sent is not sent back whole.

    What a query of that length says is nothing of ours: an attempt to fill headers, of us or of a proxy.
    """
    return location if len(location) <= MAX_LOCATION else location.partition("?")[0][:MAX_LOCATION]
