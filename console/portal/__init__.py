"""Moj Mint, the customers' portal."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the portal."""
