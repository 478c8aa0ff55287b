"""The console's pages (Flask-Admin)."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the console."""
