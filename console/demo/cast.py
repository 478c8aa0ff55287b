"""Who is in the demo: the accounts that its readers are told of, and their neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from console.billing import migration as migrate
from console.billing.migration.plan_data import lock_migration
from console.core.actor import SYSTEM, Actor
from console.core.money import MINOR
from console.customers import service as accounts
from console.customers.models import CustomerKind, MemberRole, TaxStatus
from console.customers.rights import MailCategory, Right
from console.customers.service import CustomerData, MemberData
from console.demo.names import Names, mb, pib, slug
from console.demo.story import Account, Holding, Item, Known, Story
from console.hosting import service as hosting
from console.hosting.models import ProductKind, SuspensionReason
from console.staff.roles import Role
from console.staff.service import add_staff

DOMAIN = "example.test"
NEIGHBOURS = 28
WITH_DOMAIN, WITH_SSL = 0.6, 0.25  # shares of the neighbours
STAFF = (
    ("agent", "Jovana Živković", Role.AGENT),
    ("agent2", "Nebojša Čolić", Role.AGENT),
    ("billing", "Snežana Đukić", Role.BILLING),
    ("supervisor", "Uroš Šćepanović", Role.SUPERVISOR),
    ("admin", "Višnja Tošić", Role.ADMIN),
)
PRODUCTS = (
    ("hosting-s", "Hosting S", ProductKind.HOSTING, 7_900, "RSD", 2000),
    ("hosting-m", "Hosting M", ProductKind.HOSTING, 12_900, "RSD", 2000),
    ("vps-2", "VPS 2", ProductKind.VPS, 35_900, "RSD", 2000),
    ("domen-rs", "Domen .rs", ProductKind.DOMAIN, 1_990, "RSD", 2000),
    ("ssl-dv", "SSL DV", ProductKind.SSL, 2_490, "RSD", 2000),
    ("eknjiga", "Priručnik za veb (e-knjiga)", ProductKind.ADDON, 990, "RSD", 1000),
    ("hosting-eur", "Hosting M (EUR)", ProductKind.HOSTING, 110, "EUR", 2000),
)
PRICES = {code: price * MINOR for code, _name, _kind, price, _currency, _tax in PRODUCTS}
WORDS = {code: name for code, name, *_ in PRODUCTS}


def tell(story: Story, names: Names) -> None:
    """Put everything that happens into ``story``."""
    _house(story)
    ana = _ana(story)
    firma = _firma(story)
    _novi(story)
    _special(story, names)
    neighbours = [_neighbour(story, names, place) for place in range(NEIGHBOURS)]
    story.known |= {f"sused-{place}": Known(one.account, one.first) for place, one in enumerate(neighbours)}
    _migrations(story, firma, [neighbour for neighbour in neighbours if neighbour.free])
    # Last, so that her numbers are the ones that a reader sees on top.
    _ana_owes(story, ana)


def _house(story: Story) -> None:
    """Let the house open: staff and what is sold."""

    def open_house() -> None:
        for who, name, role in STAFF:
            story.staff[who] = add_staff(
                SYSTEM, email=f"{who}@{DOMAIN}", name=name, role=role, password_hash=story.password_hash
            )
        for code, name, kind, price, currency, tax_bp in PRODUCTS:
            story.products[code] = hosting.add_product(
                SYSTEM, code=code, name=name, kind=kind, price=price * MINOR, currency=currency, tax_bp=tax_bp
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
    return Item(holding, f"{WORDS[holding.product]}, 12 meseci", PRICES[holding.product])


# --- the three who are named in the contract -------------------------------------------------------------------------


@dataclass(frozen=True)
class Ana:
    """Ana's account and the two services that share a document."""

    account: Account
    first: Holding
    second: Holding


def _ana(story: Story) -> Ana:
    when = story.instant(1_150, hour=9, minute=20)
    account = story.account(
        when,
        CustomerData(
            name="Ana Đorđević",
            address="Njegoševa 14",
            postcode="11000",
            city="Beograd",
            phone="+381 60 000 1414",
        ),
        MemberData(
            email=f"ana@{DOMAIN}", name="Ana Đorđević", phone="+381 60 000 1414", password_hash=story.password_hash
        ),
    )
    started = story.instant(1_085, hour=12)
    first = story.holding(
        started, account, "hosting-m", "prodavnica-jasen.example.rs", paid_until=renewal(story, started)
    )
    later = story.instant(710, hour=14)
    second = story.holding(later, account, "hosting-s", "cajdzinica.example.rs", paid_until=renewal(story, later))
    story.holding(
        started,
        account,
        "domen-rs",
        "prodavnica-jasen.example.rs",
        paid_until=renewal(story, started),
        hosted_with=first,
        domain="prodavnica-jasen.example.rs",
    )
    paid = story.instant(352, hour=13)
    story.bill(story.instant(360, hour=7), account, [item(first)], then=story.pay, then_at=paid)
    story.known["ana"] = Known(account, first)
    return Ana(account, first, second)


