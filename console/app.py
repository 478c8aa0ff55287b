"""The application: the only place that wires its parts."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from flask import Flask, redirect, url_for
from flask.typing import ResponseReturnValue
from socketio import Manager
from werkzeug.middleware.proxy_fix import ProxyFix

from console import extensions, models, portal, speedups, views, web
from console.core import clock, context, logging, push
from console.core.db import Base, init_db
from console.core.places import TEMPLATES, channel_of
from console.core.settings import Settings, check_settings
from console.core.transaction import end_context
from console.settings.live import LiveSettings
from console.web import (
    access,
    catalog,
    compression,
    connections,
    cookies,
    errors,
    filters,
    incoming,
    security,
    socket_guard,
    sockets,
    static_files,
)
from console.web.application import Application

ROOT = Path(__file__).resolve().parents[1]
MAX_FORM = 12 * 1024 * 1024  # a file of services, one day attachments


# Handlers of Socket.IO events register themselves when their module is imported.
SOCKETS = ("console.tickets.sockets", "console.chat.sockets")
# What a lower domain makes a higher one do, without its being imported there.
HOOKS = (
    "console.billing.duties.making", "console.chat.service.address_change", "console.tickets.service.address_change",
    "console.tickets.service.handover",
)  # fmt: skip
for _module in (*SOCKETS, *HOOKS):
    import_module(_module)


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application.

    Args:
        settings: read from the environment when not given.

    Raises:
        SettingsError: a setting is wrong or not allowed in this environment.
    """
    settings = settings or Settings.from_environ()
    check_settings(settings)
    static = ROOT / "console/static"
    app = Application(
        "console",
        static_folder=str(static),
        static_url_path=static_files.address(static, cached=settings.env != "development"),
        template_folder=str(TEMPLATES),
    )
    speedups.install(app, settings)
    _configure(app, settings)
    incoming.init_app(app)
    context.attach(app.extensions, settings, LiveSettings(settings))
    if settings.clock is not None:
        clock.start_at(settings.clock)
    models.load()
    logging.configure()
    access.init_access(app)  # first, so that what is refused early is logged too
    init_db(app, settings)
    app.teardown_appcontext(end_context)  # before Flask-SQLAlchemy's own: what came later is called earlier
    _bind_extensions(app, settings)
    push.wire(sockets.send, sockets.take_out)
    static_files.init_app(app)
    security.init_security(app, https=settings.https)
    filters.init_filters(app)
    errors.init_errors(app)
    web.init_app(app)
    views.init_app(app)
    portal.init_app(app)
    compression.init_app(app)

    @app.get("/")
    def root() -> ResponseReturnValue:
        return redirect(url_for("admin.index"))

    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME=cookies.cookie_name("console", https=settings.https),
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_HTTPONLY=True,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=settings.session_hours),
        MAX_CONTENT_LENGTH=MAX_FORM,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=settings.https,
        BABEL_DEFAULT_LOCALE=settings.locale,
        BABEL_DEFAULT_TIMEZONE=settings.timezone,
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "console/translations"),
        RATELIMIT_STORAGE_URI=settings.redis_url or "memory://",
        RATELIMIT_STORAGE_OPTIONS=_storage_options(settings),
        RATELIMIT_SWALLOW_ERRORS=True,
        RATELIMIT_HEADERS_ENABLED=False,
    )


def _client_manager(settings: Settings) -> Manager:
    """Return what keeps the connections of this process, and tells those of others where there may be others."""
    if not settings.redis_url:
        return Manager()
    from console.web.pushes import RedisPushes

    channel = channel_of(settings.database_url)  # two consoles may share one Redis
    return RedisPushes(settings.redis_url, channel, (sockets.DESK, sockets.VISITOR))


def _storage_options(settings: Settings) -> dict[str, Any]:
    """Return how the limiter asks its storage: one that hangs must not hold sign-ins up."""
    if not settings.redis_url:
        return {}
    from console.core import redis_client

    return redis_client.options()


def _bind_extensions(app: Flask, settings: Settings) -> None:
    extensions.babel.init_app(app, locale_selector=catalog.choose_locale, timezone_selector=lambda: settings.timezone)
    catalog.init_app(app)
    extensions.csrf.init_app(app)
    extensions.limiter.init_app(app)
    extensions.login_manager.init_app(app)
    extensions.socketio.init_app(
        app,
        async_mode="gevent",
        async_handlers=False,  # True reorders one sender's messages
        client_manager=_client_manager(settings),
        transports=["websocket"],
        cors_allowed_origins=[settings.base_url, *settings.allowed_origins],
        max_http_buffer_size=64 * 1024,
    )
    connections.init_app(app)
    socket_guard.init_app(app)
    if settings.production:  # around the sockets too, whose limits count by address
        hosts = int(settings.forwarded_host)  # else a client's own X-Forwarded-Host would pass a proxy that sets none
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=hosts)  # type: ignore[method-assign]


__all__ = ["Base", "create_app"]
