"""What every entry point over HTTP shares: who is asking, in which language, how errors answer."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register what is neither console nor portal: sign-in, preferences, health."""
