"""A wrongly written name, PIB, MB or country of a holder: asked for by the account, confirmed or refused by staff."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.text import one_line, visible_length
from console.core.texts import lazy_gettext
from console.customers.access import membership_behind, require_right
from console.customers.account import mails
from console.customers.account.hooks import run_renamed
from console.customers.account.models import Correction, CorrectionState
from console.customers.masking import mask_pins
from console.customers.models import CUSTOMER_SEARCH, Customer, CustomerKind, TaxStatus
from console.customers.owners import owner_of
from console.customers.rights import Right
from console.staff.roles import Permission

REASON_LENGTH, MAX_REASON = 5, 500
MOST_SHOWN = 50


def ask(actor: Actor, customer: Customer, before: dict[str, str], after: dict[str, str], reason: str) -> Correction:
    """Write a request down, as part of the verb that saves a profile; the account is locked.

    Raises:
        Invalid: the reason is too short or too long.
        Conflict: ``correction``: one waits already.
    """
    if open_correction(customer.id) is not None:
        raise Conflict(
            lazy_gettext("A correction is already waiting for confirmation. Withdraw it to send another one."),
            code="correction",
        )
    member = membership_behind(actor, customer.id)
    correction = Correction(
        customer=customer,
        before=before,
        after=after,
        reason=_read_reason(reason),
        requested_by_id=member.id if member is not None else None,
        staff_id=actor.id if actor.kind == "staff" else None,
        requested_at=clock.now(),
        state=CorrectionState.OPEN,
    )
    db.session.add(correction)
    db.session.flush()
    _record(actor, "customer.correction_asked", correction)
    mails.notify_owner_of_profile(actor, customer, "asked", before, after)
    return correction


def withdraw(actor: Actor, correction_id: int) -> Correction:
    """Take a request back; the owner is told where it was not they.

    Raises:
        NotFound: ``actor`` does not hold ``profile``, or it is over.
    """
    correction = _lock(correction_id)
    require_right(actor, correction.customer_id, Right.PROFILE)
    _end(actor, correction, CorrectionState.WITHDRAWN, "customer.correction_withdrawn")
    mails.notify_owner_of_profile(actor, correction.customer, "withdrawn", correction.before, correction.after)
    return correction


def confirm(actor: Actor, correction_id: int, tax_status: TaxStatus | None = None) -> Correction:
    """Put the corrected data on the account. The owner is told.

    Args:
        tax_status: how the holder is taxed from now on, where the country is another; otherwise it stays.

    Raises:
        NotFound: the role may not, or it is over.
        Invalid: the country is another, and no tax status was chosen.
        Conflict: ``four_eyes`` (who wrote it down for a caller does not confirm it), ``stale`` (the data has changed).
    """
    correction = _lock_to_decide(actor, correction_id)
    customer = correction.customer
    present = {name: str(getattr(customer, name) or "") for name in correction.before}
    if present != correction.before:
        raise Conflict(lazy_gettext("The data has changed since the request. Refuse it, or ask again."), code="stale")
    before, after, taxed = dict(correction.before), dict(correction.after), {}
    if "country" in after:
        if tax_status is None:
            raise Invalid(fields={"tax_status": [lazy_gettext("Choose how the holder is taxed from now on.")]})
        before["tax_status"], after["tax_status"] = customer.tax_status.value, tax_status.value
        taxed = {"tax_before": customer.tax_status.value, "tax_after": tax_status.value}
        customer.tax_status = tax_status
    owner = customer.owner
    if customer.kind is CustomerKind.PERSON and owner is not None and owner.name == present.get("name"):
        owner.name = correction.after["name"][:120]
    for name, value in correction.after.items():
        setattr(customer, name, value or None if name in ("pib", "mb") else value)
    _end(actor, correction, CorrectionState.CONFIRMED, "customer.correction_confirmed", more=taxed)
    if "name" in correction.after:
        CUSTOMER_SEARCH.put(db.session(), customer.id, customer.searchable())
        run_renamed(customer)
    mails.notify_owner_of_profile(actor, customer, "confirmed", before, after)
    return correction


def refuse(actor: Actor, correction_id: int, answer: str) -> Correction:
    """Leave the data as they are. The owner is told why.

    Raises:
        NotFound: the role may not, or it is over.
        Invalid: no reason, or one too long.
        Conflict: ``four_eyes``.
    """
    correction = _lock_to_decide(actor, correction_id)
    correction.answer = _read_reason(answer)
    _end(actor, correction, CorrectionState.REFUSED, "customer.correction_refused")
    mails.notify_owner_of_profile(
        actor, correction.customer, "refused", correction.before, correction.after, answer=correction.answer
    )
    return correction


def open_correction(customer_id: int) -> Correction | None:
    """Return what waits on an account, if anything does."""
    return db.session.scalar(select(Correction).where(Correction.customer_id == customer_id, is_open()))


def is_open() -> ColumnElement[bool]:
    """Return the condition "waits": of one account at most one does."""
    return Correction.ended_at.is_(None)


def open_corrections(actor: Actor) -> list[Correction]:
    """Return what waits for staff, the oldest first.

    Raises:
        NotFound: the role does not decide corrections.
    """
    actor.require(Permission.DECIDE_CORRECTIONS)
    query = (
        select(Correction)
        .options(joinedload(Correction.customer), joinedload(Correction.requested_by))
        .where(Correction.state == CorrectionState.OPEN)
        .order_by(Correction.id)
        .limit(MOST_SHOWN)
    )
    return list(db.session.scalars(query))


def end_for(actor: Actor, customer_id: int, holder: int | None) -> None:
    """End what waits on an account, as part of a handover or an erasure.

    Args:
        holder: the person whose data it was about, the owner where it is not given.
    """
    correction = open_correction(customer_id)
    if correction is not None:
        _end(actor, correction, CorrectionState.WITHDRAWN, "customer.correction_withdrawn", about=holder)


def _lock(correction_id: int) -> Correction:
    """Return an open request. Its account is locked first, as where one is made."""
    customer_id = db.session.scalar(select(Correction.customer_id).where(Correction.id == correction_id))
    if customer_id is None:
        raise NotFound
    db.session.get_one(Customer, customer_id, with_for_update=True, populate_existing=True)
    correction = db.session.get_one(Correction, correction_id, populate_existing=True)
    if correction.ended_at is not None:
        raise NotFound
    return correction


def _lock_to_decide(actor: Actor, correction_id: int) -> Correction:
    actor.require(Permission.DECIDE_CORRECTIONS)
    correction = _lock(correction_id)
    if actor.kind == "staff" and actor.id == correction.staff_id:
        raise Conflict(lazy_gettext("You entered this request. Someone else has to decide it."), code="four_eyes")
    correction.ended_by_id = actor.id if actor.kind == "staff" else None
    return correction


def _end(
    actor: Actor,
    correction: Correction,
    state: CorrectionState,
    action: str,
    *,
    about: int | None = None,
    more: dict[str, str] | None = None,
) -> None:
    correction.state, correction.ended_at = state, clock.now()
    db.session.flush()
    _record(actor, action, correction, about=about, more=more)


def _record(
    actor: Actor,
    action: str,
    correction: Correction,
    *,
    about: int | None = None,
    more: dict[str, str] | None = None,
) -> None:
    customer = correction.customer
    record(
        actor,
        action,
        customer.number,
        customer_id=customer.id,
        about=about or owner_of(customer.id),
        personal={"before": correction.before, "after": correction.after},
        correction=correction.id,
        fields=list(correction.after),
        **(more or {}),
    )


def _read_reason(text: str) -> str:
    text = mask_pins(one_line(text))[0]
    if visible_length(text) < REASON_LENGTH or len(text) > MAX_REASON:
        raise Invalid(fields={"reason": [lazy_gettext("Enter a reason in a few words, at most 500 characters.")]})
    return text
