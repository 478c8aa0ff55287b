"""The file of services: one row a service, with its domain where it has one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload

from console.core.actor import SYSTEM
from console.core.errors import Invalid, Text
from console.core.money import CURRENCIES
from console.hosting.labels import SUSPENSION
from console.hosting.models import (
    SERVICE_SEARCH,
    Domain,
    Ownership,
    Product,
    ProductKind,
    Service,
    ServiceStatus,
    SuspensionReason,
    service_key,
)
from console.hosting.service import add_product, ascii_domain
from console.imports import kinds
from console.imports.bulk import NewDomain, NewService, by_key, customers_by_name, insert_services
from console.imports.cells import Cells, Column
from console.imports.kinds import Outcome, refused
from console.imports.reader import Row
from console.imports.titles import state_words
from console.views.hosting.services import ServiceList
from console.views.shared.labels.states import PRODUCT_KIND, SERVICE_STATUS

CAUSE = "import"
# What a later file may change. Status, suspension and transfer lock are the console's
# once the service is here; who owns it changes by a migration, never by a file.
CHANGEABLE = ("label", "paid_until", "price", "currency", "period_months", "auto_renew")


@dataclass(frozen=True)
class ServiceRow:
    """A row as read; what it names is looked up when it is stored."""

    external_id: str
    number: int | None  # its key here, where the file comes from here
    customer: str
    product: str
    product_name: str
    product_kind: ProductKind | None
    tax_bp: int
    label: str
    status: ServiceStatus
    suspension: SuspensionReason | None
    transfer_locked: bool
    started_on: date
    paid_until: date
    price: int | None
    currency: str
    period_months: int | None
    auto_renew: bool
    hosted_with: str
    domain: NewDomain | None


class Services:
    """Reads and stores services. Products are looked up once and remembered."""

    name = "services"
    columns = (
        Column("external_id", needed=True, limit=100, instead="number", code=True),
        Column("number", limit=20, code=True),
        Column("customer", needed=True, limit=100, code=True),
        Column("product", needed=True, limit=120),
        Column("label", needed=True, limit=253),
        Column("started_on", needed=True, limit=20),
        Column("paid_until", needed=True, limit=20),
        Column("price", limit=30),
        Column("currency", limit=3),
        Column("period_months", limit=10),
        Column("auto_renew", limit=10),
        Column("status", limit=20),
        Column("suspension", limit=20),
        Column("transfer_locked", limit=10),
        Column("hosted_with", limit=100, code=True),
        Column("domain", limit=253),
        Column("registered_on", limit=20),
        Column("expires_on", limit=20),
        Column("product_name", limit=120),
        Column("product_kind", limit=20),
        Column("tax_rate", limit=10),
    )

    titles: Mapping[str, Text] = ServiceList.column_labels

    def __init__(self) -> None:
        self._products: dict[str, Product] = {}
        self._words = {
            "status": state_words(SERVICE_STATUS),
            "suspension": state_words(SUSPENSION),
            "product_kind": state_words(PRODUCT_KIND),
        }

    def group(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        """Let every row be a service."""
        return kinds.singly(rows)

    def read(self, rows: Sequence[Row]) -> ServiceRow:
        """Return the service that the row describes."""
        cells = Cells(rows[0].values, self.columns, self._words)
        started_on, paid_until = cells.day("started_on"), cells.day("paid_until")
        status = cells.choice("status", ServiceStatus, ServiceStatus.ACTIVE)
        suspension = cells.maybe_choice("suspension", SuspensionReason)
        if (status is ServiceStatus.SUSPENDED) != (suspension is not None) and not cells.flaws:
            cells.flaw("suspension", "names the reason where the status is suspended, and only there")
        currency = cells.text("currency").upper()
        if currency and currency not in CURRENCIES:
            cells.flaw("currency", f"{currency!r} is none of {', '.join(CURRENCIES)}")
        months = cells.number("period_months", 0, 1, 120) if cells.text("period_months") else None
        price = cells.maybe_amount("price")
        auto_renew, locked = cells.flag("auto_renew", default=True), cells.flag("transfer_locked", default=False)
        product_kind, tax_bp = cells.maybe_choice("product_kind", ProductKind), cells.percent("tax_rate", 2000)
        domain = _domain(cells, started_on, paid_until)
        number = service_key(cells.text("number")) if cells.text("number") else None
        if cells.text("number") and number is None:
            cells.flaw("number", f"{cells.text('number')!r} is no number of a service")
        cells.check()
        return ServiceRow(
            external_id=cells.text("external_id"),
            number=number,
            customer=cells.text("customer"),
            product=cells.text("product"),
            product_name=cells.text("product_name"),
            product_kind=product_kind,
            tax_bp=tax_bp,
            label=cells.text("label"),
            status=status,
            suspension=suspension,
            transfer_locked=locked,
            started_on=started_on,
            paid_until=paid_until,
            price=price,
            currency=currency,
            period_months=months,
            auto_renew=auto_renew,
            hosted_with=cells.text("hosted_with"),
            domain=domain,
        )

    def store(self, session: Session, batch: Sequence[ServiceRow]) -> list[Outcome]:
        """Store new services, change known ones."""
        return _Batch(session, batch, self._products).store()


class _Batch:
    """One batch being stored: what it names, looked up in a few statements."""

    def __init__(self, session: Session, rows: Sequence[ServiceRow], products: dict[str, Product]) -> None:
        self._session = session
        self._rows = rows
        self._products = products
        self._customers = customers_by_name(session, (row.customer for row in rows))
        ids = {row.external_id for row in rows if row.external_id}
        numbers = {row.number for row in rows if row.number is not None}
        found = list(
            session.scalars(
                select(Service)
                .where(or_(false(), *_among(Service.external_id, ids), *_among(Service.id, numbers)))
                .options(joinedload(Service.domain), joinedload(Service.product))
            )
        )
        self._known = {service.external_id: service for service in found if service.external_id}
        self._numbered = {service.id: service for service in found}
        hosts = {row.hosted_with for row in rows if row.hosted_with}
        self._hosts: dict[str, tuple[int | None, int]] = {
            key: (host, customer)
            for key, host, customer in by_key(session, Service.external_id, hosts, Service.id, Service.customer_id)
        }
        names = [row.domain.name for row in rows if row.domain]
        self._names = {name for (name,) in by_key(session, Domain.name, names)}
        self._moved = self._first_owners()

    def _first_owners(self) -> dict[int, int]:
        """Return who had the services that have changed hands since they came, by service."""
        ids = list(self._numbered)
        firsts = select(func.min(Ownership.id)).where(Ownership.service_id.in_(ids)).group_by(Ownership.service_id)
        query = select(Ownership.service_id, Ownership.customer_id).where(
            Ownership.id.in_(firsts.having(func.count() > 1))
        )
        return dict(iter(self._session.execute(query)))

    def store(self) -> list[Outcome]:
        outcomes: list[Outcome] = []
        new: list[tuple[ServiceRow, NewService]] = []
        for row in self._rows:
            service = self._find(row)
            if isinstance(service, Outcome):
                outcomes.append(service)
                continue
            if service is not None:
                outcomes.append(self._change(service, row))
                continue
            made = self._new(row)
            if isinstance(made, NewService):
                new.append((row, made))
                self._hosts.setdefault(row.external_id, (None, made.customer_id))
            outcomes.append(made if isinstance(made, Outcome) else kinds.NEW)
        ids = insert_services(self._session, [made for _row, made in new], cause=CAUSE)
        self._host_each_other({row.external_id: key for (row, _made), key in zip(new, ids, strict=True)}, new)
        changed = [
            self._find(row) for row, outcome in zip(self._rows, outcomes, strict=True) if outcome is kinds.CHANGED
        ]
        SERVICE_SEARCH.put_many(
            self._session, [(service.id, service.searchable()) for service in changed if isinstance(service, Service)]
        )
        return outcomes

    def _find(self, row: ServiceRow) -> Service | Outcome | None:
        """Return the stored service that the row is about; ``None``: it is new."""
        named = self._known.get(row.external_id) if row.external_id else None
        if row.number is None:
            return named
        numbered = self._numbered.get(row.number)
        if numbered is None:
            return refused("number: no service has this number; leave it empty for a new one")
        if row.external_id and named is not numbered:
            return refused(f"number: the service {row.external_id!r} has another number")
        return numbered

    def _new(self, row: ServiceRow) -> NewService | Outcome:
        customer = self._customers.get(row.customer)
        if customer is None:
            return refused(f"customer: no customer has the external id or number {row.customer!r}")
        product = self._product(row)
        if isinstance(product, Outcome):
            return product
        if row.hosted_with and self._hosts.get(row.hosted_with, (0, 0))[1] != customer:
            return refused(
                f"hosted_with: {row.hosted_with!r} is no service of this customer in an earlier row or stored before"
            )
        if row.domain is not None and row.domain.name in self._names:
            return refused(f"domain: {row.domain.unicode_name} belongs to another service")
        if row.domain is not None:
            self._names.add(row.domain.name)
        return NewService(
            customer_id=customer,
            product_id=product.id,
            label=row.label,
            started_on=row.started_on,
            paid_until=row.paid_until,
            price=product.price if row.price is None else row.price,
            currency=row.currency or product.currency,
            period_months=row.period_months or product.period_months,
            auto_renew=row.auto_renew,
            status=row.status,
            suspension=row.suspension,
            transfer_locked=row.transfer_locked,
            hosted_with_id=self._hosts[row.hosted_with][0] if row.hosted_with else None,
            external_id=row.external_id,
            domain=row.domain,
        )

    def _host_each_other(self, ids: dict[str, int], new: Sequence[tuple[ServiceRow, NewService]]) -> None:
        """Tie services to hosts of this batch, whose ids were not known before."""
        for row, made in new:
            if row.hosted_with and made.hosted_with_id is None:
                self._session.get_one(Service, ids[row.external_id]).hosted_with_id = ids[row.hosted_with]
        self._session.flush()

    def _product(self, row: ServiceRow) -> Product | Outcome:
        if row.product not in self._products:
            product = self._session.scalar(select(Product).where(Product.code == row.product))
            product = product or self._named(row) or self._added(row)
            if product is None:
                return refused(
                    f"product: there is no product {row.product!r}; "
                    "with product_name, product_kind and price in the row it is added"
                )
            self._session.flush()
            self._products[row.product] = _detached(product)
        return self._products[row.product]

    def _named(self, row: ServiceRow) -> Product | None:
        """Return the product of this name, as our own export writes it, where only one has it."""
        found = self._session.scalars(select(Product).where(Product.name == row.product).limit(2)).all()
        return found[0] if len(found) == 1 else None

    def _added(self, row: ServiceRow) -> Product | None:
        if not row.product_name or row.product_kind is None or row.price is None:
            return None
        return add_product(
            SYSTEM,
            code=row.product,
            name=row.product_name,
            kind=row.product_kind,
            price=row.price,
            currency=row.currency or CURRENCIES[0],
            period_months=row.period_months or 12,
            tax_bp=row.tax_bp,
        )

    def _change(self, service: Service, row: ServiceRow) -> Outcome:
        """Take over what a file may change."""
        named = self._customers.get(row.customer)
        if service.id in self._moved and self._moved[service.id] == named:
            return kinds.UNCHANGED  # it has moved on since: the file tells of the past
        if service.customer_id != named:
            return refused("customer: the service belongs to another customer; it moves by a migration, not by a file")
        if row.product not in (service.product.code, service.product.name):
            return refused(f"product: the service is stored as {service.product.code}")
        if service.started_on != row.started_on:
            return refused(f"started_on: the service is stored with {service.started_on.isoformat()}")
        reason = _domain_flaw(service.domain, row.domain)
        if reason:
            return refused(reason)
        changed = [
            name
            for name in CHANGEABLE
            if getattr(row, name) not in (None, "") and getattr(service, name) != getattr(row, name)
        ]
        for name in changed:
            setattr(service, name, getattr(row, name))
        if service.domain and row.domain and service.domain.expires_on != row.domain.expires_on:
            service.domain.expires_on = row.domain.expires_on
            changed.append("expires_on")
        return kinds.CHANGED if changed else kinds.UNCHANGED


def _among(column: InstrumentedAttribute[Any], values: Collection[Any]) -> list[ColumnElement[bool]]:
    """Return the condition as far as there is one: an empty one would hide the index from the other."""
    return [column.in_(values)] if values else []


def _detached(product: Product) -> Product:
    """Return a copy that outlives the session's forgetting."""
    return Product(id=product.id, price=product.price, currency=product.currency, period_months=product.period_months)


def _domain_flaw(stored: Domain | None, named: NewDomain | None) -> str:
    if named is not None and (stored is None or stored.name != named.name):
        return f"domain: the service is stored with {stored.name if stored else 'no domain'}"
    if named is not None and stored is not None and stored.registered_on != named.registered_on:
        return f"registered_on: the domain is stored with {stored.registered_on.isoformat()}"
    return ""


def _domain(cells: Cells, started_on: date, paid_until: date) -> NewDomain | None:
    registered_on, expires_on = cells.day("registered_on", started_on), cells.day("expires_on", paid_until)
    unicode_name = cells.text("domain")
    if not unicode_name:
        return None
    try:
        name = ascii_domain(unicode_name)
    except Invalid as error:
        cells.flaw("domain", str(error.message))
        return None
    return NewDomain(name, unicode_name, registered_on, expires_on)
