"""Many more customers, with services and documents in proportion, by the import's own way in.

Seven of ten have a hosting, half of these a domain with it; each service has one
document, one of six still open. Reproducible, whatever the count: number 17 is
the same in a crowd of twenty and of a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from console.billing.models import ProformaStatus
from console.billing.references import with_check_digits
from console.billing.tax import rule_for
from console.core.context import settings
from console.customers.models import Customer, CustomerKind, TaxStatus
from console.customers.service import CustomerData, MemberData
from console.demo.names import Names, mb, pib, slug
from console.hosting.models import Product, ServiceStatus
from console.imports.bulk import (
    NewCustomer,
    NewDomain,
    NewLine,
    NewProforma,
    NewService,
    chunks,
    insert_customers,
    insert_proformas,
    insert_services,
)

DOMAIN = "example.test"
# Shares: of all; AWAY and EXEMPT of the companies; WITH_DOMAIN and OPEN of the services.
COMPANIES, AWAY, EXEMPT = 0.4, 0.05, 0.02
WITHOUT_SERVICE, WITH_DOMAIN, OPEN = 0.3, 0.5, 1 / 6
ABROAD = (("DE", "10115", "Berlin"), ("AT", "1010", "Wien"), ("HR", "10000", "Zagreb"), ("SI", "1000", "Ljubljana"))


def fill(
    session: Session,
    count: int,
    *,
    seed: int,
    today: date,
    products: Sequence[Product],
    domain_product: Product,
    even: bool = False,
    progress: Callable[[int], None] = lambda _count: None,
) -> None:
    """Store ``count`` customers with services and documents, in the open transaction.

    Args:
        session: of the open transaction.
        count: how many customers.
        seed: same seed, same crowd.
        today: what the crowd's dates are counted from.
        products: hostings to choose from.
        domain_product: what a registered name is sold as.
        progress: is told how many more are done.
        even: give every customer exactly one service, one domain name and one document (for measuring).
    """
    crowd = _Crowd(seed, today, [_Price(product) for product in products], _Price(domain_product), even=even)
    for numbers in chunks(range(1, count + 1)):
        crowd.store(session, numbers)
        session.flush()
        session.expunge_all()
        progress(len(numbers))


class _Price:
    """What the crowd needs of a product, after the session has forgotten it."""

    def __init__(self, product: Product) -> None:
        self.id = product.id
        self.name = product.name
        self.net = product.price
        self.tax_bp = product.tax_bp
        self.currency = product.currency
        self.months = product.period_months


class _Crowd:
    def __init__(self, seed: int, today: date, hostings: Sequence[_Price], domain: _Price, *, even: bool) -> None:
        self._seed = seed
        self._today = today
        self._hostings = hostings
        self._domain = domain
        self._even = even

    def store(self, session: Session, numbers: Sequence[int]) -> None:
        rngs = [Random(f"{self._seed}:{number}") for number in numbers]  # noqa: S311  (chance that repeats)
        people = [self._customer(number, rng) for number, rng in zip(numbers, rngs, strict=True)]
        ids = insert_customers(session, people)
        owners = [(number, rng, key, row) for number, rng, key, row in zip(numbers, rngs, ids, people, strict=True)]
        ordered = [
            (owner, price, service)
            for owner in owners
            for price, service in self._services(owner[0], owner[1], owner[2], slug(owner[3].data.name))
        ]
        services = insert_services(session, [service for _owner, _price, service in ordered], cause="demo")
        insert_proformas(
            session,
            [
                self._proforma(place, owner, price, service, key)
                for place, ((owner, price, service), key) in enumerate(zip(ordered, services, strict=True))
            ],
        )

    def _customer(self, number: int, rng: Random) -> NewCustomer:
        names = Names(rng)
        company = rng.random() < COMPANIES
        away = company and rng.random() < AWAY
        exempt = company and not away and rng.random() < EXEMPT
        title = names.company() if company else names.person()
        person = names.person() if company else title
        country, postcode, city = rng.choice(ABROAD) if away else ("RS", *names.town())
        data = CustomerData(
            name=title,
            kind=CustomerKind.COMPANY if company else CustomerKind.PERSON,
            pib=pib(50_000_000 + number) if company and not away else None,
            mb=mb(30_000_000 + number) if company and not away else None,
            address=names.street(),
            postcode=postcode,
            city=city,
            country=country,
            phone=names.phone(),
            tax_status=TaxStatus.ABROAD if away else TaxStatus.EXEMPT if exempt else TaxStatus.DOMESTIC,
            language="en" if away else "sr_Latn",
            external_id=f"demo-{self._seed}-{number}",
        )
        return NewCustomer(data, MemberData(email=f"osoba.{self._seed}.{number}@{DOMAIN}", name=person))

    def _services(self, number: int, rng: Random, customer: int, name: str) -> Iterable[tuple[_Price, NewService]]:
        if not self._even and rng.random() < WITHOUT_SERVICE:
            return
        label = f"{name}-{number}.example.rs" if self._seed == 1 else f"{name}-{self._seed}-{number}.example.rs"
        started = self._today - timedelta(days=rng.randint(20, 1_500))
        until = self._today + timedelta(days=rng.randint(-10, 345))
        hosting = rng.choice(self._hostings)
        expired = until < self._today
        domain = NewDomain(label, label, started, until)
        yield hosting, self._service(customer, hosting, label, started, until, expired, domain if self._even else None)
        if not self._even and rng.random() < WITH_DOMAIN:
            yield (
                self._domain,
                self._service(customer, self._domain, label, started, until, expired, domain),
            )

    def _service(
        self,
        customer: int,
        price: _Price,
        label: str,
        started: date,
        until: date,
        expired: bool,
        domain: NewDomain | None,
    ) -> NewService:
        return NewService(
            customer_id=customer,
            product_id=price.id,
            label=label,
            started_on=started,
            paid_until=until,
            price=price.net,
            currency=price.currency,
            period_months=price.months,
            status=ServiceStatus.EXPIRED if expired else ServiceStatus.ACTIVE,
            domain=domain,
        )

    def _proforma(
        self, place: int, owner: tuple[int, Random, int, NewCustomer], price: _Price, service: NewService, key: int
    ) -> NewProforma:
        number, rng, customer_id, row = owner
        issued = min(service.started_on + timedelta(days=365 * rng.randint(0, 3)), self._today - timedelta(days=1))
        rule = rule_for(row.data.tax_status, issuer_in_vat_system=settings().issuer.in_vat_system)
        tax = rule.on(price.net, price.tax_bp)
        is_open = rng.random() < OPEN
        text = f"D{self._seed}-{issued.year}-{number:06d}-{place}"
        return NewProforma(
            number=text,
            customer_id=customer_id,
            buyer=_buyer(customer_id, row.data),
            issued_on=issued,
            due_on=issued + timedelta(days=settings().issuer.terms_days),
            currency=price.currency,
            language=row.data.language,
            reference=with_check_digits(f"{self._seed % 1000:03d}{number:08d}{place:04d}"),
            lines=(NewLine(f"{price.name}, 12 meseci", price.net, price.tax_bp, tax, service_id=key),),
            status=ProformaStatus.OPEN if is_open else ProformaStatus.PAID,
            paid=0 if is_open else price.net + tax,
            tax_note=rule.note,
        )


def _buyer(key: int, data: CustomerData) -> dict[str, Any]:
    return Customer(
        id=key,
        kind=data.kind,
        name=data.name,
        pib=data.pib,
        mb=data.mb,
        address=data.address,
        postcode=data.postcode,
        city=data.city,
        country=data.country,
        tax_status=data.tax_status,
    ).buyer()
