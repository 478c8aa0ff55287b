"""Products, services, domains, and who owned a service when."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.db import Amount, Base, enum_column
from console.core.ids import read_number
from console.core.search import SearchIndex
from console.core.series import Series
from console.core.sorting import keep_key, key_column, sort_key
from console.customers.models import Customer

SERVICE_BASE = 1_000
RNIDS_ENDINGS = (".rs", ".xn--90a3ac")  # the second is .срб
SERVICE_SEARCH = SearchIndex("search_services")
DOMAIN_SEARCH = SearchIndex("search_domains")


class ProductKind(StrEnum):
    HOSTING = "hosting"
    VPS = "vps"
    DOMAIN = "domain"
    SSL = "ssl"
    ADDON = "addon"


class ServiceStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class SuspensionReason(StrEnum):
    UNPAID = "unpaid"
    ABUSE = "abuse"
    REQUEST = "request"


class Product(Base):
    """What is sold. Prices are net, in minor units."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[ProductKind] = mapped_column(enum_column(ProductKind))
    price: Mapped[Amount]
    currency: Mapped[str] = mapped_column(String(3), default="RSD")
    period_months: Mapped[int] = mapped_column(default=12)
    tax_bp: Mapped[int] = mapped_column(default=2000)  # PDV in basis points: 2000 general, 1000 special
    active: Mapped[bool] = mapped_column(default=True)


class Service(Base):
    """One thing a customer has. What recurs (price, period, renewal) belongs to it, and moves with it."""

    __tablename__ = "services"
    __table_args__ = (
        Index("ix_services_customer_id_id", "customer_id", "id", unique=True),  # what hosted_with_id refers to
        Index("ix_services_status_id", "status", "id"),
        Index("ix_services_paid_until_id", "paid_until", "id"),
        # What is hosted together belongs to one account; both ends move in one statement.
        ForeignKeyConstraint(["customer_id", "hosted_with_id"], ["services.customer_id", "services.id"]),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    label: Mapped[str] = mapped_column(String(253))  # the name its owner knows it by: a domain, a host
    status: Mapped[ServiceStatus] = mapped_column(enum_column(ServiceStatus), default=ServiceStatus.ACTIVE)
    suspension: Mapped[SuspensionReason | None] = mapped_column(enum_column(SuspensionReason))
    transfer_locked: Mapped[bool] = mapped_column(default=False)  # set by its owner
    started_on: Mapped[date]
    paid_until: Mapped[date]
    price: Mapped[Amount]  # net, for one period
    currency: Mapped[str] = mapped_column(String(3))
    period_months: Mapped[int]
    auto_renew: Mapped[bool] = mapped_column(default=True)
    hosted_with_id: Mapped[int | None] = mapped_column(index=True)  # of the same account, see above
    external_id: Mapped[str | None] = mapped_column(String(100), unique=True)

    customer: Mapped[Customer] = relationship()
    product: Mapped[Product] = relationship()
    domain: Mapped[Domain | None] = relationship(back_populates="service")

    @property
    def number(self) -> str:
        """Return the number people read out: ``U-1042``."""
        return service_number(self.id)

    def searchable(self) -> str:
        """Return the text it is found by."""
        return f"{self.number} {self.label}"


def service_number(key: int) -> str:
    """Return the number that people read out: ``U-1042``."""
    return Series.SERVICE.number(SERVICE_BASE + key)


def service_key(number: str) -> int | None:
    """Return the key of the service called ``U-1042``, ``None`` where it is no such number in full."""
    read = read_number(number, "U-") if number.strip().upper().startswith("U-") else None
    return None if read is None or read <= SERVICE_BASE else read - SERVICE_BASE


def readable_domain(name: str) -> str:
    """Return a registered name as people write it."""
    try:
        return name.encode("ascii").decode("idna")
    except UnicodeError:  # an A-label that decodes to nothing
        return name


def domain_key(name: str) -> str:
    """Return what a registered name is sorted by: as people write it, not as ``xn--…``."""
    return sort_key(readable_domain(name))


class Domain(Base):
    """A registered name. Its owner is its service's owner: one fact, one place."""

    __tablename__ = "domains"
    __table_args__ = (Index("ix_domains_name_key_id", "name_key", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(253), unique=True)  # ASCII (A-labels), lower case
    name_key: Mapped[str] = key_column("name", domain_key)
    service_id: Mapped[int] = mapped_column(ForeignKey("services.id"), unique=True)
    registered_on: Mapped[date]
    expires_on: Mapped[date] = mapped_column(index=True)

    service: Mapped[Service] = relationship(back_populates="domain")

    def searchable(self) -> str:
        """Return the text it is found by: as people write it, and as the DNS does."""
        readable = self.readable_name
        return self.name if readable == self.name else f"{readable} {self.name}"

    @property
    def readable_name(self) -> str:
        """Return the name as people write it."""
        return readable_domain(self.name)

    @property
    def at_rnids(self) -> bool:
        """Return whether its registry is RNIDS, where a new registrant takes steps of people."""
        return self.name.endswith(RNIDS_ENDINGS)


keep_key(Domain.name, Domain.name_key, domain_key)


class Ownership(Base):
    """Who owned a service from when to when. Exactly one row of a service is open."""

    __tablename__ = "service_ownerships"
    __table_args__ = (
        Index(
            "uq_service_ownerships_open",
            "service_id",
            unique=True,
            sqlite_where=text("to_at IS NULL"),
            postgresql_where=text("to_at IS NULL"),
        ),
        Index("ix_service_ownerships_service_id_id", "service_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("services.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]
    cause: Mapped[str] = mapped_column(String(60))  # "order", "import", "M-0317"

    customer: Mapped[Customer] = relationship()
