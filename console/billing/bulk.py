"""Several pro-formas at once: what an action will do with each, or why it cannot; then each in its own transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import func, select

from console.billing.issuing import cancelling
from console.billing.models import ACTIVE_STATUSES, Proforma, ProformaStatus
from console.billing.renewals import reminders
from console.billing.renewals.models import ProformaReminder
from console.billing.service import today
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Refusal, Text
from console.core.idempotency import once
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.customers.mail_categories import receives
from console.customers.models import Membership
from console.customers.rights import MailCategory


class BulkAction(StrEnum):
    SEND = "send"
    REMIND = "remind"
    STORNO = "storno"


@dataclass(frozen=True)
class Effect:
    """What an action will do with one document.

    Args:
        why_not: why it cannot be done, ``None`` where it can.
        receivers: how many people will get a mail.
        credited: what was paid on it and becomes credit.
    """

    proforma: Proforma
    why_not: Text | None
    receivers: int
    credited: int = 0
    days_late: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of one document: done, or why not."""

    number: str
    why_not: Text | None
    storno: str = ""


def plan(action: BulkAction, proformas: Sequence[Proforma]) -> list[Effect]:
    """Return what an action would do with each document now."""
    receivers = _receivers({one.customer_id for one in proformas})
    reminded = _last_reminders([one.id for one in proformas]) if action is BulkAction.REMIND else {}
    return [
        Effect(
            one,
            _why_not(action, one, receivers[one.customer_id], reminded.get(one.id)),
            receivers[one.customer_id],
            one.paid if action is BulkAction.STORNO else 0,
            (today() - one.due_on).days,
        )
        for one in proformas
    ]


def run(
    actor: Actor,
    action: BulkAction,
    ids: Sequence[int],
    key: str,
    *,
    reason: str = "",
    paid: Mapping[int, int] = MappingProxyType({}),
) -> list[Outcome]:
    """Do it, each document in its own transaction: one that cannot be done keeps no other from being done.

    Args:
        key: the caller's idempotency key; repeated, nothing is done twice.
        paid: what was paid on each when the person looked; one on which more came since is not cancelled.

    Raises:
        Invalid: a storno without a reason; nothing is done then.
    """
    if action is BulkAction.STORNO:
        reason = cancelling.check_reason(reason)
    numbers = dict(iter(db.session.execute(select(Proforma.id, Proforma.number).where(Proforma.id.in_(ids))).all()))
    return [
        _cancel(actor, one, numbers[one], key, reason, paid.get(one))
        if action is BulkAction.STORNO
        else _write(actor, action, one, numbers[one], key)
        for one in sorted(numbers)
    ]


def _cancel(actor: Actor, proforma_id: int, number: str, key: str, reason: str, paid: int | None) -> Outcome:
    try:
        with transaction():
            answer = cancelling.storno(actor, proforma_id, reason, f"{key}.{proforma_id}", paid=paid)
    except Refusal as refusal:
        return Outcome(number, refusal.message)
    return Outcome(number, None, answer["number"])


def _write(actor: Actor, action: BulkAction, proforma_id: int, number: str, key: str) -> Outcome:
    try:
        with transaction():
            verb = reminders.send_again if action is BulkAction.SEND else reminders.remind

            def work() -> dict[str, object]:
                return {"number": verb(actor, proforma_id).number}

            once(f"proforma.{action.value}:{actor.id}:{proforma_id}", key, {}, work)
    except Refusal as refusal:
        return Outcome(number, refusal.message)
    return Outcome(number, None)


def _why_not(action: BulkAction, proforma: Proforma, receivers: int, reminded_on: date | None) -> Text | None:
    if proforma.status is ProformaStatus.CANCELLED:
        return lazy_gettext("It is cancelled.")
    if action is not BulkAction.SEND and proforma.status not in ACTIVE_STATUSES:
        return lazy_gettext("It is paid.")
    if action is not BulkAction.STORNO and not receivers:
        return lazy_gettext("No one on this account gets e-mail about invoices.")
    if reminded_on == today():
        return lazy_gettext("A reminder was already sent today.")
    return None


def _receivers(customer_ids: set[int]) -> Counter[int]:
    """Count who on each account gets mail about invoices."""
    query = select(Membership).where(Membership.customer_id.in_(customer_ids), Membership.removed_at.is_(None))
    return Counter(one.customer_id for one in db.session.scalars(query) if receives(one, MailCategory.INVOICE))


def _last_reminders(ids: Sequence[int]) -> dict[int, date]:
    query = (
        select(ProformaReminder.proforma_id, func.max(ProformaReminder.sent_on))
        .where(ProformaReminder.proforma_id.in_(ids))
        .group_by(ProformaReminder.proforma_id)
    )
    return dict(iter(db.session.execute(query)))
