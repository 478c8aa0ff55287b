"""Mails of a verification: to the owner that their account was opened, to a person that they are locked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.customers.models import Membership, Verification
from console.mail.service import NoRecipient, write_to


def mail_locked_out(membership: Membership | None, until: datetime) -> None:
    """Mail the person that they are locked out; without a person do the same work and roll it back."""
    person, customer = (membership.person, membership.customer) if membership else (None, None)
    with db.session.begin_nested() as savepoint:
        write_to(person or NoRecipient(), customer, "pin_locked", at=clock.now(), until=until)
        db.session.flush()
        if person is None:
            savepoint.rollback()


def mail_owner(template: str, actor: Actor, verification: Verification, **values: Any) -> None:
    """Mail the owner that their account was opened, by whom and until when; an account may have none."""
    customer = verification.customer
    if customer.owner is None:
        return
    write_to(
        customer.owner,
        customer,
        template,
        customer=customer.name,
        number=customer.number,
        channel=verification.channel.partition(":")[0],
        staff=actor.name,
        at=verification.started_at,
        until=verification.expires_at,
        **values,
    )
