"""What every entry point over HTTP shares: who is asking, in which language, how errors answer."""

from __future__ import annotations

from flask import Flask

from console.web import (
    demo_clock,
    demo_mailbox,
    frames,
    password_reset,
    preferences,
    script_texts,
    staff_outside,
    staff_signin,
)
from console.web.health import health


def init_app(app: Flask) -> None:
    """Register what is neither console nor portal: sign-in, preferences, health."""
    app.register_blueprint(health)
    app.register_blueprint(staff_signin.blueprint)
    app.register_blueprint(staff_outside.blueprint)
    app.register_blueprint(password_reset.blueprint)
    app.register_blueprint(preferences.blueprint)
    app.register_blueprint(demo_mailbox.blueprint)
    demo_clock.init_app(app)
    frames.init_frames(app)
    script_texts.init_app(app)
