"""Where to go next: only ever to a page of ours."""

from __future__ import annotations

from urllib.parse import urlsplit

MAX_PATH = 1_000


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
