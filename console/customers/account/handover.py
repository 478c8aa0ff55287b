"""Handing a whole account over: the owner names the new holder, who accepts within seven days by a link in a mail.

With the acceptance, in one transaction, the account has the new holder's data and a new owner, and nothing of the old
owner's opens it any more: their membership, sessions, open invitations and verifications end, every PIN is a new one.
Services stay where they are, documents keep the buyer they were issued to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers import holds, signin
from console.customers.access import membership_behind, require_right
from console.customers.account import mails
from console.customers.account.hooks import require_no_obstacle
from console.customers.account.models import Handover, HandoverState
from console.customers.models import Customer, CustomerKind, CustomerStatus, Membership
from console.customers.queries import live_verification
from console.customers.rights import Right
from console.customers.service import HOME, CustomerData, MemberData, check_customer, check_member
from console.mail.links import SecretLink
from console.tokens import service as tokens

PURPOSE = "account.handover"
LASTS = timedelta(days=7)
ADDRESS = ("address", "postcode", "city", "country", "phone")


@dataclass(frozen=True)
class HandoverData:
    """The new holder, the person who will own the account, and what becomes of the other people on it."""

    person_name: str
    email: str
    kind: CustomerKind = CustomerKind.PERSON
    company: str = ""
    pib: str = ""
    mb: str = ""
    address: str = ""
    postcode: str = ""
    city: str = ""
    country: str = HOME
    phone: str = ""
    keeps_users: bool = False
    keeps_contacts: bool = False

    @property
    def holder(self) -> str:
        """Return what the account will be called."""
        return self.company if self.kind is CustomerKind.COMPANY else self.person_name


def check(data: HandoverData) -> HandoverData:
    """Return the data in the form it is stored in. Pure: the form asks step by step.

    Raises:
        Invalid: with a message for every wrong field.
    """
    texts: dict[str, Any] = {name: one_line(getattr(data, name)) for name in ("person_name", "company", "pib", "mb")}
    texts |= {name: one_line(getattr(data, name)) for name in ADDRESS}
    data = replace(data, **(texts | {"country": texts["country"].upper()}))
    wrong: dict[str, list[Text]] = {}
    email = data.email
    try:
        email = check_member(MemberData(email=data.email, name=data.person_name))
    except Invalid as refusal:
        wrong |= {"person_name" if name == "name" else name: found for name, found in refusal.fields.items()}
    try:
        check_customer(_as_customer(data))
    except Invalid as refusal:
        renamed = {"company" if name == "name" else name: found for name, found in refusal.fields.items()}
        # An account of a person is called as the person is: that is said once.
        wrong |= {name: found for name, found in renamed.items() if name != "company" or _is_company(data)}
    if wrong:
        raise Invalid(fields=wrong)
    return replace(data, email=email)


def start(actor: Actor, customer_id: int, data: HandoverData) -> Handover:
    """Offer an account to a new holder; their address gets the link.

    Raises:
        NotFound: neither the owner, nor staff who have verified them with ``transfer``.
        ConfirmationNeeded: ``reauth``: the owner last showed who they are more than ten minutes ago.
        Invalid: with a message for every wrong field.
        Conflict: ``held``, ``handover`` (one waits already), ``not_open``, or another domain's obstacle.
        TooMany: the address got enough mail within the hour.
    """
    owner = _require_owner(actor, customer_id)
    signin.require_confirmed(actor)
    holds.require_none(owner.person)
    data = check(data)
    if data.email == owner.person.email:
        raise Invalid(
            fields={"email": [lazy_gettext("Enter the new owner’s address; this one is the present owner’s.")]}
        )
    customer = db.session.get_one(Customer, customer_id, with_for_update=True, populate_existing=True)
    require_possible(customer)
    _end_expired(customer_id)
    if open_handover(customer_id) is not None:
        raise Conflict(
            lazy_gettext("A handover is already waiting. Withdraw it to start another one."), code="handover"
        )
    verification = live_verification(actor, customer_id)
    now = clock.now()
    handover = Handover(
        customer=customer,
        owner=owner,
        staff_id=actor.id if actor.kind == "staff" else None,
        verification_id=verification.id if verification is not None else None,
        email=data.email,
        person_name=data.person_name,
        kind=data.kind,
        name=data.holder,
        pib=(data.pib or None) if _is_company(data) else None,
        mb=(data.mb or None) if _is_company(data) else None,
        keeps_users=data.keeps_users,
        keeps_contacts=data.keeps_contacts,
        state=HandoverState.WAITING,
        created_at=now,
        expires_at=now + LASTS,
        **{name: getattr(data, name) for name in ADDRESS},
    )
    db.session.add(handover)
    db.session.flush()
    token = tokens.issue(PURPOSE, subject_of(handover), LASTS)
    mails.offer_handover(actor, handover, SecretLink(f"{settings().base_url}/moj/handover/accept/", token))
    mails.notify_of_handover(handover, owner.person, "started")
    _record(actor, "account.handover_started", handover)
    return handover


def withdraw(actor: Actor, handover_id: int) -> Handover:
    """Take an offer back; its link is void. The owner is notified where support did it for them.

    Raises:
        NotFound: neither the owner, nor staff who have verified them; or it is over.
    """
    handover = _lock(handover_id)
    _require_owner(actor, handover.customer_id)
    if not handover.is_open(clock.now()):
        raise NotFound
    end(actor, handover, HandoverState.WITHDRAWN, "account.handover_withdrawn")
    if actor.kind == "staff":
        mails.notify_of_handover(handover, handover.owner.person, "withdrawn")
    return handover


def refuse(token: str, address: str | None) -> Handover:
    """Decline an offer, as the reader of the address it was sent to. The owner is notified.

    Raises:
        NotFound: as in :func:`handover_behind`.
    """
    handover = lock_behind(token)
    use_up(token, handover)
    visitor = Actor(kind="visitor", id=None, name="", address=address)
    end(visitor, handover, HandoverState.REFUSED, "account.handover_refused")
    mails.notify_of_handover(handover, handover.owner.person, "refused")
    return handover


def handover_behind(token: str) -> Handover:
    """Return the offer that a link is for. Looking uses nothing up.

    Raises:
        NotFound: ``link_gone``: it was answered or withdrawn, is too old, or its owner no longer owns the account.
    """
    subject = tokens.subject_of(PURPOSE, token)
    handover = db.session.get(Handover, int(subject.partition(":")[2])) if subject else None
    if handover is None or not _still_stands(handover):
        raise tokens.gone()
    return handover


def lock_behind(token: str) -> Handover:
    """Return the offer that a link is for, with its account locked: of two at once, one waits for the other.

    Raises:
        NotFound: as in :func:`handover_behind`.
    """
    handover = _lock(handover_behind(token).id)
    if not _still_stands(handover):
        raise tokens.gone()
    return handover


def use_up(token: str, handover: Handover) -> None:
    """Use the link of an offer that is locked.

    Raises:
        NotFound: it was used.
    """
    if tokens.use(PURPOSE, token) != subject_of(handover):
        raise tokens.gone()


def open_handover(customer_id: int) -> Handover | None:
    """Return the offer of an account that waits for an answer, if there is one."""
    query = select(Handover).where(
        Handover.customer_id == customer_id, Handover.ended_at.is_(None), Handover.expires_at > clock.now()
    )
    return db.session.scalar(query)


def require_possible(customer: Customer) -> None:
    """Refuse a handover of an account that is not open, or that another domain holds back.

    Raises:
        Conflict: ``not_open``, or another domain's obstacle.
    """
    if customer.status is not CustomerStatus.ACTIVE:
        raise Conflict(lazy_gettext("Only an active account can be handed over."), code="not_open")
    require_no_obstacle(customer)


def expire_due(limit: int = 100) -> int:
    """End the offers that were not answered in time, and notify their owners; return how many."""
    query = select(Handover.id).where(Handover.ended_at.is_(None), Handover.expires_at <= clock.now()).limit(limit)
    keys = list(db.session.scalars(query.order_by(Handover.id)))
    return sum(_expire(key) for key in keys)


def end(actor: Actor, handover: Handover, state: HandoverState, action: str) -> None:
    """End an offer, as part of a verb that has asked whether it may."""
    handover.state, handover.ended_at = state, clock.now()
    tokens.revoke(PURPOSE, subject_of(handover))
    db.session.flush()
    _record(actor, action, handover)


def subject_of(handover: Handover) -> str:
    """Return what the tokens of an offer are about."""
    return f"handover:{handover.id}"


def _require_owner(actor: Actor, customer_id: int) -> Membership:
    """Return the owner, in whose name ``actor`` acts: a handover is theirs alone, whatever others hold."""
    require_right(actor, customer_id, Right.TRANSFER)
    owner = membership_behind(actor, customer_id)
    if owner is None or not owner.is_owner:
        raise NotFound(code="not_allowed")
    return owner


def _lock(handover_id: int) -> Handover:
    """Return an offer as it is now. Its account is locked first, as where one begins."""
    customer_id = db.session.scalar(select(Handover.customer_id).where(Handover.id == handover_id))
    if customer_id is None:
        raise NotFound
    db.session.get_one(Customer, customer_id, with_for_update=True, populate_existing=True)
    return db.session.get_one(Handover, handover_id, populate_existing=True)


def _still_stands(handover: Handover) -> bool:
    closed = handover.customer.status is CustomerStatus.CLOSED
    return handover.is_open(clock.now()) and handover.owner.is_owner and not closed


def _end_expired(customer_id: int) -> None:
    query = select(Handover.id).where(Handover.customer_id == customer_id, Handover.ended_at.is_(None))
    for key in list(db.session.scalars(query.where(Handover.expires_at <= clock.now()))):
        _expire(key)


def _expire(handover_id: int) -> bool:
    handover = db.session.get_one(Handover, handover_id, with_for_update=True, populate_existing=True)
    if handover.ended_at is not None:
        return False
    end(SYSTEM, handover, HandoverState.EXPIRED, "account.handover_expired")
    if handover.owner.is_owner:
        mails.notify_of_handover(handover, handover.owner.person, "expired")
    return True


def _is_company(data: HandoverData) -> bool:
    return data.kind is CustomerKind.COMPANY


def _as_customer(data: HandoverData) -> CustomerData:
    company = _is_company(data)
    return CustomerData(
        name=data.holder,
        kind=data.kind,
        pib=(data.pib or None) if company else None,
        mb=(data.mb or None) if company else None,
        **{name: getattr(data, name) for name in ADDRESS},
    )


def _record(actor: Actor, action: str, handover: Handover) -> None:
    customer = handover.customer
    record(
        actor,
        action,
        customer.number,
        customer_id=customer.id,
        handover=handover.id,
        keeps_users=handover.keeps_users,
        keeps_contacts=handover.keeps_contacts,
    )