def _ana_owes(story: Story, ana: Ana) -> None:
    # Of the last day: not overdue before the week is over.
    story.facts["ana billed"] = story.bill(
        story.instant(0, hour=7, minute=30), ana.account, [item(ana.first), item(ana.second)]
    )


def _firma(story: Story) -> Account:
    when = story.instant(1_400, hour=10, minute=5)
    account = story.account(
        when,
        CustomerData(
            name="Građevina Žunić d.o.o.",
            kind=CustomerKind.COMPANY,
            pib=pib(4_817_203),
            mb=mb(1_204_417),
            address="Bulevar oslobođenja 88",
            postcode="21000",
            city="Novi Sad",
            phone="+381 60 000 8800",
        ),
        MemberData(email=f"firma@{DOMAIN}", name="Željko Žunić", password_hash=story.password_hash),
    )
    story.member(
        story.instant(1_300),
        account,
        MemberData(
            email=f"firma.it@{DOMAIN}",
            name="Nađa Ćirić",
            role=MemberRole.USER,
            rights=(Right.PRODUCTS, Right.MANAGE_PRODUCTS, Right.DOMAINS, Right.TICKETS),
            mail=(MailCategory.PRODUCT, MailCategory.DOMAIN, MailCategory.SUPPORT),
            password_hash=story.password_hash,
        ),
    )
    story.member(
        story.instant(1_290),
        account,
        MemberData(
            email=f"knjigovodja@{DOMAIN}",
            name="Ružica Mišković",
            role=MemberRole.CONTACT,
            rights=(Right.INVOICES,),
            mail=(MailCategory.INVOICE,),
        ),
    )
    started = story.instant(1_390, hour=11)
    vps = story.holding(
        started, account, "vps-2", "vps1.gradjevina-zunic.example.rs", paid_until=renewal(story, started)
    )
    site = story.holding(
        started, account, "hosting-m", "gradjevina-zunic.example.rs", paid_until=renewal(story, started)
    )
    story.holding(
        started,
        account,
        "domen-rs",
        "gradjevina-zunic.example.rs",
        paid_until=renewal(story, started),
        hosted_with=site,
        domain="gradjevina-zunic.example.rs",
    )
    story.bill(story.instant(290, hour=7), account, [item(vps), item(site)], then=story.pay, then_at=story.instant(284))
    # Overdue: issued six weeks ago, never paid.
    story.bill(story.instant(42, hour=7, minute=15), account, [item(site)])
    story.known["firma"] = Known(account, site)
    return account


def _novi(story: Story) -> None:
    account = story.account(
        story.instant(2, hour=15, minute=40),
        CustomerData(name="Novak Božić", address="Šumadijska 3", postcode="32000", city="Čačak"),
        MemberData(email=f"novi@{DOMAIN}", name="Novak Božić", password_hash=story.password_hash),
    )
    story.known["novi"] = Known(account)


# --- each of these shows one rule ------------------------------------------------------------------------------------


def _special(story: Story, names: Names) -> None:
    # Its abuse is found, and it is suspended, in a ticket.
    abuser = _neighbour(story, names, 100, name="Siniša Šipka")
    story.known["zloupotreba"] = Known(abuser.account, abuser.first)

    locked = _neighbour(story, names, 101, name="Teodora Anđelković").first
    story.at(
        story.instant(30),
        lambda: hosting.lock_transfer(story.actor("billing"), locked.service, locked=True),
        [locked.started],
    )

    unpaid = _neighbour(story, names, 102, name="Živko Vučković")
    owed = SuspensionReason.UNPAID
    story.at(
        story.instant(20),
        lambda: hosting.suspend(story.actor("billing"), unpaid.first.service, owed),
        [unpaid.first.started],
    )
    story.bill(story.instant(60, hour=7), unpaid.account, [item(unpaid.first)])

    part_paid = _neighbour(story, names, 103, name="Mirjana Ristić")
    story.known["polovina"] = Known(part_paid.account, part_paid.first)
    story.facts["half paid"] = story.bill(
        story.instant(12, hour=7),
        part_paid.account,
        [item(part_paid.first)],
        then=story.pay_half,
        then_at=story.instant(6),
    )

    mistaken = _neighbour(story, names, 104, name="Knjižara Đerdap d.o.o.", kind=CustomerKind.COMPANY)
    story.bill(
        story.instant(25, hour=7),
        mistaken.account,
        [item(mistaken.first)],
        then=story.cancel,
        then_at=story.instant(24, hour=13),
    )

    abroad = story.account(
        story.instant(800),
        CustomerData(
            name="Nordlicht GmbH",
            kind=CustomerKind.COMPANY,
            address="Hafenstraße 4",
            postcode="20457",
            city="Hamburg",
            country="DE",
            tax_status=TaxStatus.ABROAD,
            language="en",
            currency="EUR",
        ),
        MemberData(email=f"office.nordlicht@{DOMAIN}", name="Jörg Weiß", language="en"),
    )
    started = story.instant(790)
    site = story.holding(started, abroad, "hosting-eur", "nordlicht.example.com", paid_until=renewal(story, started))
    story.bill(story.instant(3, hour=7), abroad, [item(site)])
    story.known["nordlicht"] = Known(abroad, site)

    exempt = story.account(
        story.instant(900),
        CustomerData(
            name="Fondacija Višnjica",
            kind=CustomerKind.COMPANY,
            pib=pib(7_700_417),
            mb=mb(7_120_003),
            address="Takovska 10",
            postcode="11000",
            city="Beograd",
            tax_status=TaxStatus.EXEMPT,
        ),
        MemberData(email=f"fondacija@{DOMAIN}", name="Ljiljana Krstić"),
    )
    started = story.instant(880)
    site = story.holding(
        started, exempt, "hosting-s", "fondacija-visnjica.example.rs", paid_until=renewal(story, started)
    )
    story.bill(story.instant(5, hour=7), exempt, [item(site)])
    story.known["fondacija"] = Known(exempt, site)

    closed = _neighbour(story, names, 105, name="Čedomir Lazarević").account
    story.at(
        story.instant(15),
        lambda: accounts.close_customer(SYSTEM, closed.customer, "Na zahtev vlasnika"),
        [closed.opened],
    )
    paused = _neighbour(story, names, 106, name="Zubna ordinacija Tisa PR", kind=CustomerKind.COMPANY).account
    story.at(
        story.instant(11), lambda: accounts.suspend_customer(SYSTEM, paused.customer, "Dugovanje"), [paused.opened]
    )


