"""What customers of the demo ask for in the portal, and the quotes that they have."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from console.billing.quotes import service as quotes
from console.billing.quotes.models import Quote
from console.billing.quotes.service import QuoteData, QuoteLineData
from console.billing.service import today
from console.core.actor import Actor
from console.core.db import db
from console.core.money import MINOR
from console.core.texts import in_language
from console.customers.models import MemberRole, Membership
from console.demo.ages import WorkingTime
from console.demo.story import Account, Story
from console.tickets.service_requests import service as requests

VALID = timedelta(days=14)


def tell(story: Story, working: WorkingTime) -> None:
    """Put two quotes and an order into ``story``; after the desk, which opens the departments."""
    ana, firma = story.known["ana"].account, story.known["firma"].account
    story.at(
        story.instant(5, hour=12),
        lambda: _offer(story, ana, "VPS 2, 12 meseci, sa prenosom sajta", 38_000),
        [ana.opened],
    )
    offered = story.at(
        story.instant(9, hour=12),
        lambda: _offer(story, firma, "Dodatnih 50 GB prostora, 12 meseci", 9_600),
        [firma.opened],
    )
    story.at(story.instant(8, hour=15), lambda: _decline(firma), [offered, firma.opened])
    story.at(working.ago(0.4), lambda: _order(story, firma), [firma.opened])


def _offer(story: Story, account: Account, what: str, price: int) -> None:
    lines = (QuoteLineData(what, price * MINOR),)
    data = QuoteData("RSD", today() + VALID, lines, "Cena važi uz plaćanje za godinu dana.")
    quotes.send_quote(story.actor("billing"), account.customer, data, f"demo-quote-{price}")


def _decline(account: Account) -> None:
    customer = account.customer
    found = db.session.scalars(select(Quote.id).where(Quote.customer_id == customer.id)).one()
    quotes.decline_quote(_owner(customer.id), found, "Za sada nam je dovoljno prostora.")


def _order(story: Story, account: Account) -> None:
    with in_language("sr_Latn"):
        requests.order(
            _owner(account.customer.id),
            account.customer,
            product_id=story.products["ssl-dv"].id,
            domain="gradjevina-zunic.example.rs",
            remark="Sertifikat nam treba do kraja nedelje.",
            key="demo-order-firma",
        )


def _owner(customer_id: int) -> Actor:
    query = select(Membership).where(Membership.customer_id == customer_id, Membership.role == MemberRole.OWNER)
    person = db.session.scalars(query).one().person
    return Actor(kind="person", id=person.id, name=person.name)
