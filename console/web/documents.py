"""A PDF that we made, as an answer: opened in the browser's own viewer, under the name people know the document by."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, request

from console.web.locale import LANGUAGES

# What browsers need to draw a PDF in their own viewer; nothing in the file may run or load anything.
POLICY = (
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)


def chosen_language() -> str | None:
    """Return the language that a document is asked for in (``?lang=en``); ``None``: its own."""
    lang = request.args.get("lang", "")
    return lang if lang in LANGUAGES else None


def pdf_answer(name: str, content: bytes) -> Response:
    """Return a document called ``name`` (without an ending)."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in name)
    return Response(
        content,
        mimetype="application/pdf",
        headers={
            "Content-Disposition": f"inline; filename=\"{plain}.pdf\"; filename*=UTF-8''{quote(name, safe='')}.pdf",
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )
