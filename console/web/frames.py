"""HTML of a mail in a page of ours: in a frame where nothing runs and nothing is loaded.

The frame has an origin of its own, no scripts and no forms; its links open a new tab.
"""

from __future__ import annotations

from flask import Flask, Response, make_response

from console.mail.cleaning import clean_document
from console.web.security import POLICY, csp_nonce

# For the attribute of the frame, and again in the answer: opening the address alone allows no more.
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
LETTER_POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    f"frame-ancestors 'self'; sandbox {SANDBOX}"
)


def letter(html: str) -> Response:
    """Answer a mail's HTML, cleaned, for a frame."""
    return _in_frame(clean_document(html), LETTER_POLICY)


def received_letter(document: str, *, remote: bool) -> Response:
    """Answer a received mail's HTML, which is clean, for a frame that may show images.

    Args:
        remote: those of other servers too.
    """
    sources = "data: https:" if remote else "data:"
    return _in_frame(document, f"{LETTER_POLICY}; img-src {sources}")


def _in_frame(document: str, policy: str) -> Response:
    return Response(
        document,
        mimetype="text/html",
        headers={
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex, nofollow, noarchive",
        },
    )


def framing(page: str, status: int = 200) -> Response:
    """Answer a page that shows a frame of ours: its policy lets it, everything else stays as it is."""
    response = make_response(page, status)
    response.headers["Content-Security-Policy"] = POLICY.format(nonce=csp_nonce())
    return response


def init_frames(app: Flask) -> None:
    """Give templates what the attribute of such a frame says."""
    app.jinja_env.globals["letter_sandbox"] = SANDBOX
