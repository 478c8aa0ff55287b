"""A person who is signed in to the portal verifies themselves, before something that takes more than the sign-in."""

from __future__ import annotations

from console.core.actor import Actor
from console.core.errors import NotFound
from console.customers.models import Membership, Verification
from console.customers.verification import channels
from console.customers.verification.service import check


def verify_in_portal(actor: Actor, membership: Membership, pin: str) -> Verification | None:
    """Verify a person who is signed in to the portal, for one of their accounts, by its support PIN.

    It opens nothing for staff; what the person begins in the portal is done under it.

    Returns:
        The live verification; ``None`` where the PIN is not the present one of this account.

    Raises:
        NotFound: another person's membership.
        Invalid, TooMany: see :func:`console.customers.verification.service.verify`.
    """
    if actor.kind != "person" or membership.person_id != actor.id:
        raise NotFound(code="not_allowed")
    email, only = membership.person.email, membership.id
    return check(actor, actor, email=email, pin=pin, channel=channels.PORTAL, only=only)
