"""What stands in the way of an account's handover: a migration under way, a service suspended for abuse.

A migration was asked for, previewed and approved with the holder of today: it is finished or withdrawn before the
account has another, so that no one inherits a half-done transfer which they cannot see the reasons of.
"""

from __future__ import annotations

from sqlalchemy import or_, select

from console.billing.models import OPEN_STATES, Migration
from console.core.db import db
from console.core.texts import lazy_gettext
from console.customers.account.hooks import Obstacle, register_obstacle
from console.customers.models import Customer
from console.hosting.models import Service, SuspensionReason


def find_obstacle(customer: Customer) -> Obstacle | None:
    """Return what forbids the handover of an account now."""
    either = or_(Migration.from_customer_id == customer.id, Migration.to_customer_id == customer.id)
    if db.session.scalar(select(Migration.id).where(either, Migration.state.in_(OPEN_STATES)).limit(1)) is not None:
        return Obstacle(
            "in_migration",
            lazy_gettext(
                "A service migration of this account is under way. It has to be finished or withdrawn before the "
                "account is handed over."
            ),
        )
    abuse = select(Service.id).where(Service.customer_id == customer.id, Service.suspension == SuspensionReason.ABUSE)
    if db.session.scalar(abuse.limit(1)) is not None:
        return Obstacle(
            "abuse", lazy_gettext("A service of this account is suspended for abuse, so it cannot be handed over.")
        )
    return None


register_obstacle("billing", find_obstacle)
