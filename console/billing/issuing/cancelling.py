"""Cancelling a pro-forma by hand, alone or with a corrected copy in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from console.audit.service import record
from console.billing import mails
from console.billing.issuing.data import ProformaData, check, services_on
from console.billing.issuing.service import issue, require_open, settle, to_answer
from console.billing.locks import lock_customers, lock_proformas
from console.billing.models import ACTIVE_STATUSES, Proforma, Storno
from console.billing.periods import Period
from console.billing.service import cancel_proforma
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.idempotency import once
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers.masking import mask_pins
from console.staff.roles import Permission

MAX_REASON = 500


def storno(
    actor: Actor, proforma_id: int, reason: str, key: str, *, mail: bool = True, paid: int | None = None
) -> dict[str, Any]:
    """Cancel a pro-forma that is not paid in full. What was paid on it becomes its account's credit.

    Args:
        key: the caller's idempotency key.
        mail: write to the people of the account who get mail about invoices.
        paid: what was paid on it when the person looked, in minor units; where more came since, nothing is done.

    Returns:
        ``number`` and ``total`` of the storno, and what was ``credited``.

    Raises:
        NotFound: no such document, or the role issues none.
        Invalid: no reason.
        Conflict: ``not_active``: it is paid, or cancelled already; ``stale``: not ``paid`` is paid on it now.
    """
    actor.require(Permission.ISSUE_DOCUMENTS)

    def work() -> dict[str, Any]:
        text, proforma = check_reason(reason), lock_active(proforma_id)
        if paid not in (None, proforma.paid):
            raise Conflict(
                lazy_gettext(
                    "A payment on this pro-forma has arrived since you opened the page. Check what will happen now."
                ),
                code="stale",
            )
        cancelled = cancel(actor, proforma, text, mail=mail)
        return {
            "number": cancelled.number,
            "total": cancelled.storno.total,
            "currency": cancelled.storno.currency,
            "credited": cancelled.credited,
        }

    content = {"reason": one_line(reason), "mail": mail}
    return once(f"proforma.storno:{actor.id}:{proforma_id}", key, content, work)


def correct(
    actor: Actor, proforma_id: int, data: ProformaData, reason: str, key: str, *, mail: bool = True
) -> dict[str, Any]:
    """Cancel a pro-forma and issue a corrected copy that cites it, both or neither.

    What was paid on the old one is put on the new one, as far as it goes.

    Returns:
        ``storno`` (its number), and of the new document what ``make_proforma`` does.

    Raises:
        NotFound: no such document, or the role issues none.
        Invalid: no reason; a message for every wrong field of the new one.
        Conflict: ``not_active``: it is paid, or cancelled already; or a service belongs to another customer.
    """
    actor.require(Permission.ISSUE_DOCUMENTS)

    def work() -> dict[str, Any]:
        text = check_reason(reason)
        cleaned = check(data)
        lock_customers([_customer_of(proforma_id)])
        services_on(cleaned.items, lock=True)  # before the document and the numbers, as everywhere
        old = lock_active(proforma_id)
        require_open(old.customer)
        periods = periods_of(old)
        cancelled = cancel(actor, old, text, mail=False)
        new = issue(actor, old.customer, cleaned, source=old, periods=periods)
        taken_over = min(cancelled.credited, new.total) if new.currency == old.currency else 0
        settle(actor, new, credit=taken_over)
        record(actor, "proforma.corrected", new.number, customer_id=old.customer_id, replaces=old.number)
        if mail:
            mails.write_cancelled(
                old, cancelled.storno, credited=cancelled.credited - taken_over, replaced_by=new.number
            )
            mails.write_issued(new)
        return to_answer(new) | {"storno": cancelled.number}

    content = data.content() | {"reason": one_line(reason), "mail": mail}
    return once(f"proforma.correct:{actor.id}:{proforma_id}", key, content, work)


@dataclass(frozen=True)
class Cancelled:
    """A pro-forma's storno, and what of its payments became credit."""

    storno: Storno
    credited: int

    @property
    def number(self) -> str:
        return self.storno.number


def cancel(actor: Actor, proforma: Proforma, reason: str, *, mail: bool) -> Cancelled:
    """Cancel a locked, active pro-forma."""
    credited = proforma.paid
    storno = cancel_proforma(actor, proforma, reason)
    db.session.flush()
    if mail:
        mails.write_cancelled(proforma, storno, credited=credited)
    return Cancelled(storno, credited)


def check_reason(reason: str) -> str:
    """Return a reason as it is stored.

    Raises:
        Invalid: there is none, or it is too long.
    """
    text = mask_pins(one_line(reason))[0]
    if not text:
        raise Invalid(fields={"reason": [lazy_gettext("Enter the reason for the cancellation.")]})
    if len(text) > MAX_REASON:
        raise Invalid(fields={"reason": [lazy_gettext("This is too long.")]})
    return text


def lock_active(proforma_id: int) -> Proforma:
    """Return a pro-forma that can be cancelled, locked; its account too where something was paid on it.

    Raises:
        NotFound: there is none.
        Conflict: ``not_active``.
    """
    lock_customers([_customer_of(proforma_id)])
    found = lock_proformas([proforma_id])
    if found[0].status not in ACTIVE_STATUSES:
        raise Conflict(lazy_gettext("Only a pro-forma that is not paid in full can be cancelled."), code="not_active")
    return found[0]


def periods_of(proforma: Proforma) -> dict[int, Sequence[Period]]:
    """Return which periods a document bills, by service, in the order of its lines."""
    found: dict[int, list[Period]] = {}
    for line in proforma.lines:
        if line.service_id is not None and line.period_from is not None and line.period_to is not None:
            found.setdefault(line.service_id, []).append(Period(line.period_from, line.period_to))
    return dict(found)


def _customer_of(proforma_id: int) -> int:
    found = db.session.scalar(select(Proforma.customer_id).where(Proforma.id == proforma_id))
    if found is None:
        raise NotFound
    return found
