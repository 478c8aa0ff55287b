"""What is written about a migration: to both owners at each step, each with their own side alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.billing.migration.obstacles import REASONS
from console.billing.models import Migration
from console.core.actor import Actor
from console.core.context import settings
from console.core.texts import in_language
from console.customers.mail_categories import addressee, receivers
from console.customers.models import Customer, Membership
from console.customers.rights import MailCategory
from console.mail.links import SecretLink
from console.mail.service import queue, write_to
from console.staff.queries import staff_who_may
from console.staff.roles import Permission

OFFER_PATH = "/moj/transfer/"


def notify_requested(migration: Migration, old: Customer, services: Sequence[Any]) -> None:
    """Write to the old owner that a transfer of theirs was requested."""
    for member in receivers(old, MailCategory.PRODUCT):
        write_to(
            addressee(member),
            old,
            "migration_requested",
            about=f"migration:{migration.ref}",
            ref=migration.ref,
            services=[service.label for service in services],
        )


def notify_rejected(migration: Migration) -> None:
    """Write to the old owner that the transfer is rejected, and why."""
    customer = migration.from_customer
    for member in receivers(customer, MailCategory.PRODUCT):
        write_to(
            addressee(member),
            customer,
            "migration_rejected",
            about=f"migration:{migration.ref}",
            ref=migration.ref,
            reason=migration.end_reason,
        )


def notify_both(migration: Migration, what: str, **values: Any) -> None:
    """Write to both owners where a migration stands.

    Args:
        what: the step, as ``migration_update`` says it.
    """
    notify_old(migration, what, **values)
    notify_new(migration, what, **values)


def notify_old(migration: Migration, what: str, **values: Any) -> None:
    """Write to the old owner's side alone."""
    _notify(migration, migration.from_customer, "old", what, values)


def notify_new(migration: Migration, what: str, **values: Any) -> None:
    """Write to the new owner's side alone."""
    _notify(migration, migration.to_customer, "new", what, values)


def _notify(migration: Migration, customer: Customer, side: str, what: str, values: dict[str, Any]) -> None:
    for member in receivers(customer, MailCategory.PRODUCT):
        write_to(
            addressee(member),
            customer,
            "migration_update",
            about=f"migration:{migration.ref}",
            what=what,
            side=side,
            ref=migration.ref,
            services=labels_of(migration),
            **({"reason": "", "at": None, "domains": [], "why": None} | values),
        )


def offer(
    actor: Actor, migration: Migration, owner: Membership, token: str, documents: Sequence[dict[str, Any]]
) -> None:
    """Write to the new owner what they would take over, with the link by which they accept it.

    Raises:
        TooMany: their address got enough of these within the hour.
    """
    customer, person = migration.to_customer, addressee(owner)
    queue(
        "migration_offer",
        to_address=person.email,
        to_name=person.name,
        language=person.language or customer.language,
        customer_id=customer.id,
        about=f"migration:{migration.ref}",
        caused_by=actor,
        name=person.name,
        ref=migration.ref,
        services=labels_of(migration),
        documents=documents,
        domains=[domain.readable_name for domain in migration.rnids_domains],
        until=migration.expires_at,
        link=SecretLink(f"{settings().base_url}{OFFER_PATH}", token),
        portal=settings().portal_brand,
    )


def notify_billing_stopped(migration: Migration, code: str) -> None:
    """Write to billing that a scheduled migration was not executed, and why."""
    for staff in staff_who_may(Permission.DECIDE_MIGRATION):
        with in_language(staff.language or settings().locale):
            reason = str(REASONS[code])
        write_to(
            staff,
            None,
            "migration_stopped",
            about=f"migration:{migration.ref}",
            ref=migration.ref,
            reason=reason,
            at=migration.stopped_at,
            url=f"{settings().base_url}/console/migrations/{migration.ref}",
        )


def labels_of(migration: Migration) -> list[str]:
    """Return what moves, as mails name it."""
    return [f"{item.service.product.name} · {item.service.label}" for item in migration.items]
