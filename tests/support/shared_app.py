"""One application for test after test: making one takes longer than most of them do.

What one test could leave to the next is made for each: database and engine, settings, the counts of the limiter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

from flask import Flask
from sqlalchemy import Engine, create_engine

from console import extensions
from console.core import context
from console.core.db import absolute_url, db, engine_options, prepare_engine
from console.core.settings import Settings
from console.settings.live import LiveSettings


class SharedApp:
    """Lends the application that the test before had, if it was made with the same settings."""

    def __init__(self, make: Callable[[Settings], Flask]) -> None:
        self._make = make
        self._app: Flask | None = None
        self._made_with: Settings | None = None
        self._sockets: object = None

    def lend(self, settings: Settings) -> Flask:
        """Return an application that cannot be told from one just made with ``settings``."""
        if self._app is None or not self._fits(settings):
            self._app = self._make(settings)
            self._made_with = _without_places(settings)
            self._sockets = extensions.socketio.server
        else:
            _bind(self._app, settings)
        return self._app

    def _fits(self, settings: Settings) -> bool:
        # The extensions belong to the application made last: after another one this one is not as it was.
        unchanged = extensions.socketio.server is self._sockets
        return unchanged and settings.clock is None and _without_places(settings) == self._made_with


def _without_places(settings: Settings) -> Settings:
    """Return the settings without what each test has of its own, and an application reads anew."""
    return replace(settings, database_url="", files="", audit_anchor="")


def _bind(app: Flask, settings: Settings) -> None:
    context.attach(app.extensions, settings, LiveSettings(settings))
    url = absolute_url(settings.database_url)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    with app.app_context():
        engine = create_engine(url, **engine_options(settings))
        cast("dict[str | None, Engine]", db.engines)[None] = engine
        prepare_engine(engine)
        extensions.limiter.reset()
