"""Ticking a duty with the number of the document issued elsewhere, and undoing a tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from console.audit.service import record
from console.billing.duties.models import Duty, DutyState
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, Text
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers.owners import owner_of
from console.staff.roles import Permission

MAX_NUMBER = 60
MAX_REASON = 500
MOST_AT_ONCE = 100


def tick(actor: Actor, numbers: Mapping[int, str]) -> list[Duty]:
    """Note that documents were issued elsewhere: all of them, or none.

    Args:
        numbers: the number of each document, by its duty.

    Raises:
        NotFound: the role records no payments, or there is no such duty.
        Invalid: a number is missing or too long, at ``number-<duty>``; nothing, or too many.
        Conflict: ``done``: one of them is open no longer.
    """
    actor.require(Permission.RECORD_PAYMENTS)
    cleaned = {key: one_line(number) for key, number in numbers.items()}
    _check(cleaned)
    duties = _lock(sorted(cleaned))
    if any(duty.state is not DutyState.OPEN for duty in duties):
        raise Conflict(lazy_gettext("One of these documents is no longer due. Nothing was saved."), code="done")
    for duty in duties:
        duty.state, duty.number = DutyState.DONE, cleaned[duty.id]
        duty.done_at, duty.done_by_id = clock.now(), actor.id if actor.kind == "staff" else None
        record(
            actor,
            "duty.done",
            duty.number,
            customer_id=duty.customer_id,
            duty=duty.id,
            kind=duty.kind.value,
            amount=duty.amount,
            currency=duty.currency,
        )
    db.session.flush()
    return duties


def reopen(actor: Actor, duty_id: int, reason: str) -> Duty:
    """Undo a tick: the document was not issued, or under another number.

    Raises:
        NotFound: the role records no payments, or there is no such duty.
        Invalid: no reason, or one that is too long.
        Conflict: ``open``: it was not ticked; ``void``: its payment was undone since, and what was issued is corrected.
    """
    actor.require(Permission.RECORD_PAYMENTS)
    reason = one_line(reason)
    if not reason:
        raise Invalid(fields={"reason": [lazy_gettext("Enter a reason.")]})
    if len(reason) > MAX_REASON:
        raise Invalid(fields={"reason": [lazy_gettext("This text is too long.")]})
    (duty,) = _lock([duty_id])
    if duty.state is not DutyState.DONE:
        raise Conflict(lazy_gettext("This document was not ticked. Nothing was changed."), code="open")
    if duty.void:
        raise Conflict(
            lazy_gettext("Its payment has since been undone. What was issued is corrected by a separate document."),
            code="void",
        )
    number, duty.number = duty.number, ""
    duty.state, duty.done_at, duty.done_by_id = DutyState.OPEN, None, None
    db.session.flush()
    record(
        actor,
        "duty.reopened",
        number,
        customer_id=duty.customer_id,
        about=owner_of(duty.customer_id),
        personal={"reason": reason},
        duty=duty.id,
        kind=duty.kind.value,
    )
    return duty


def _check(numbers: Mapping[int, str]) -> None:
    if not numbers:
        raise Invalid(lazy_gettext("Enter the number of at least one document."))
    if len(numbers) > MOST_AT_ONCE:
        raise Invalid(lazy_gettext("At most %(count)d at once.", count=MOST_AT_ONCE))
    wrong: dict[str, list[Text]] = {}
    for key, number in numbers.items():
        if not number:
            wrong[f"number-{key}"] = [lazy_gettext("Enter the number of the document.")]
        elif len(number) > MAX_NUMBER:
            wrong[f"number-{key}"] = [lazy_gettext("This text is too long.")]
    if wrong:
        raise Invalid(fields=wrong)


def _lock(keys: Sequence[int]) -> list[Duty]:
    query = select(Duty).where(Duty.id.in_(keys)).order_by(Duty.id).with_for_update(of=Duty)
    duties = list(db.session.scalars(query.execution_options(populate_existing=True)))
    if len(duties) != len(keys):
        raise NotFound
    return duties
