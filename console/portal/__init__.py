"""Moj Mint, the customers' portal."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the portal."""
    from console.portal import (  # noqa: F401  (their views register themselves)
        acceptance,
        chat,
        credit,
        dns,
        documents,
        emails,
        handover,
        help_pages,
        home,
        invitation,
        live_chat,
        mail,
        migrations,
        navigation,
        notices,
        orders,
        passwords,
        pay,
        people,
        privacy,
        profile,
        quotes,
        registration,
        requester,
        reversals,
        routes,
        sealed,
        security,
        security_passkeys,
        security_recovery,
        services,
        signin,
        sso,
        tickets,
        transcript,
        transfer_offer,
        unsubscribe,
    )
    from console.portal.blueprint import portal
    from console.portal.oidc import authorization, endpoints, logout  # noqa: F401
    from console.portal.oidc.blueprint import oauth

    app.register_blueprint(portal)
    app.register_blueprint(requester.blueprint)
    app.register_blueprint(sealed.blueprint)
    app.register_blueprint(transcript.blueprint)
    app.register_blueprint(pay.blueprint)
    app.register_blueprint(unsubscribe.blueprint)
    app.register_blueprint(help_pages.blueprint)
    app.register_blueprint(oauth)
    chat.init_app(app)
    navigation.init_app(app)
    sso.init_app(app)
    app.jinja_env.globals.update(portal_has_passkey=security_passkeys.has_passkey)
