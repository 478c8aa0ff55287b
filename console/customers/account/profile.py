"""The data of an account's holder: changed by those who hold ``profile``, at once but for who the holder is.

Another name, PIB or MB may be a slip that is mended, or another holder. The first waits for staff
(``console.customers.account.corrections``), the second is a handover (``console.customers.account.handover``). Another
country waits for staff too, with the address in it: the tax on the next documents depends on it.
Documents that were issued keep their buyer: each has its own copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from console.audit.service import record
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers import signin
from console.customers.access import membership_behind, require_right
from console.customers.account import corrections, mails
from console.customers.account.models import Correction
from console.customers.models import Customer, CustomerKind, Membership
from console.customers.owners import owner_of
from console.customers.rights import Right
from console.customers.service import CustomerData, MemberData, check_customer, check_member

HOLDER = ("name", "pib", "mb")  # who the holder is
RESIDENCE = ("country", "address", "postcode", "city")  # wait together where the country is another
ORDINARY = ("address", "postcode", "city", "country", "phone", "language")


@dataclass(frozen=True)
class ProfileData:
    """What the form has. ``owner_name``: the owner's own, on a company's account; ``None`` leaves it."""

    name: str
    pib: str = ""
    mb: str = ""
    address: str = ""
    postcode: str = ""
    city: str = ""
    country: str = "RS"
    phone: str = ""
    language: str = "sr_Latn"
    owner_name: str | None = None


@dataclass(frozen=True)
class Saved:
    """What became of a saved profile: the fields that changed, and the correction that waits now."""

    changed: tuple[str, ...]
    correction: Correction | None


def profile_of(customer: Customer) -> ProfileData:
    """Return the data as they are."""
    owner = customer.owner
    return ProfileData(
        **{name: str(getattr(customer, name) or "") for name in (*HOLDER, *ORDINARY)},
        owner_name=owner.name if owner is not None and customer.kind is CustomerKind.COMPANY else None,
    )


def holder_changes(customer: Customer, data: ProfileData) -> tuple[str, ...]:
    """Return what staff must confirm: name, PIB and MB that differ, another country and the address in it."""
    found = _differing(customer, data, HOLDER)
    return found + _differing(customer, data, RESIDENCE) if data.country != customer.country else found


def save_profile(actor: Actor, customer_id: int, data: ProfileData, *, correction: str | None = None) -> Saved:
    """Save the holder's data; the owner is told where it was not they.

    Args:
        correction: why name, PIB, MB or country were wrong, where they differ: staff confirm it.

    Raises:
        NotFound: ``actor`` does not hold ``profile``.
        ConfirmationNeeded: ``reauth``: they last showed who they are more than ten minutes ago.
        Invalid: with a message for every wrong field.
        Conflict: ``holder`` (name, PIB, MB or country differ and no correction is asked for), ``correction`` (one
            waits).
    """
    require_right(actor, customer_id, Right.PROFILE)
    signin.require_confirmed(actor)
    customer = db.session.get_one(Customer, customer_id, with_for_update=True, populate_existing=True)
    data = check(customer, data)
    holder = holder_changes(customer, data)
    if holder and correction is None:
        raise Conflict(
            lazy_gettext("The name of the holder, PIB or MB was changed. Choose: correction or handover.")
            if set(holder) & set(HOLDER)
            else lazy_gettext("The country was changed. Say why, and support confirms it."),
            code="holder",
            details={"fields": list(holder)},
        )
    changed = _save(actor, customer, data, waiting=holder)
    waiting = None
    if holder:
        before = {name: str(getattr(customer, name) or "") for name in holder}
        after = {name: getattr(data, name) for name in holder}
        waiting = corrections.ask(actor, customer, before, after, correction or "")
    return Saved(changed, waiting)


def check(customer: Customer, data: ProfileData) -> ProfileData:
    """Return the data on one line each.

    Raises:
        Invalid: with a message for every wrong field; what was wrong before and was not touched is left out.
    """
    texts: dict[str, Any] = {name: one_line(getattr(data, name)) for name in (*HOLDER, *ORDINARY)}
    data = replace(data, **(texts | {"country": texts["country"].upper()}))
    wrong = {}
    try:
        check_customer(_as_customer(customer, data))
    except Invalid as refusal:
        differing = {*_differing(customer, data, (*HOLDER, *ORDINARY))}
        wrong = {name: found for name, found in refusal.fields.items() if name in differing}
    if data.owner_name is not None and customer.owner is not None:
        data = replace(data, owner_name=one_line(data.owner_name))
        try:
            check_member(MemberData(email=customer.owner.email, name=data.owner_name or ""))
        except Invalid as refusal:
            wrong["owner_name"] = refusal.fields.get("name", [])
    if wrong:
        raise Invalid(fields=wrong)
    return data


def _save(actor: Actor, customer: Customer, data: ProfileData, *, waiting: tuple[str, ...]) -> tuple[str, ...]:
    changed = _differing(customer, data, [name for name in ORDINARY if name not in waiting])
    before = {name: getattr(customer, name) for name in changed}
    for name in changed:
        setattr(customer, name, getattr(data, name))
    changed += _save_owner_name(actor, customer, data, before)
    if not changed:
        return ()
    db.session.flush()
    after = {name: data.owner_name if name == "owner_name" else getattr(data, name) for name in changed}
    record(
        actor,
        "customer.profile_changed",
        customer.number,
        customer_id=customer.id,
        about=owner_of(customer.id),
        personal={"before": before, "after": after},
        fields=list(changed),
    )
    mails.notify_owner_of_profile(actor, customer, "changed", before, after)
    return changed


def _save_owner_name(actor: Actor, customer: Customer, data: ProfileData, before: dict[str, Any]) -> tuple[str, ...]:
    """Save what the owner of a company's account is called, for the owner alone: others have no say in a person."""
    owner = customer.owner
    if data.owner_name is None or owner is None or data.owner_name == owner.name:
        return ()
    if not _is_owner(membership_behind(actor, customer.id)):
        raise NotFound(code="not_allowed")
    before["owner_name"], owner.name = owner.name, data.owner_name
    return ("owner_name",)


def _is_owner(membership: Membership | None) -> bool:
    return membership is not None and membership.is_owner


def _differing(customer: Customer, data: ProfileData, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if (getattr(customer, name) or "") != getattr(data, name))


def _as_customer(customer: Customer, data: ProfileData) -> CustomerData:
    texts = {name: getattr(data, name) for name in (*HOLDER, *ORDINARY)}
    return CustomerData(kind=customer.kind, tax_status=customer.tax_status, currency=customer.currency, **texts)
