"""Uploaded files are sent as downloads, never as a page of ours."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response

from console.core.context import files
from console.core.errors import FileGone
from console.core.files import DamagedFile
from console.core.logging import get_logger

log = get_logger(__name__)

# Whatever it is called: nothing is drawn, run or guessed in our origin.
SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"


def download_kept(name: str, digest: str) -> Response:
    """Return a file that we keep as a download called ``name``.

    Raises:
        FileGone: it is missing or damaged; ``console doctor`` says which rows name it.
    """
    try:
        return download(name, files().get(digest))
    except (FileNotFoundError, DamagedFile) as error:
        log.warning("a file is missing or damaged: run `console doctor`", digest=digest, error=type(error).__name__)
        raise FileGone from error


def download(name: str, content: bytes) -> Response:
    """Return ``content`` as a download called ``name``."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "._- ") else "_" for char in name) or "file"
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(
        content,
        mimetype="application/octet-stream",
        headers={
            "Content-Disposition": disposition,
            "Content-Security-Policy": SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )
