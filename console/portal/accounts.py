"""Which of a person's accounts a page is about: ``account=K-10482`` names one, without it the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g, request, url_for

from console.core.errors import NotFound
from console.customers.models import Membership
from console.customers.queries import memberships_of
from console.customers.rights import Right
from console.web.identity import current_person


def own_accounts(*rights: Right) -> Sequence[Membership]:
    """Return the person's memberships of open accounts; with ``rights``, where they hold one of them.

    Raises:
        NotFound: a right is asked for and held nowhere.
    """
    found = _memberships()
    if not rights:
        return found
    found = [one for one in found if not one.held_rights().isdisjoint(rights)]
    if not found:
        raise NotFound
    return found


def _memberships() -> Sequence[Membership]:
    """Return the person's memberships, read once for a page; what changes something reads them as they are now."""
    if request.method != "GET":
        return memberships_of(current_person().id)
    if "own_memberships" not in g:
        g.own_memberships = memberships_of(current_person().id)
    found: Sequence[Membership] = g.own_memberships
    return found


def in_account(endpoint: str, **values: Any) -> str:
    """Return the address of a page about the person themselves, which keeps the account that the request names."""
    return url_for(endpoint, account=request.values.get("account") or None, **values)


def chosen(accounts: Sequence[Membership]) -> Membership:
    """Return the account that the request names, in its address or its form; the first one without a name.

    Raises:
        NotFound: it names none of them.
    """
    number = request.values.get("account", "").strip().upper()
    found = next((one for one in accounts if not number or one.customer.number == number), None)
    if found is None:
        raise NotFound
    return found
