"""Filling an empty database with the demo, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from sqlalchemy import select

from console.audit.models import AuditEntry
from console.audit.service import record
from console.billing.renewals import jobs as renewals
from console.core import clock
from console.core.actor import SYSTEM
from console.core.context import settings
from console.core.db import db
from console.core.passwords import hash_password
from console.core.settings import DEMO_PASSWORD
from console.core.transaction import transaction
from console.customers.models import Customer
from console.demo import (
    cast,
    chat_crowd,
    chats,
    crowd,
    documents,
    duties,
    help_pages,
    received,
    security,
    services,
    statements,
    ticket_crowd,
)
from console.demo.ages import WorkingTime, desk_now
from console.demo.names import Names
from console.demo.story import ENDS_AT, Story
from console.demo.tickets import desk
from console.hosting.models import Product, ProductKind
from console.staff.models import Staff
from console.tickets.canned.service import load_standard
from console.tickets.sla.calendar import calendar

Progress = Callable[[str, int], None]


class DemoRefusedError(Exception):
    """The demo is not for this database. ``str()`` says why."""


def is_empty() -> bool:
    """Return whether nothing was ever done here."""
    return all(db.session.scalar(select(column).limit(1)) is None for column in (Customer.id, Staff.id, AuditEntry.id))


def story_day() -> date:
    """Return the day the story ends on: the clock's own where it was set, else the last Monday before now.

    So two runs in one week make the same, and nothing lies in the future: where the clock was set to an early hour,
    the story ends on the day before.
    """
    now = clock.now().astimezone(settings().zone)
    if settings().clock is not None:
        return now.date() if now.time() >= ENDS_AT else now.date() - timedelta(days=1)
    return now.date() - timedelta(days=now.weekday() or 7)


def tell(seed: int, today: date, working: WorkingTime, password_hash: str) -> Story:
    """Tell the story of ``seed``, without a database: all that will happen, and nothing yet.

    Args:
        seed: same seed, same story.
        today: the day it ends on.
        working: counts the ages of what the desk has.
        password_hash: of everyone who signs in.
    """
    rng = Random(seed)  # noqa: S311  (chance that repeats is what is wanted)
    story = Story(today, working.calendar.zone, rng, password_hash)
    cast.tell(story, Names(rng))
    story.at(story.instant(400, hour=15), lambda: load_standard(story.actor("supervisor")))
    help_pages.tell(story)
    desk.tell(story, working)
    services.tell(story, working)
    documents.tell(story)
    duties.tell(story)
    statements.tell(story)
    chats.tell(story, working)
    return story


def fill(
    seed: int,
    customers: int = 0,
    progress: Progress = lambda _what, _count: None,
    *,
    tickets: int = 0,
    more_chats: int = 0,
) -> None:
    """Tell the story of ``seed``, with so many more accounts, tickets and chats than it names.

    Raises:
        DemoRefusedError: in production, or where there is something already.
    """
    if settings().production:
        raise DemoRefusedError("The demo is not for production: its passwords are known to everyone.")
    if not is_empty():
        raise DemoRefusedError("The database is not empty. The demo fills an empty one only.")
    story = tell(seed, story_day(), WorkingTime(desk_now(), calendar()), hash_password(DEMO_PASSWORD))
    if not customers:  # a crowd of thousands would be billed at the first start
        documents.switch_on(story)
    with transaction() as session:
        if tickets:
            ticket_crowd.reserve(session, tickets)
        if more_chats:
            chat_crowd.reserve(session, more_chats)
        story.happen(lambda: progress("story", story.length))
        desk.send_mail(story)
        if customers:
            with clock.standing_at(story.instant(0)):
                _add_crowd(seed, customers, story, lambda count: progress("customers", count))
        with clock.standing_at(desk_now()):
            if tickets:
                crowd_of_tickets = ticket_crowd.Crowd(session, seed, tickets, clock.now())
                ticket_crowd.fill(crowd_of_tickets, lambda count: progress("tickets", count))
            if more_chats:
                crowd_of_chats = chat_crowd.Crowd(session, seed, more_chats, clock.now())
                chat_crowd.fill(crowd_of_chats, lambda count: progress("chats", count))
            if customers or tickets or more_chats:
                record(SYSTEM, "demo.filled", f"seed {seed}", customers=customers, tickets=tickets, chats=more_chats)
        session.flush()
    desk.settle()
    received.tell_now()  # at the last full hour
    chats.tell_now(story, calendar())  # in the last minutes
    security.tell_now()
    renewals.run()


def _add_crowd(seed: int, customers: int, story: Story, progress: Callable[[int], None]) -> None:
    session = db.session()
    session.flush()
    products = list(session.scalars(select(Product).order_by(Product.id)))
    hostings = [product for product in products if product.kind is ProductKind.HOSTING and product.currency == "RSD"]
    domain = next(product for product in products if product.kind is ProductKind.DOMAIN)
    crowd.fill(
        session,
        customers,
        seed=seed,
        today=story.today,
        products=hostings,
        domain_product=domain,
        progress=progress,
    )
