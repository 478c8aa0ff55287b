"""Response headers: a strict Content-Security-Policy with nonces, and its companions."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

from console.web.navigation import bounded_location

POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

STATIC = ("/static/", "/console/static/")


def csp_nonce() -> str:
    """Return this response's nonce."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def allow_form_action(origin: str) -> None:
    """Let the forms of this page lead to ``origin`` too: an address that was registered, never one that was sent."""
    # In ``g`` like the nonce: it is known while the page is drawn, and the header is set after it.
    g.form_targets = [*g.get("form_targets", ()), origin]


def _policy() -> str:
    targets = "".join(f" {origin}" for origin in g.get("form_targets", ()))
    return POLICY.format(nonce=csp_nonce()).replace("form-action 'self'", f"form-action 'self'{targets}")


def keep_private(response: Response) -> Response:
    """Keep an address that is a key out of logs of other sites, search engines and caches.

    The referrer is our origin alone, never the address. None at all would be no safer, and under https no form of the
    page could be sent: the CSRF check looks where a form comes from.
    """
    response.headers["Referrer-Policy"] = "strict-origin"
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Cache-Control"] = "no-store"
    return response


def init_security(app: Flask, *, https: bool) -> None:
    """Set the headers on every response."""

    @app.after_request
    def set_headers(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if response.location:
            response.location = bounded_location(response.location)
        if https:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.path.startswith(STATIC):
            # No document: what a policy would allow is nothing, and the widget on a customer's site asks for many.
            response.headers.setdefault("Content-Security-Policy", "default-src 'none'")
            return response
        response.headers.setdefault("Content-Security-Policy", _policy())
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        # What was opened for one caller must not be found with the Back button after it closed.
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    app.jinja_env.globals["csp_nonce"] = csp_nonce
