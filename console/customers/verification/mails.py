"""Mails of a verification: to the owner that their account was opened, to a person that they are locked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.customers.mails import write_to
from console.customers.models import Membership, Verification
from console.customers.queries import find_owner
from console.mail.service import queue


def mail_locked_person(membership: Membership | None, until: datetime) -> None:
    """Mail the person that their verification is locked; without a person do the same work and roll it back."""
    person, customer = (membership.person, membership.customer) if membership else (None, None)
    with db.session.begin_nested() as savepoint:
        queue(
            "pin_locked",
            to_address=person.email if person else "nobody@example.invalid",
            to_name=person.name if person else "",
            language=(person.language if person else None) or (customer.language if customer else None),
            customer_id=customer.id if customer else None,
            name=person.name if person else "",
            at=clock.now(),
            until=until,
        )
        db.session.flush()
        if person is None:
            savepoint.rollback()


def mail_owner(template: str, actor: Actor, verification: Verification, **values: Any) -> None:
    """Mail the owner that their account was opened, by whom and until when; an account may have none."""
    customer = verification.customer
    owner = find_owner(customer.id)
    if owner is None:
        return
    write_to(
        owner,
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
