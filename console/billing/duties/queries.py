"""Reading duties: how many are due and when, and one with all its page shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import joinedload

from console.billing.duties.models import Duty, DutyState
from console.billing.models import Proforma
from console.core.db import db
from console.core.errors import NotFound

OVERDUE, TODAY, LATER, OPEN, DONE, WITHDRAWN = "overdue", "today", "later", "open", "done", "withdrawn"


@dataclass(frozen=True)
class DutyCounts:
    """How many open duties are overdue, due today, and due later."""

    overdue: int = 0
    today: int = 0
    later: int = 0

    @property
    def open(self) -> int:
        """Return how many are open."""
        return self.overdue + self.today + self.later


def due_condition(when: str, today: date) -> ColumnElement[bool]:
    """Return the condition of a part of the queue, as :func:`count_duties` counts it."""
    is_open = Duty.state == DutyState.OPEN
    return {
        OVERDUE: and_(is_open, Duty.due_on < today),
        TODAY: and_(is_open, Duty.due_on == today),
        LATER: and_(is_open, Duty.due_on > today),
        OPEN: is_open,
        DONE: Duty.state == DutyState.DONE,
        WITHDRAWN: Duty.state == DutyState.WITHDRAWN,
    }[when]


def count_duties(today: date) -> DutyCounts:
    """Count the open duties, in one statement."""
    when = case((Duty.due_on < today, OVERDUE), (Duty.due_on == today, TODAY), else_=LATER).label("due")
    query = select(when, func.count()).where(Duty.state == DutyState.OPEN).group_by(when)
    return DutyCounts(**dict(db.session.execute(query).all()))


def find_duty(key: int) -> Duty:
    """Return a duty with all its page shows.

    Raises:
        NotFound: there is none.
    """
    query = (
        select(Duty)
        .options(
            joinedload(Duty.customer),
            joinedload(Duty.payment),
            joinedload(Duty.proforma).load_only(Proforma.number),
            joinedload(Duty.done_by),
            joinedload(Duty.corrects),
        )
        .where(Duty.id == key)
    )
    duty = db.session.scalar(query)
    if duty is None:
        raise NotFound
    return duty


def correction_of_duty(duty: Duty) -> Duty | None:
    """Return the duty that corrects one, if there is one."""
    return db.session.scalar(select(Duty).where(Duty.corrects_id == duty.id))


def duties_beside(duty: Duty) -> list[Duty]:
    """Return the other duties of the same pro-forma, or payment where there is none, in the order of their days."""
    if duty.proforma_id is None and duty.payment_id is None:
        return []
    same = Duty.proforma_id == duty.proforma_id if duty.proforma_id else Duty.payment_id == duty.payment_id
    query = select(Duty).where(same, Duty.id != duty.id).order_by(Duty.dated_on, Duty.id).limit(12)
    return list(db.session.scalars(query))
