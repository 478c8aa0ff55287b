"""What is written about an account's data, a new sign-in address, a handover, a verification that was denied."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.customers.account.models import EmailChange, Handover
from console.customers.models import Customer, Person, Verification
from console.mail.links import SecretLink
from console.mail.service import queue, write_to
from console.staff.models import Staff


def notify_owner_of_profile(
    actor: Actor, customer: Customer, what: str, before: Mapping[str, Any], after: Mapping[str, Any], answer: str = ""
) -> None:
    """Write to the owner what became of the holder's data, unless they did it themselves.

    Args:
        what: ``changed`` at once; ``asked``, ``withdrawn``, ``confirmed`` and ``refused`` are about a correction.
        answer: why it was refused.
    """
    owner = customer.owner
    if owner is None or (actor.kind == "person" and actor.id == owner.id):
        return
    write_to(
        owner,
        customer,
        "profile_changed",
        about=f"customer:{customer.number}",
        what=what,
        lines=[{"field": name, "before": str(before[name] or ""), "after": str(after[name] or "")} for name in after],
        by=actor.name,
        by_support=actor.kind == "staff",
        answer=answer,
        customer=customer.name,
        number=customer.number,
    )


def confirm_old_address(change: EmailChange, link: SecretLink) -> None:
    """Write to the present address that another one was asked for; its link is half of the confirmation."""
    write_to(
        change.person,
        None,
        "email_change_old",
        new_email=change.new_email,
        link=link,
        until=change.expires_at,
        portal=settings().portal_brand,
    )


def confirm_new_address(actor: Actor, change: EmailChange, link: SecretLink, *, known: bool) -> None:
    """Write to the new address: a link, or that it is known here, which only its mailbox learns.

    Raises:
        TooMany: the address got enough within the hour.
    """
    queue(
        "email_change_known" if known else "email_change_new",
        to_address=change.new_email,
        language=change.person.language,
        about=f"email_change:{change.id}",
        caused_by=actor,
        link=f"{settings().base_url}/moj/login" if known else link,
        until=change.expires_at,
        portal=settings().portal_brand,
    )


def notify_address_is_known(actor: Actor, change: EmailChange) -> None:
    """Write to the new address that it has become another's sign-in since the link was sent."""
    queue(
        "email_change_known",
        to_address=change.new_email,
        language=change.person.language,
        about=f"email_change:{change.id}",
        caused_by=actor,
        link=f"{settings().base_url}/moj/login",
        until=change.expires_at,
        portal=settings().portal_brand,
    )


def notify_address_changed(change: EmailChange, until: datetime) -> None:
    """Write to both addresses that one took the place of the other."""
    person = change.person
    for address in (change.old_email, change.new_email):
        queue(
            "email_changed",
            to_address=address,
            to_name=person.name,
            language=person.language,
            name=person.name,
            new_email=change.new_email,
            at=clock.now(),
            until=until,
            portal=settings().portal_brand,
        )


def offer_handover(actor: Actor, handover: Handover, link: SecretLink) -> None:
    """Write the offer to the new address. Nothing of it is the owner's own words but names.

    Raises:
        TooMany: the address got enough within the hour.
    """
    customer = handover.customer
    queue(
        "handover_offer",
        to_address=handover.email,
        language=customer.language,
        customer_id=customer.id,
        about=f"handover:{handover.id}",
        caused_by=actor,
        by=handover.owner.person.name,
        customer=customer.name,
        number=customer.number,
        portal=settings().portal_brand,
        link=link,
        until=handover.expires_at,
    )


def notify_of_handover(handover: Handover, person: Person, what: str) -> None:
    """Write to the old or the new owner where a handover stands.

    Args:
        what: ``started``, ``refused``, ``expired``, ``withdrawn``, ``gone`` to the old owner; ``received`` to the
            new one.
    """
    customer = handover.customer
    write_to(
        person,
        customer,
        "handover_update",
        about=f"handover:{handover.id}",
        what=what,
        email=handover.email,
        customer=customer.name,
        number=customer.number,
        until=handover.expires_at,
        at=clock.now(),
        portal=settings().portal_brand,
    )


def notify_supervisor_of_dispute(supervisor: Staff, verification: Verification, person: Person, agent: str) -> None:
    """Write to a supervisor that a person denies a verification in their name."""
    queue(
        "verification_disputed",
        to_address=supervisor.email,
        to_name=supervisor.name,
        language=supervisor.language,
        name=supervisor.name,
        number=verification.customer.number,
        person=person.name,
        staff=agent,
        channel=verification.channel.partition(":")[0],
        at=verification.started_at,
        url=f"{settings().base_url}/console/customers/{verification.customer.number}",
    )
