"""Payments of the last weeks, and what billing has issued of the tax documents that they made due."""

from __future__ import annotations

from functools import partial
from itertools import count

from sqlalchemy import select

from console.billing.duties import service
from console.billing.duties.models import Duty, DutyState
from console.billing.duties.rules import FISCAL
from console.billing.models import Proforma
from console.billing.periods import next_period
from console.billing.service import LineDraft, issue_proforma
from console.core import clock
from console.core.db import db
from console.demo.story import Story

PAID = (19, 13, 11, 8, 6, 4, 3, 1, 0)  # days ago, each by another neighbour: people and companies
FIRST = 16  # of the neighbours; those before have stories of their own
DAYS = (*range(730, 20, -28), 18, 12, 9, 5, 2)  # when billing ticked
LEFT = 2  # of the last ones: overlooked, so that a reader sees what is overdue
_DEVICE = "MNT8KQ2A-MNT8KQ2A"


def tell(story: Story) -> None:
    """Let neighbours pay for their next year, and billing tick what was due until lately."""
    for place, days_ago in enumerate(PAID, start=FIRST):
        _pay(story, f"sused-{place}", days_ago)
    numbers = count(1)
    for days_ago in DAYS:
        story.at(story.instant(days_ago, hour=15, minute=40), partial(_tick, story, numbers, last=days_ago == DAYS[-1]))


def _pay(story: Story, neighbour: str, days_ago: int) -> None:
    known = story.known[neighbour]
    holding = known.first
    if holding is None:
        return

    def issue() -> Proforma:
        service, product = holding.service, story.products[holding.product]
        line = LineDraft(
            f"{product.name}, 12 meseci", product.price, product.tax_bp, service.id, period=next_period(service)
        )
        return issue_proforma(story.actor("billing"), service.customer, [line], currency=product.currency)

    issued = story.at(story.instant(days_ago + 5, hour=7, minute=20), issue, [known.account.opened, holding.started])
    story.at(story.instant(days_ago, hour=8, minute=10), lambda: story.pay(issued.outcome), [issued])


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
