"""What is written to the people of an account about each other."""

from __future__ import annotations

from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.customers.mail_categories import addressee, receivers
from console.customers.models import Customer, Invitation, Membership
from console.customers.rights import MailCategory
from console.mail.links import SecretLink
from console.mail.service import queue, write_to


def notify_owner_of_people(actor: Actor, membership: Membership, what: str) -> None:
    """Write to the account's owner that its people changed, unless they did it themselves.

    Args:
        what: ``added``, ``changed`` (the permissions), ``details``, ``removed``, or ``joined`` by an invitation.
    """
    _notify_owner(actor, membership.customer, what, membership.name, membership.person.email)


def notify_owner_of_invitation(actor: Actor, invitation: Invitation, what: str = "invited") -> None:
    """Write to the account's owner what became of an invitation, unless they did it themselves.

    Args:
        what: ``invited``, ``reinvited`` (it was sent again) or ``revoked``.
    """
    _notify_owner(actor, invitation.customer, what, "", invitation.email)


def _notify_owner(actor: Actor, customer: Customer, what: str, whom: str, email: str) -> None:
    owner = customer.owner
    if owner is None or (actor.kind == "person" and actor.id == owner.id):
        return
    write_to(
        owner,
        customer,
        "people_changed",
        about=f"customer:{customer.number}",
        what=what,
        whom=whom,
        email=email,
        by=actor.name,
        by_support=actor.kind == "staff",
        customer=customer.name,
        number=customer.number,
    )


def notify_of_state(customer: Customer, reason: str) -> None:
    """Write to those who get general messages that the account was suspended, closed or opened again, and why."""
    for member in receivers(customer, MailCategory.GENERAL):
        write_to(
            addressee(member),
            customer,
            "account_state",
            about=f"customer:{customer.number}",
            state=customer.status.value,
            reason=reason,
            at=clock.now(),
            customer=customer.name,
            number=customer.number,
            portal=settings().portal_brand,
        )


def write_invitation(actor: Actor, invitation: Invitation, link: SecretLink) -> None:
    """Write to an invited address. Nothing of it is the inviter's own words but their name and the account's.

    Raises:
        TooMany: the address got enough within the hour.
    """
    customer = invitation.customer
    queue(
        "invitation",
        to_address=invitation.email,
        language=customer.language,
        customer_id=customer.id,
        about=f"invitation:{invitation.id}",
        caused_by=actor,
        by=invitation.invited_by.person.name if invitation.invited_by else settings().brand,
        customer=customer.name,
        portal=settings().portal_brand,
        link=link,
        until=invitation.expires_at,
    )
