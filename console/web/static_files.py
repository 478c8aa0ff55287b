"""Browsers keep our static files for a year: their address changes when one of them does.

Without this every page asks for each of its scripts whether it is still the same. The version stands before the file's
name, not behind it, so that modules which import each other by relative names stay within one version.

In development, where files are changed under a running server, browsers ask each time.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

from flask import Flask, Response, current_app, request

PLAIN = "/static"
YEAR = timedelta(days=365)
_LENGTH = 12  # hexadecimal digits


def address(folder: Path, *, cached: bool) -> str:
    """Return where the files of ``folder`` are served, with their common version if browsers may keep them."""
    return f"{PLAIN}/{_version(folder)}" if cached else PLAIN


def init_app(app: Flask) -> None:
    """Let browsers keep the files, and answer other versions' addresses with the present files."""
    if app.static_url_path == PLAIN:
        return
    app.add_url_rule(f"{PLAIN}/<path:filename>", "static_other", _other)
    app.after_request(_keep)


def _version(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
        found.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:_LENGTH]


def _other(filename: str) -> Response:
    """Answer a page of another version, or an address from elsewhere.

    While an update goes round, pages of one process ask another for their files. Sent on to its own address they would
    be sent back, so they are given what there is, not to keep.
    """
    version, _, rest = filename.partition("/")
    is_other = len(version) == _LENGTH and set(version) <= set("0123456789abcdef")
    answer = current_app.send_static_file(rest if is_other else filename)
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _keep(response: Response) -> Response:
    if request.endpoint == "static":
        cached = response.status_code in (200, 206, 304)
        seconds = int(YEAR.total_seconds())
        response.headers["Cache-Control"] = f"public, max-age={seconds}, immutable" if cached else "no-store"
        # The ETag is the better one, and a script is no download: with its headers a small file is twice as large.
        del response.headers["Last-Modified"], response.headers["Content-Disposition"]
    return response
