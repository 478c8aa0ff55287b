"""What billing staff of the demo make by hand, and what is billed without them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from console.billing.issuing import cancelling
from console.billing.issuing.data import ItemData, ProformaData, discounted
from console.billing.issuing.quotes import bill_quote, usual_due_on
from console.billing.issuing.service import make_proforma
from console.billing.models import Proforma
from console.billing.quotes import service as quotes
from console.billing.quotes.models import quote_key
from console.billing.quotes.service import QuoteData, QuoteLineData
from console.billing.service import today
from console.core.actor import Actor
from console.core.db import db
from console.core.money import MINOR
from console.core.texts import in_language
from console.customers.models import MemberRole, Membership
from console.demo.story import Account, Holding, Story
from console.hosting.models import Service
from console.settings.service import change

VALID = timedelta(days=14)


def tell(story: Story) -> None:
    """Put into ``story`` documents with a discount, a correction, an accepted quote and a draft; after the desk."""
    firma, ana = story.known["firma"].account, story.known["ana"].account
    made = story.at(story.instant(16, hour=10), lambda: _make(story, firma), [firma.opened])
    story.at(story.instant(15, hour=9), lambda: _correct(story, str(made.outcome)), [made])
    offered = story.at(story.instant(7, hour=9), lambda: _offer(story, firma), [firma.opened])
    accepted = story.at(story.instant(6, hour=20), lambda: _accept(firma, str(offered.outcome)), [offered])
    story.at(story.instant(4, hour=8), lambda: _bill(story, str(offered.outcome)), [accepted])
    story.at(story.instant(1, hour=14), lambda: _draft(story, ana), [ana.opened])
    shop = story.known["ana"].first
    if shop is not None:
        story.at(story.instant(0, hour=10, minute=40), lambda: _not_renewed(shop), [shop.started])


def switch_on(story: Story) -> None:
    """Let an administrator switch automatic billing on."""
    story.at(story.instant(45, hour=9), lambda: change(story.actor("admin"), "renewals", {"renewals": "yes"}))


def _make(story: Story, account: Account) -> str:
    net, discount = discounted(60_000 * MINOR, 1_000)
    items = (
        ItemData("Prenos tri sajta sa drugog hostinga", net, quantity=3, discount=discount, discount_bp=1_000),
        ItemData("Podešavanje mejla na računarima u kancelariji", 8_500 * MINOR),
    )
    data = ProformaData("RSD", usual_due_on(), items, "Radovi po dogovoru od petka.")
    with in_language("sr_Latn"):
        made = make_proforma(story.actor("billing"), account.customer, data, "demo-manual")
    return str(made["number"])


def _correct(story: Story, number: str) -> None:
    old = db.session.scalars(select(Proforma).where(Proforma.number == number)).one()
    net, discount = discounted(40_000 * MINOR, 1_000)
    items = (
        ItemData("Prenos dva sajta sa drugog hostinga", net, quantity=2, discount=discount, discount_bp=1_000),
        ItemData("Podešavanje mejla na računarima u kancelariji", 8_500 * MINOR),
    )
    data = ProformaData("RSD", usual_due_on(), items, old.note)
    with in_language("sr_Latn"):
        cancelling.correct(story.actor("billing"), old.id, data, "Preneta su dva sajta, a ne tri.", "demo-correction")


def _offer(story: Story, account: Account) -> str:
    data = QuoteData("RSD", today() + VALID, (QuoteLineData("Rezervne kopije van zemlje, 12 meseci", 14_400 * MINOR),))
    return str(quotes.send_quote(story.actor("billing"), account.customer, data, "demo-backups")["number"])


def _accept(account: Account, number: str) -> None:
    query = select(Membership).where(Membership.customer_id == account.customer.id, Membership.role == MemberRole.OWNER)
    person = db.session.scalars(query).one().person
    with in_language("sr_Latn"):
        quotes.accept_quote(Actor(kind="person", id=person.id, name=person.name), quote_key(number) or 0)


def _bill(story: Story, number: str) -> None:
    with in_language("sr_Latn"):
        bill_quote(story.actor("billing"), quote_key(number) or 0, usual_due_on(), "demo-billed")


def _not_renewed(holding: Holding) -> None:
    """End the services linked to a service, so that one document has all that its owner still has to pay for it."""
    for service in db.session.scalars(select(Service).where(Service.hosted_with_id == holding.service.id)):
        service.auto_renew = False


def _draft(story: Story, account: Account) -> None:
    lines = (
        QuoteLineData("VPS 4, 12 meseci", 72_000 * MINOR),
        QuoteLineData("Praćenje rada servera, 12 meseci", 18_000 * MINOR),
    )
    data = QuoteData("RSD", today() + VALID, lines, "Cena važi uz plaćanje za godinu dana.")
    quotes.save_draft(story.actor("billing"), account.customer, data, "demo-draft")
