"""Reminding of what is about to be due and of what is overdue, each step once."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import and_, exists, or_, select

from console.audit.service import record
from console.billing import mails
from console.billing.locks import lock_proformas
from console.billing.models import ACTIVE_STATUSES, Proforma
from console.billing.renewals.models import ProformaReminder
from console.billing.service import today
from console.core.actor import SYSTEM, Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, NotFound
from console.core.logging import get_logger
from console.core.settings import read_days
from console.core.texts import lazy_gettext
from console.core.transaction import transaction
from console.staff.roles import Permission

log = get_logger(__name__)
LATE = timedelta(days=6)  # a step that was missed, as while no worker ran, is made up for so long


def steps() -> list[int]:
    """Return when reminders are sent, in days after the due date, negative before it; the last one first."""
    now = settings()
    before = [-days for days in read_days(now.reminders_before)]
    return sorted({*before, *read_days(now.reminders_after)}, reverse=True)


def remind_due() -> int:
    """Send the reminders whose day has come, each in its own transaction, and return how many documents had one."""
    if not settings().renewals:
        return 0
    sent = 0
    for proforma_id in find_due(today()):
        try:
            with transaction():
                sent += _remind_one(proforma_id)
        except Exception:
            log.exception("reminder not sent", proforma=proforma_id)
    return sent


def find_due(day: date) -> list[int]:
    """Return the documents of which a reminder is due on ``day``."""
    reached = [
        and_(
            Proforma.due_on.between(day - timedelta(days=step) - LATE, day - timedelta(days=step)),
            *([Proforma.due_on >= day] if step < 0 else []),
            ~exists().where(ProformaReminder.proforma_id == Proforma.id, ProformaReminder.step >= step),
        )
        for step in steps()
    ]
    query = select(Proforma.id).where(Proforma.status.in_(ACTIVE_STATUSES), Proforma.issued_on < day, or_(*reached))
    return list(db.session.scalars(query.order_by(Proforma.due_on, Proforma.id))) if reached else []


def step_on(due_on: date, day: date) -> int | None:
    """Return the last step that is reached on ``day`` and not too old, ``None`` where there is none."""
    late = (day - due_on).days
    for step in steps():
        if step <= late <= step + LATE.days and not (step < 0 < late):
            return step
    return None


def remind(actor: Actor, proforma_id: int) -> Proforma:
    """Remind of a document by hand, at most once a day.

    Raises:
        NotFound: the role issues no documents, or there is none.
        Conflict: ``not_active``: it is paid or cancelled; ``reminded``: its receivers got a reminder today.
    """
    actor.require(Permission.ISSUE_DOCUMENTS)
    proforma = _lock(proforma_id)
    if proforma.status not in ACTIVE_STATUSES:
        raise Conflict(lazy_gettext("This pro-forma is paid or cancelled."), code="not_active")
    if last_reminder(proforma_id) == today():
        raise Conflict(lazy_gettext("A reminder was already sent today."), code="reminded")
    _send(actor, proforma, None)
    return proforma


def send_again(actor: Actor, proforma_id: int) -> Proforma:
    """Mail a document to its receivers again.

    Raises:
        NotFound: the role issues no documents, or there is none.
        Conflict: ``cancelled``: it is not to be paid any more.
    """
    actor.require(Permission.ISSUE_DOCUMENTS)
    proforma = _lock(proforma_id)
    if proforma.storno is not None:
        raise Conflict(lazy_gettext("This pro-forma was cancelled."), code="cancelled")
    mails.write_issued(proforma)
    record(actor, "proforma.sent", proforma.number, customer_id=proforma.customer_id)
    return proforma


def last_reminder(proforma_id: int) -> date | None:
    """Return when a document was last reminded of."""
    query = select(ProformaReminder.sent_on).where(ProformaReminder.proforma_id == proforma_id)
    return db.session.scalar(query.order_by(ProformaReminder.sent_on.desc()).limit(1))


def _remind_one(proforma_id: int) -> bool:
    """Send the step that is due, unless another worker, or a person today, was faster."""
    proforma = _lock(proforma_id)
    step = step_on(proforma.due_on, today())
    later = select(ProformaReminder.id).where(
        ProformaReminder.proforma_id == proforma_id, ProformaReminder.step >= (step or 0)
    )
    if step is None or proforma.status not in ACTIVE_STATUSES or db.session.scalar(later.limit(1)) is not None:
        return False
    if last_reminder(proforma_id) == today():
        db.session.add(ProformaReminder(proforma_id=proforma_id, step=step, sent_on=today()))  # said already
        return False
    _send(SYSTEM, proforma, step)
    return True


def _send(actor: Actor, proforma: Proforma, step: int | None) -> None:
    sent_by = actor.id if actor.kind == "staff" else None
    db.session.add(ProformaReminder(proforma_id=proforma.id, step=step, sent_on=today(), sent_by_id=sent_by))
    db.session.flush()
    mails.write_reminder(proforma, today())
    days = (today() - proforma.due_on).days
    record(actor, "proforma.reminded", proforma.number, customer_id=proforma.customer_id, days_overdue=days)


def _lock(proforma_id: int) -> Proforma:
    found = lock_proformas([proforma_id])
    if not found:
        raise NotFound
    return found[0]
