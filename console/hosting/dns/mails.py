"""What is written to an account's people when support changed a domain's records."""

from __future__ import annotations

from collections.abc import Sequence

from console.core.actor import Actor
from console.customers.mail_categories import addressee, receivers
from console.customers.rights import MailCategory
from console.hosting.dns.rules import RecordData
from console.hosting.dns.zone_files import line
from console.hosting.models import Domain
from console.mail.service import write_to

MAX_LINES = 20


def notify_account(actor: Actor, domain: Domain, added: Sequence[RecordData], removed: Sequence[RecordData]) -> None:
    """Write to those who get mail about domains that support changed records for a caller."""
    if actor.kind != "staff":
        return
    customer = domain.service.customer
    for member in receivers(customer, MailCategory.DOMAIN):
        write_to(
            addressee(member),
            customer,
            "dns_changed",
            about=f"customer:{customer.number}",
            domain=domain.name,
            by=actor.name,
            added=[line(one) for one in added[:MAX_LINES]],
            removed=[line(one) for one in removed[:MAX_LINES]],
            more=max(0, len(added) - MAX_LINES) + max(0, len(removed) - MAX_LINES),
        )
