"""Every table, loaded together: mappings name each other, and Alembic compares them all."""

from __future__ import annotations

from importlib import import_module

TABLES = (
    "core.idempotency",
    "audit.models",
    "hours.models",
    "mail.models",
    "mail.mailboxes.models",
    "mail.receiving.models",
    "tokens.models",
    "staff.models",
    "settings.models",
    "help.models",
    "customers.models",
    "identity.models",
    "identity.oidc.models",
    "customers.account.models",
    "hosting.models",
    "hosting.dns.models",
    "billing.models",
    "billing.statements.models",
    "billing.payments.models",
    "billing.ledger.models",
    "billing.duties.models",
    "billing.migration.models",
    "billing.quotes.models",
    "billing.renewals.models",
    "billing.pdf.models",
    "billing.pay_links.models",
    "tickets.models",
    "tickets.sla.models",
    "tickets.canned.models",
    "tickets.reviews.models",
    "tickets.service_requests.models",
    "tickets.mail_in.models",
    "chat.models",
    "privacy.models",
)


def load() -> None:
    """Import every module with tables."""
    for module in TABLES:
        import_module(f"console.{module}")
