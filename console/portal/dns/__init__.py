"""Domains and their DNS zones, as the FAQ names them: Domeni, Upravljanje DNS zonama."""

from __future__ import annotations

from console.portal.dns import drafts, history, records  # noqa: F401  (their views register themselves)
