"""What is written to an account's owner when support changed a domain's records."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from console.core.actor import Actor
from console.core.db import db
from console.customers.models import Membership
from console.customers.rights import MailCategory
from console.hosting.dns.rules import RecordData
from console.hosting.dns.zone_files import line
from console.hosting.models import Domain
from console.mail.service import write_to

MAX_LINES = 20


def tell_owner(actor: Actor, domain: Domain, added: Sequence[RecordData], removed: Sequence[RecordData]) -> None:
    """Write to the owner that support changed records for a caller, if they get mail about domains."""
    if actor.kind != "staff":
        return
    owner = db.session.scalar(
        select(Membership)
        .options(joinedload(Membership.person), joinedload(Membership.customer))
        .where(Membership.customer_id == domain.service.customer_id, Membership.is_owner)
    )
    if owner is None or MailCategory.DOMAIN.value not in owner.mail:
        return
    write_to(
        owner.person,
        owner.customer,
        "dns_changed",
        about=f"customer:{owner.customer.number}",
        domain=domain.name,
        by=actor.name,
        added=[line(one) for one in added[:MAX_LINES]],
        removed=[line(one) for one in removed[:MAX_LINES]],
        more=max(0, len(added) - MAX_LINES) + max(0, len(removed) - MAX_LINES),
    )
