"""Many rows at once: what the verbs write for one, written for a thousand in a few statements.

No audit entry a row: the caller writes one for the whole. Everything here
runs in an open transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import Any, TypeVar, cast

from sqlalchemy import Insert, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from console.billing.ledger.models import Account, EntryKind
from console.billing.ledger.service import Draft, Posting, post_many
from console.billing.models import PROFORMA_SEARCH, Proforma, ProformaLine, ProformaStatus
from console.billing.service import EXTERNAL
from console.core import clock
from console.core.actor import SYSTEM
from console.core.context import settings
from console.core.db import Base
from console.core.ids import customer_key
from console.customers.models import CUSTOMER_SEARCH, Customer, CustomerStatus, MemberRole, Membership, Person
from console.customers.rights import MailCategory
from console.customers.service import CustomerData, MemberData
from console.hosting.models import (
    DOMAIN_SEARCH,
    SERVICE_SEARCH,
    Domain,
    Ownership,
    Service,
    ServiceStatus,
    SuspensionReason,
    service_key,
)

T = TypeVar("T")

CHUNK = 1_000


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yield ``items`` in lists of at most ``size``."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def by_key(session: Session, key: InstrumentedAttribute[Any], keys: Iterable[str], *more: Any) -> list[Any]:
    """Return ``key`` and ``more`` columns of the rows whose ``key`` is among ``keys``."""
    found: list[Any] = []
    for part in chunks(sorted(set(keys))):
        found.extend(session.execute(select(key, *more).where(key.in_(part))).all())
    return found


def customers_by_name(session: Session, names: Iterable[str]) -> dict[str, int]:
    """Return accounts by what a file calls them: their external id, else their number here (``K-10482``)."""
    names = set(names)
    found = dict(by_key(session, Customer.external_id, names, Customer.id))
    numbers = {name: customer_key(name) for name in names - found.keys()}
    keys = [key for key in numbers.values() if key is not None]
    there: set[int] = set()
    for part in chunks(sorted(set(keys))):
        there.update(session.scalars(select(Customer.id).where(Customer.id.in_(part))))
    return found | {name: key for name, key in numbers.items() if key in there and key is not None}


def services_by_name(session: Session, names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Return services and whose they are by what a file calls them: external id, else number here (``U-1042``)."""
    names = set(names)
    columns = Service.external_id, Service.id, Service.customer_id
    found = {name: (key, customer) for name, key, customer in by_key(session, columns[0], names, *columns[1:])}
    numbers = {key: name for name in names - found.keys() if (key := service_key(name)) is not None}
    for part in chunks(sorted(numbers)):
        rows = session.execute(select(Service.id, Service.customer_id).where(Service.id.in_(part)))
        found.update({numbers[key]: (key, customer) for key, customer in rows})
    return found


# --- Customers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewCustomer:
    """A checked account with its owner, whose e-mail is in normal form."""

    data: CustomerData
    owner: MemberData
    status: CustomerStatus = CustomerStatus.ACTIVE


def insert_customers(session: Session, rows: Sequence[NewCustomer]) -> list[int]:
    """Insert accounts with their owners and return their ids in order. Known people stay as they are."""
    if not rows:
        return []
    now = clock.now()
    people = _people(session, [row.owner for row in rows], now)
    ids = _inserted(session, Customer.id, [_customer_values(row, now) for row in rows])
    everything = sorted(MailCategory)
    session.execute(
        _insert(Membership),
        [
            {
                "customer_id": key,
                "person_id": people[row.owner.email],
                "role": MemberRole.OWNER,
                "rights": [],
                "mail": everything,
                "pin_counter": 0,
                "pin_failures": 0,
            }
            for key, row in zip(ids, rows, strict=True)
        ],
    )
    CUSTOMER_SEARCH.put_many(
        session, [(key, Customer(id=key, name=row.data.name).searchable()) for key, row in zip(ids, rows, strict=True)]
    )
    return ids


def _customer_values(row: NewCustomer, now: datetime) -> dict[str, Any]:
    data = row.data
    return {
        "kind": data.kind,
        "name": data.name,
        "pib": data.pib,
        "mb": data.mb,
        "address": data.address,
        "postcode": data.postcode,
        "city": data.city,
        "country": data.country,
        "phone": data.phone,
        "tax_status": data.tax_status,
        "status": row.status,
        "language": data.language,
        "currency": data.currency,
        "external_id": data.external_id,
        "created_at": now,
    }