# --- the others ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Neighbour:
    """An ordinary account and its first service."""

    account: Account
    first: Holding
    free: bool  # nothing special about it: it may take part in a migration


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
    if rng.random() < WITH_DOMAIN:
        items.append(
            item(story.holding(started, account, "domen-rs", site, paid_until=until, hosted_with=first, domain=site))
        )
    if rng.random() < WITH_SSL:
        items.append(item(story.holding(started, account, "ssl-dv", site, paid_until=until, hosted_with=first)))
    _renewals(story, account, items, started, until)
    return Neighbour(account, first, free=name is None)


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


# --- a migration in each of its states -------------------------------------------------------------------------------


def _migrations(story: Story, firma: Account, free: list[Neighbour]) -> None:
    """Let services move, or not: executed, expired, rejected, withdrawn, approved and requested."""
    pairs = iter(list(zip(free[::2], free[1::2], strict=False)))
    for days_ago in (75, 18):
        executed = _Move(story, days_ago, *next(pairs))
        executed.decide(migrate.approve, days_ago - 1, 9)
        executed.decide(migrate.execute, days_ago - 1, 14)

    expired = _Move(story, 55, *next(pairs))
    story.at(story.instant(24, hour=3), migrate.expire_due, [expired.requested])

    rejected = _Move(story, 13, *next(pairs))
    story.at(
        story.instant(12),
        lambda: migrate.reject(story.actor("billing"), rejected.ref, "Novi vlasnik nije potvrdio prijem."),
        [rejected.requested],
    )

    withdrawn = _Move(story, 8, *next(pairs))
    story.at(
        story.instant(8, hour=12),
        lambda: migrate.withdraw(story.actor("agent"), withdrawn.ref, "Kupac je odustao."),
        [withdrawn.requested],
    )

    mover, _taker = next(pairs)
    approved = _Move(story, 4, mover, Neighbour(firma, mover.first, free=False))
    approved.decide(migrate.approve, 3, 15)
    _Move(story, 3, *next(pairs))


class _Move:
    """A migration that an owner asks for on the phone, with a document for the service open."""

    def __init__(self, story: Story, days_ago: int, mover: Neighbour, taker: Neighbour) -> None:
        self._story = story
        self._mover, self._taker = mover, taker
        billed = story.bill(story.instant(days_ago + 3, hour=7, minute=5), mover.account, [item(mover.first)])
        self.requested = self._latest = story.at(
            story.instant(days_ago, hour=11, minute=10), self._request, [billed, taker.account.opened]
        )

    @property
    def ref(self) -> str:
        return str(self.requested.outcome)

    def _request(self) -> str:
        story, service = self._story, self._mover.first.service
        request = migrate.Request(
            services=(service.id,),
            to_customer=self._taker.account.customer.number,
            verification=story.verified(self._mover.account),
            reason="Sajt je prodat novom vlasniku.",
        )
        return str(migrate.request_migration(story.actor("agent"), request, f"demo-{service.id}")["ref"])

    def decide(self, verb: Callable[[Actor, str, str, str], object], days_ago: int, hour: int) -> None:
        """Let billing look at the preview, then approve or execute."""

        def work() -> None:
            plan = migrate.plan_for(lock_migration(self.ref)).digest
            verb(self._story.actor("billing"), self.ref, plan, f"demo-{verb.__name__}-{self.ref}")

        self._latest = self._story.at(self._story.instant(days_ago, hour=hour), work, [self._latest])
