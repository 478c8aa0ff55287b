"""What billing has issued of the tax documents that payments made due: most of them, up to a few days ago."""

from __future__ import annotations

from functools import partial
from itertools import count

from sqlalchemy import select

from console.billing.duties import service
from console.billing.duties.models import Duty, DutyState
from console.billing.duties.rules import FISCAL
from console.core import clock
from console.core.db import db
from console.demo.story import Story

DAYS = tuple(range(730, 1, -7))  # once a week, last two days ago
LEFT = 2  # of the last ones: overlooked, so that a reader sees what is overdue
_DEVICE = "MNT8KQ2A-MNT8KQ2A"


def tell(story: Story) -> None:
    """Let billing tick what was due, once a week."""
    numbers = count(1)
    for days_ago in DAYS:
        story.at(story.instant(days_ago, hour=15, minute=40), partial(_tick, story, numbers, last=days_ago == DAYS[-1]))


def _tick(story: Story, numbers: count[int], *, last: bool) -> None:
    today = clock.local_date(clock.now(), story.zone)
    query = select(Duty).where(Duty.state == DutyState.OPEN, Duty.due_on <= today).order_by(Duty.due_on, Duty.id)
    due = list(db.session.scalars(query.limit(service.MOST_AT_ONCE)))
    if last:
        due = due[:-LEFT]
    if due:
        service.tick(story.actor("billing"), {duty.id: _number(duty, next(numbers)) for duty in due})


def _number(duty: Duty, number: int) -> str:
    """Return a number as a fiscal device gives it, or as invoices have it."""
    return f"{_DEVICE}-{number}" if duty.kind in FISCAL else f"{duty.dated_on.year}/{number:04d}"