def _people(session: Session, owners: Sequence[MemberData], now: datetime) -> dict[str, int]:
    """Return people's ids by e-mail; those not known yet are made."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Person).on_conflict_do_nothing(index_elements=["email"])
    session.execute(
        statement,
        [
            {
                "email": owner.email,
                "name": owner.name,
                "phone": owner.phone,
                "language": owner.language,
                "password_hash": owner.password_hash,
                "created_at": now,
            }
            for owner in sorted(owners, key=lambda owner: owner.email)  # one order for all: no deadlock
        ],
    )
    return dict(by_key(session, Person.email, (owner.email for owner in owners), Person.id))


# --- Services --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewDomain:
    """A registered name. ``name`` as the DNS writes it, ``unicode_name`` as people do."""

    name: str
    unicode_name: str
    registered_on: date
    expires_on: date


@dataclass(frozen=True)
class NewService:
    """A checked service; customer, product and host are ids."""

    customer_id: int
    product_id: int
    label: str
    started_on: date
    paid_until: date
    price: int
    currency: str
    period_months: int
    auto_renew: bool = True
    status: ServiceStatus = ServiceStatus.ACTIVE
    suspension: SuspensionReason | None = None
    transfer_locked: bool = False
    hosted_with_id: int | None = None
    external_id: str | None = None
    domain: NewDomain | None = None


def insert_services(session: Session, rows: Sequence[NewService], *, cause: str) -> list[int]:
    """Insert services with their domains and ownership histories; return their ids in order."""
    if not rows:
        return []
    names = [column for column in NewService.__dataclass_fields__ if column != "domain"]
    ids = _inserted(session, Service.id, [{name: getattr(row, name) for name in names} for row in rows])
    now = clock.now()
    session.execute(
        _insert(Ownership),
        [
            {
                "service_id": key,
                "customer_id": row.customer_id,
                "from_at": min(midnight(row.started_on), now),
                "to_at": None,
                "cause": cause,
            }
            for key, row in zip(ids, rows, strict=True)
        ],
    )
    SERVICE_SEARCH.put_many(
        session, [(key, Service(id=key, label=row.label).searchable()) for key, row in zip(ids, rows, strict=True)]
    )
    _insert_domains(session, [(key, row.domain) for key, row in zip(ids, rows, strict=True) if row.domain])
    return ids


def _insert_domains(session: Session, rows: Sequence[tuple[int, NewDomain]]) -> None:
    if not rows:
        return
    ids = _inserted(
        session,
        Domain.id,
        [
            {
                "name": domain.name,
                "service_id": service_id,
                "registered_on": domain.registered_on,
                "expires_on": domain.expires_on,
            }
            for service_id, domain in rows
        ],
    )
    texts = [Domain(name=domain.name).searchable() for _service_id, domain in rows]
    DOMAIN_SEARCH.put_many(session, list(zip(ids, texts, strict=True)))


# --- Documents -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewLine:
    """One line; amounts in minor units."""

    description: str
    net: int
    tax_bp: int
    tax: int
    quantity: int = 1
    service_id: int | None = None


@dataclass(frozen=True)
class NewProforma:
    """A checked document that was numbered elsewhere."""

    number: str
    customer_id: int
    buyer: dict[str, Any]
    issued_on: date
    due_on: date
    currency: str
    language: str
    reference: str
    lines: tuple[NewLine, ...]
    status: ProformaStatus = ProformaStatus.OPEN
    paid: int = 0
    tax_note: str | None = None
    external_id: str | None = None

    @property
    def net(self) -> int:
        return sum(line.net for line in self.lines)

    @property
    def tax(self) -> int:
        return sum(line.tax for line in self.lines)

    @property
    def total(self) -> int:
        return self.net + self.tax


def insert_proformas(session: Session, rows: Sequence[NewProforma]) -> list[int]:
    """Insert documents of the external series with their lines; return their ids in order."""
    if not rows:
        return []
    issuers = {currency: settings().issuer.snapshot(currency) for currency in {row.currency for row in rows}}
    ids = _inserted(session, Proforma.id, [_document_values(row, issuers[row.currency]) for row in rows])
    session.execute(
        _insert(ProformaLine),
        [
            {
                "proforma_id": key,
                "position": position,
                "service_id": line.service_id,
                "description": line.description,
                "quantity": line.quantity,
                "net": line.net,
                "tax_bp": line.tax_bp,
                "tax": line.tax,
                "total": line.net + line.tax,
            }
            for key, row in zip(ids, rows, strict=True)
            for position, line in enumerate(row.lines, start=1)
        ],
    )
    _open_ledger(ids, rows)
    PROFORMA_SEARCH.put_many(
        session,
        [
            (key, Proforma(number=row.number, reference=row.reference, buyer=row.buyer).searchable())
            for key, row in zip(ids, rows, strict=True)
        ],
    )
    return ids


def _open_ledger(ids: Sequence[int], rows: Sequence[NewProforma]) -> None:
    """Note what was paid elsewhere: a document's ``paid`` is the sum of its postings."""
    paid = [(key, row) for key, row in zip(ids, rows, strict=True) if row.paid]
    postings = [
        posting
        for key, row in paid
        for posting in (
            Posting(Account.ADJUSTMENT, row.currency, row.paid),
            Posting(Account.DOCUMENT, row.currency, -row.paid, row.customer_id, key),
        )
    ]
    post_many(SYSTEM, [Draft(EntryKind.OPENING, postings)] if postings else [])


def _document_values(row: NewProforma, issuer: dict[str, object]) -> dict[str, Any]:
    return {
        "number": row.number,
        "series": EXTERNAL,
        "year": row.issued_on.year,
        "sequence": None,
        "issued_on": row.issued_on,
        "issued_at": midnight(row.issued_on),
        "buyer": row.buyer,
        "issuer": issuer,
        "currency": row.currency,
        "net": row.net,
        "tax": row.tax,
        "total": row.total,
        "customer_id": row.customer_id,
        "due_on": row.due_on,
        "status": row.status,
        "paid": row.paid,
        "tax_note": row.tax_note,
        "reference": row.reference,
        "language": row.language,
        "external_id": row.external_id,
    }


# --- Both ------------------------------------------------------------------------------------------------------------


def midnight(day: date) -> datetime:
    """Return the instant at which ``day`` began here."""
    return datetime.combine(day, time(), tzinfo=settings().zone)


def _inserted(session: Session, key: InstrumentedAttribute[int], values: list[dict[str, Any]]) -> list[int]:
    """Insert rows and return their keys in the same order."""
    statement = _insert(cast("type[Base]", key.class_)).returning(key, sort_by_parameter_order=True)
    return list(session.scalars(statement, values))


def _insert(model: type[Base]) -> Insert:
    # Without this, rows are sent in groups that have the same columns empty, ten at a time.
    return insert(model).execution_options(render_nulls=True)
