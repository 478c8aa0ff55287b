"""Who is in the demo: the accounts that its readers are told of, and their neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from console.core.actor import SYSTEM
from console.core.money import MINOR
from console.customers import service as accounts
from console.customers.models import CustomerKind, MemberRole, TaxStatus
from console.customers.rights import MailCategory, Right
from console.customers.service import CustomerData, MemberData
from console.demo import account_requests, data, migrations, payments
from console.demo.names import Names, mb, pib, slug
from console.demo.story import Account, Holding, Item, Known, Story
from console.hosting import service as hosting
from console.hosting.dns.rules import RecordInput
from console.hosting.dns.service import add_record
from console.hosting.models import ProductKind, SuspensionReason
from console.staff.roles import Role
from console.staff.service import add_staff

DOMAIN = "example.test"
NEIGHBOURS = 28
WITH_DOMAIN, WITH_SSL = 0.6, 0.25  # shares of the neighbours
_CAST = data.read("cast.toml")
_PRICES = {code: price * MINOR for code, _name, _kind, price, _currency, _tax_bp in _CAST["products"]}
_NAMES = {code: name for code, name, *_rest in _CAST["products"]}


def tell(story: Story, names: Names) -> None:
    """Put everything that happens into ``story``."""
    _house(story)
    ana, firma, _novi = (_tell_account(story, key) for key in ("ana", "firma", "novi"))
    _special(story, names)
    neighbours = [_neighbour(story, names, place) for place in range(NEIGHBOURS)]
    story.known |= {f"sused-{place}": Known(one.account, one.first) for place, one in enumerate(neighbours)}
    payments.tell(story, firma.account, [neighbour.account for neighbour in neighbours[-8:]])
    migrations.tell(story, firma.account, [one for one in neighbours if one.free], item)
    account_requests.tell(story, _CAST["requests"])
    # Last, so that her numbers are the ones that a reader sees on top.
    _ana_owes(story, ana)


def _house(story: Story) -> None:
    """Let the house open: staff and what is sold."""

    def open_house() -> None:
        for who, name, role in _CAST["staff"]:
            story.staff[who] = add_staff(
                SYSTEM, email=f"{who}@{DOMAIN}", name=name, role=Role(role), password_hash=story.password_hash
            )
        for code, name, kind, _price, currency, tax_bp in _CAST["products"]:
            story.products[code] = hosting.add_product(
                SYSTEM,
                code=code,
                name=name,
                kind=ProductKind(kind),
                price=_PRICES[code],
                currency=currency,
                tax_bp=tax_bp,
            )

    story.build_on(story.at(story.instant(5 * 365, hour=8), open_house))


def renewal(story: Story, started: datetime) -> date:
    """Return until when a yearly service that began at ``started`` is paid: its next anniversary."""
    day = started.date()
    years = 1
    while day + timedelta(days=365 * years) <= story.today:
        years += 1
    return day + timedelta(days=365 * years)


def item(holding: Holding) -> Item:
    """Return the line that a year of ``holding`` is billed with."""
    return Item(holding, f"{_NAMES[holding.product]}, 12 meseci", _PRICES[holding.product])


# --- accounts that are told in full ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class CastAccount:
    """An account as the data tells it. ``holdings``: its services by the names they have there."""

    account: Account
    holdings: dict[str, Holding]


def _tell_account(story: Story, key: str) -> CastAccount:
    """Let an account of the data live: its people join, its services start, its documents are issued and paid."""
    entry = _CAST["accounts"][key]
    account = story.account(
        story.instant(*entry["opened"]), _customer(entry["customer"]), _member(story, **entry["owner"])
    )
    for member in entry.get("members", ()):
        fields = {name: value for name, value in member.items() if name != "since"}
        story.member(story.instant(*member["since"]), account, _member(story, **fields))
    holdings: dict[str, Holding] = {}
    for service in entry.get("services", ()):
        started = story.instant(*service["started"])
        holding = story.holding(
            started,
            account,
            service["product"],
            service["label"],
            paid_until=renewal(story, started),
            hosted_with=holdings.get(service.get("hosted_with", "")),
            domain=service.get("domain"),
        )
        holdings[service.get("key", service["label"])] = holding
        if "records" in service:
            _tell_records(story, started, holding, service["records"])
    for bill in entry.get("bills", ()):
        items = [item(holdings[name]) for name in bill["services"]]
        paid = story.instant(*bill["paid"]) if "paid" in bill else None
        story.bill(story.instant(*bill["at"]), account, items, then=story.pay if paid else None, then_at=paid)
    story.known[key] = Known(account, holdings.get(entry.get("first", "")))
    return CastAccount(account, holdings)


def _tell_records(story: Story, started: datetime, holding: Holding, records: list[list[str]]) -> None:
    """Let the records of a domain be added one after the other, each some days after the one before."""
    needed = holding.started
    for place, (name, kind, value) in enumerate(records):
        add = partial(_add_record, holding, RecordInput(name, kind, "3600", value), place)
        needed = story.at(started + timedelta(days=place, hours=1), add, [needed])


def _add_record(holding: Holding, typed: RecordInput, version: int) -> None:
    domain = holding.service.domain
    if domain is not None:
        add_record(SYSTEM, domain.id, typed, version)


def _customer(fields: dict[str, Any]) -> CustomerData:
    kind, tax_status = CustomerKind(fields.get("kind", "person")), TaxStatus(fields.get("tax_status", "domestic"))
    numbers = {name: make(fields[name]) for name, make in (("pib", pib), ("mb", mb)) if name in fields}
    return CustomerData(**(fields | numbers | {"kind": kind, "tax_status": tax_status}))


def _member(story: Story, *, email: str, name: str, signs_in: bool = False, **fields: Any) -> MemberData:
    kinds: dict[str, Callable[[Any], object]] = {
        "role": MemberRole,
        "rights": lambda keys: tuple(map(Right, keys)),
        "mail": lambda keys: tuple(map(MailCategory, keys)),
    }
    typed = {key: kinds.get(key, str)(value) for key, value in fields.items()}
    password_hash = story.password_hash if signs_in else None
    return MemberData(f"{email}@{DOMAIN}", name, password_hash=password_hash, **typed)  # type: ignore[arg-type]


def _ana_owes(story: Story, ana: CastAccount) -> None:
    # Of the last day: not overdue before the week is over.
    both = [item(ana.holdings[name]) for name in ("shop", "tearoom")]
    story.facts["ana billed"] = story.bill(story.instant(0, hour=7, minute=30), ana.account, both)


# --- each of these shows one rule ------------------------------------------------------------------------------------


def _special(story: Story, names: Names) -> None:
    # Its abuse is found, and it is suspended, in a ticket.
    abuser = _special_neighbour(story, names, "abuse")
    story.known["zloupotreba"] = Known(abuser.account, abuser.first)

    locked = _special_neighbour(story, names, "transfer_lock").first
    story.at(
        story.instant(30),
        lambda: hosting.lock_transfer(story.actor("billing"), locked.service, locked=True),
        [locked.started],
    )

    unpaid = _special_neighbour(story, names, "unpaid")
    owed = SuspensionReason.UNPAID
    story.at(
        story.instant(20),
        lambda: hosting.suspend(story.actor("billing"), unpaid.first.service, owed),
        [unpaid.first.started],
    )
    story.bill(story.instant(60, hour=7), unpaid.account, [item(unpaid.first)])

    part_paid = _special_neighbour(story, names, "part_paid")
    story.known["polovina"] = Known(part_paid.account, part_paid.first)
    story.facts["half paid"] = story.bill(
        story.instant(12, hour=7),
        part_paid.account,
        [item(part_paid.first)],
        then=story.pay_half,
        then_at=story.instant(6),
    )

    mistaken = _special_neighbour(story, names, "mistaken")
    story.bill(
        story.instant(25, hour=7),
        mistaken.account,
        [item(mistaken.first)],
        then=story.cancel,
        then_at=story.instant(24, hour=13),
    )

    _tell_account(story, "nordlicht")
    _tell_account(story, "fondacija")

    closed = _special_neighbour(story, names, "closed").account
    story.at(
        story.instant(15),
        lambda: accounts.close_customer(SYSTEM, closed.customer, "Na zahtev vlasnika"),
        [closed.opened],
    )
    paused = _special_neighbour(story, names, "paused").account
    story.at(
        story.instant(11), lambda: accounts.suspend_customer(SYSTEM, paused.customer, "Dugovanje"), [paused.opened]
    )


def _special_neighbour(story: Story, names: Names, key: str) -> Neighbour:
    entry = _CAST["special"][key]
    return _neighbour(
        story, names, entry["place"], name=entry["name"], kind=CustomerKind(entry["kind"]) if "kind" in entry else None
    )


# --- the others ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Neighbour:
    """An ordinary account and its first service."""

    account: Account
    first: Holding
    free: bool  # nothing special about it: it may take part in a migration
    with_domain: bool


def _neighbour(
    story: Story, names: Names, place: int, *, name: str | None = None, kind: CustomerKind | None = None
) -> Neighbour:
    """Let an ordinary account live: a hosting, often a domain, sometimes more, a document a year."""
    rng = story.rng
    kind = kind or (CustomerKind.COMPANY if name is None and place % 3 == 0 else CustomerKind.PERSON)
    company = kind is CustomerKind.COMPANY
    title = name or (names.company() if company else names.person())
    person = names.person() if company else title
    registered = story.instant(rng.randint(200, 1_700), hour=rng.randint(8, 16), minute=rng.randint(0, 59))
    number = names.number()
    postcode, city = names.town()
    account = story.account(
        registered,
        CustomerData(
            name=title,
            kind=kind,
            pib=pib(number * 7_919) if company else None,
            mb=mb(number * 104_729) if company else None,
            address=names.street(),
            postcode=postcode,
            city=city,
            phone=names.phone(),
        ),
        MemberData(email=f"{slug(person).replace('-', '.')}.{number}@{DOMAIN}", name=person, phone=names.phone()),
    )
    site = f"{slug(title)}-{number}.example.rs"
    started = registered + timedelta(hours=1)
    until = renewal(story, started)
    first = story.holding(started, account, rng.choice(("hosting-s", "hosting-m")), site, paid_until=until)
    items = [item(first)]
    with_domain = rng.random() < WITH_DOMAIN
    if with_domain:
        items.append(
            item(story.holding(started, account, "domen-rs", site, paid_until=until, hosted_with=first, domain=site))
        )
    if rng.random() < WITH_SSL:
        items.append(item(story.holding(started, account, "ssl-dv", site, paid_until=until, hosted_with=first)))
    _renewals(story, account, items, started, until)
    return Neighbour(account, first, free=name is None, with_domain=with_domain)


def _renewals(story: Story, account: Account, items: list[Item], started: datetime, until: date) -> None:
    """Bill the last years, three weeks ahead; the latest document may still be open."""
    for years in (2, 1, 0):
        days_ago = (story.today - until).days + 365 * years + 21
        if days_ago < 0 or story.instant(days_ago) <= started:
            continue
        billed = story.instant(days_ago, hour=7, minute=story.rng.randint(0, 59))
        paid = story.instant(max(days_ago - story.rng.randint(1, 9), 0), hour=9)
        settled = years > 0 and paid > billed
        story.bill(billed, account, items, then=story.pay if settled else None, then_at=paid if settled else None)
