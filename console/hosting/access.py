"""Who may know what an account has."""

from __future__ import annotations

from console.core.actor import Actor
from console.customers.queries import opened_rights
from console.customers.rights import Right
from console.hosting.models import ProductKind, Service
from console.staff.roles import Permission


def may_know(actor: Actor, service: Service) -> bool:
    """Return whether ``actor`` may know whose a service is: by role, or while a verification opens it.

    Those who are no staff name none by themselves: what they continue had it before.
    """
    if actor.kind != "staff" or actor.may(Permission.READ_DOCUMENTS):
        return True
    right = Right.DOMAINS if service.product.kind is ProductKind.DOMAIN else Right.PRODUCTS
    return right in opened_rights(actor, service.customer_id)
