"""Moj Mint, the customers' portal."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the portal."""
    from console.portal import (  # noqa: F401  (their views register themselves)
        chat,
        help_pages,
        invitation,
        mail,
        navigation,
        passwords,
        people,
        privacy,
        registration,
        requester,
        routes,
        sealed,
        signin,
        transcript,
    )
    from console.portal.blueprint import portal

    app.register_blueprint(portal)
    app.register_blueprint(requester.blueprint)
    app.register_blueprint(sealed.blueprint)
    app.register_blueprint(transcript.blueprint)
    app.register_blueprint(help_pages.blueprint)
    chat.init_app(app)
    navigation.init_app(app)
