"""Every table, loaded together: mappings name each other, and Alembic compares them all."""

from __future__ import annotations

from importlib import import_module

DOMAINS = (
    "audit",
    "hours",
    "mail",
    "tokens",
    "staff",
    "settings",
    "customers",
    "hosting",
    "billing",
    "tickets",
    "tickets.sla",
    "tickets.canned",
    "tickets.reviews",
    "chat",
)


def load() -> None:
    """Import the models of every domain."""
    for domain in DOMAINS:
        import_module(f"console.{domain}.models")
