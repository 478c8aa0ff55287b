"""Contacts and independent users: added, changed, removed by those who may manage an account's people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers import mails
from console.customers.access import membership_behind
from console.customers.mail_categories import MEMBERSHIP, NEEDED
from console.customers.models import Customer, MemberRole, Membership, Verification
from console.customers.people import hooks, rules
from console.customers.rights import MailCategory, Right
from console.customers.service import MemberData, check_member, end_verifications, enroll

CONTACT_LIMITS = {"address": 200, "city": 100, "postcode": 20}


@dataclass(frozen=True)
class ContactData:
    """What an account knows of a contact."""

    name: str
    email: str
    phone: str = ""
    address: str = ""
    city: str = ""
    postcode: str = ""
    mail: frozenset[MailCategory] = frozenset()
    rights: frozenset[Right] = frozenset()


def add_contact(actor: Actor, customer: Customer, data: ContactData) -> Membership:
    """Add a person without a sign-in of their own to an account.

    Raises:
        NotFound: ``actor`` may not manage people.
        Invalid: with a message for every wrong field, or for permissions that are not theirs to grant.
        Conflict: the person is on the account already; or ``actor`` is on hold and grants something.
    """
    own = rules.require_manager(actor, customer.id)
    data = _checked(data)
    rules.require_may_grant(actor, customer.id, data.rights, own)
    membership = enroll(
        actor,
        customer,
        MemberData(
            email=data.email,
            name=data.name,
            role=MemberRole.CONTACT,
            phone=data.phone,
            rights=data.rights,
            mail=data.mail,
        ),
    )
    _fill_in(membership, data)
    mails.notify_owner_of_people(actor, membership, "added")
    return membership


def change_contact(actor: Actor, membership_id: int, data: ContactData) -> Membership:
    """Change a contact. Another e-mail address is another person, with a PIN of their own.

    Raises:
        NotFound, Invalid, Conflict: as :func:`add_contact`, and where the contact is not theirs to change.
    """
    membership = _lock_member(membership_id)
    own = rules.require_may_change(actor, membership)
    _require_role(membership, MemberRole.CONTACT)
    data = _checked(data)
    rules.require_may_grant(actor, membership.customer_id, data.rights - membership.held_rights(), own)
    if data.email != membership.person.email:
        mails.notify_owner_of_people(actor, membership, "removed")
        _take_off(actor, membership)
        return add_contact(actor, membership.customer, data)
    before, details = _facts(membership), _details(membership)
    _fill_in(membership, data)
    membership.rights = sorted({right.value for right in data.rights})
    membership.mail = sorted({category.value for category in data.mail})
    _record_change(actor, membership, before)
    _notify_owner(actor, membership, before, differs=details != _details(membership))
    return membership


def change_user(
    actor: Actor, membership_id: int, rights: Iterable[Right], mail: Iterable[MailCategory] | None = None
) -> Membership:
    """Give an independent user exactly ``rights``. What is taken away closes at once, in live verifications too.

    Args:
        mail: the categories of mail they get; as they are when not given.

    Raises:
        NotFound: ``actor`` may not manage people, or there is no such user.
        Invalid: a permission is not theirs to grant.
        Conflict: the user is the owner, ``actor`` or someone with more permissions; or ``actor`` is on hold.
    """
    membership = _lock_member(membership_id)
    own = rules.require_may_change(actor, membership)
    _require_role(membership, MemberRole.USER)
    rights = frozenset(rights)
    rules.require_may_grant(actor, membership.customer_id, rights - membership.held_rights(), own)
    before = _facts(membership)
    membership.rights = sorted(right.value for right in rights)
    if mail is not None:
        membership.mail = sorted({category.value for category in mail})
    _record_change(actor, membership, before)
    _notify_owner(actor, membership, before)
    return membership


def choose_mail(actor: Actor, customer_id: int, categories: Iterable[MailCategory]) -> Membership:
    """Choose which mail one gets oneself about an account. What is added must be one's to read.

    Raises:
        NotFound: ``actor`` is not on the account.
        Invalid: a category was added whose subject they may not see.
        Conflict: ``owner``: an owner gets whatever concerns their account.
    """
    own = membership_behind(actor, customer_id) if actor.kind == "person" else None
    if own is None:
        raise NotFound
    membership = _lock_member(own.id)
    if membership.is_owner:
        raise Conflict(lazy_gettext("As the owner you receive every message about the account."), code="owner")
    held, chosen = membership.held_rights(), frozenset(categories)
    added = [one for one in chosen if one.value not in membership.mail]
    if any(NEEDED[one] not in held for one in added if one in NEEDED):
        raise Invalid(
            fields={"categories": [lazy_gettext("You can only choose messages about what you may see on the account.")]}
        )
    before = _facts(membership)
    membership.mail = sorted(category.value for category in chosen)
    _record_change(actor, membership, before)
    return membership


def state_of(membership: Membership) -> tuple[object, ...]:
    """Return what the owner is told of where it changes: who it is, and what this module can change of them."""
    return membership.id, _facts(membership), _details(membership)


def find_left(key: str) -> tuple[Membership, MailCategory]:
    """Return whose mail of which category a link in a mail turns off.

    Args:
        key: what :func:`console.mail.unsubscribing.read` returned.

    Raises:
        NotFound: there is no such person on the account any more, or they became its owner.
    """
    kind, _, rest = key.partition(":")
    number, _, category = rest.partition(":")
    if kind != MEMBERSHIP or not number.isdecimal() or category not in set(MailCategory):
        raise NotFound
    membership = db.session.get(Membership, int(number))
    if membership is None or membership.removed_at is not None or membership.is_owner:
        raise NotFound
    return membership, MailCategory(category)


def leave_mail(key: str) -> tuple[Membership, MailCategory]:
    """Turn one category of mail off by a link that only ever stood in a mail to that person. It proves nothing else.

    Raises:
        NotFound: see :func:`find_left`.
    """
    membership, category = find_left(key)
    membership = _lock_member(membership.id)
    if category.value in membership.mail:
        membership.mail = [one for one in membership.mail if one != category.value]
        db.session.flush()
        record(
            Actor(kind="visitor", id=None, name=membership.person.name),
            "member.left_mail",
            membership.customer.number,
            customer_id=membership.customer_id,
            person=membership.person_id,
            category=category.value,
        )
    return membership, category


def remove_member(actor: Actor, membership_id: int) -> Membership:
    """Take a contact or user off the account; what was verified in their name ends.

    Raises:
        NotFound: ``actor`` may not manage people, or there is no such person.
        Conflict: it is the owner (only a handover changes who that is), ``actor``, or someone with more permissions.
    """
    membership = _lock_member(membership_id)
    rules.require_may_change(actor, membership)
    mails.notify_owner_of_people(actor, membership, "removed")
    _take_off(actor, membership)
    return membership


def _lock_member(membership_id: int) -> Membership:
    """Return a membership as it is now. Its account is locked first, as where people are added."""
    customer_id = db.session.scalar(select(Membership.customer_id).where(Membership.id == membership_id))
    if customer_id is None:
        raise NotFound
    db.session.get_one(Customer, customer_id, with_for_update=True)
    membership = db.session.get_one(Membership, membership_id, populate_existing=True)
    if membership.removed_at is not None:
        raise NotFound
    return membership


def _require_role(membership: Membership, role: MemberRole) -> None:
    if membership.role is not role:
        raise NotFound


def _take_off(actor: Actor, membership: Membership) -> None:
    membership.removed_at = clock.now()
    db.session.flush()
    end_verifications(Verification.membership_id == membership.id, reason="removed")
    record(
        actor,
        "member.removed",
        membership.customer.number,
        customer_id=membership.customer_id,
        person=membership.person_id,
    )
    hooks.run_reduced(actor, membership)


def _checked(data: ContactData) -> ContactData:
    """Return the data on one line each, its address in the form it is stored in.

    Raises:
        Invalid: with a message for every wrong field.
    """
    texts: dict[str, Any] = {name: one_line(getattr(data, name)) for name in ("name", "phone", *CONTACT_LIMITS)}
    data = replace(data, **texts)
    wrong: dict[str, list[Text]] = {
        name: [lazy_gettext("This is too long.")]
        for name, limit in CONTACT_LIMITS.items()
        if len(getattr(data, name)) > limit
    }
    email = data.email
    try:
        email = check_member(MemberData(email=data.email, name=data.name, phone=data.phone))
    except Invalid as refusal:
        wrong |= refusal.fields
    if wrong:
        raise Invalid(fields=wrong)
    return replace(data, email=email)


def _fill_in(membership: Membership, data: ContactData) -> None:
    membership.contact_name = data.name
    membership.phone, membership.address = data.phone, data.address
    membership.city, membership.postcode = data.city, data.postcode
    db.session.flush()


def _facts(membership: Membership) -> dict[str, list[str]]:
    return {"rights": list(membership.rights), "mail": list(membership.mail)}


def _details(membership: Membership) -> list[str]:
    return [getattr(membership, name) for name in ("contact_name", "phone", *CONTACT_LIMITS)]


def _record_change(actor: Actor, membership: Membership, before: dict[str, list[str]]) -> None:
    """Write down what changed; names and addresses are personal and are left out."""
    db.session.flush()
    after = _facts(membership)
    record(
        actor,
        "member.changed",
        membership.customer.number,
        customer_id=membership.customer_id,
        person=membership.person_id,
        before=before,
        after=after,
    )
    if set(before["rights"]) - set(after["rights"]):
        hooks.run_reduced(actor, membership)


def _notify_owner(actor: Actor, membership: Membership, before: dict[str, list[str]], *, differs: bool = False) -> None:
    """Write to the owner what another changed.

    Args:
        before: permissions and categories of mail as they were.
        differs: something else of the person changed too.
    """
    after = _facts(membership)
    if before["rights"] != after["rights"]:
        mails.notify_owner_of_people(actor, membership, "changed")
    elif differs or before != after:
        mails.notify_owner_of_people(actor, membership, "details")
