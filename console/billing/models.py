"""Pro-formas, stornos, their numbers, and service migrations."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    event,
    false,
    inspect,
    text,
)
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import InstanceState, Mapped, UOWTransaction, mapped_column, relationship
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm.attributes import get_history

from console.billing.references import reference_key
from console.core.db import Amount, Base, enum_column
from console.core.search import SearchIndex
from console.core.series import Series
from console.customers.models import Customer, Verification
from console.hosting.models import Domain, Service, ServiceStatus

PROFORMA_SEARCH = SearchIndex("search_proformas")


class ProformaStatus(StrEnum):
    OPEN = "open"
    PART_PAID = "part_paid"
    PAID = "paid"
    CANCELLED = "cancelled"


class MigrationState(StrEnum):
    REQUESTED = "requested"
    ACCEPTED = "accepted"  # by the new owner, where that is needed
    APPROVED = "approved"
    EXECUTED = "executed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ExpiryReason(StrEnum):
    """What a migration waited for when its time ran out."""

    NOT_ACCEPTED = "not_accepted"
    NOT_APPROVED = "not_approved"
    NOT_EXECUTED = "not_executed"
    NOT_POSSIBLE = "not_possible"  # refused on the scheduled day; why is in ``stopped_code``


OPEN_STATES = (MigrationState.REQUESTED, MigrationState.ACCEPTED, MigrationState.APPROVED)
ACTIVE_STATUSES = (ProformaStatus.OPEN, ProformaStatus.PART_PAID)


class NumberSeries(Base):
    """The last number used in one series and year. Its row is the lock."""

    __tablename__ = "number_series"

    series: Mapped[str] = mapped_column(String(20), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(default=0)


class Document:
    """Columns that pro-forma and storno share (a mixin). Amounts in minor units."""

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(60), unique=True)
    series: Mapped[str] = mapped_column(String(20))
    year: Mapped[int]
    sequence: Mapped[int | None]  # None: numbered elsewhere
    issued_on: Mapped[date]
    issued_at: Mapped[datetime] = mapped_column(index=True)
    buyer: Mapped[dict[str, Any]] = mapped_column(JSON)  # frozen at issue
    issuer: Mapped[dict[str, Any]] = mapped_column(JSON)
    currency: Mapped[str] = mapped_column(String(3))
    net: Mapped[Amount]
    tax: Mapped[Amount]
    total: Mapped[Amount]


def _key_of_row(context: DefaultExecutionContext) -> str:
    values: dict[str, Any] = context.get_current_parameters()  # type: ignore[no-untyped-call]
    return reference_key(values["reference"])


class Proforma(Document, Base):
    """A request to pay. Once issued, only its payment and its cancellation are ever written."""

    __tablename__ = "proformas"
    __table_args__ = (
        UniqueConstraint("series", "year", "sequence"),
        Index("ix_proformas_customer_id_status", "customer_id", "status"),
        Index("ix_proformas_status_id", "status", "id"),
        Index("ix_proformas_due_on_id", "due_on", "id"),
        Index("ix_proformas_total_id", "total", "id"),
        CheckConstraint("net + tax = total", name="sums"),
        CheckConstraint("paid >= 0 AND paid <= total", name="paid_within_total"),
    )

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    due_on: Mapped[date]
    status: Mapped[ProformaStatus] = mapped_column(enum_column(ProformaStatus), default=ProformaStatus.OPEN)
    paid: Mapped[Amount] = mapped_column(default=0)
    tax_note: Mapped[str | None] = mapped_column(String(20))  # why no PDV: abroad, exempt, outside
    reference: Mapped[str] = mapped_column(String(40))  # payment reference, model 97
    reference_key: Mapped[str] = mapped_column(String(40), default=_key_of_row, server_default="", index=True)
    language: Mapped[str] = mapped_column(String(10))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")  # to the buyer, below the lines
    source_id: Mapped[int | None] = mapped_column(ForeignKey("proformas.id"), index=True)
    migration_id: Mapped[int | None] = mapped_column(ForeignKey("migrations.id"), index=True)
    external_id: Mapped[str | None] = mapped_column(String(100), unique=True)

    customer: Mapped[Customer] = relationship()
    lines: Mapped[list[ProformaLine]] = relationship(back_populates="proforma", order_by="ProformaLine.position")
    storno: Mapped[Storno | None] = relationship(back_populates="proforma")
    source: Mapped[Proforma | None] = relationship(remote_side="Proforma.id")

    @property
    def owed(self) -> int:
        """Return what is still to be paid: nothing on one that is paid or cancelled."""
        return self.total - self.paid if self.status in ACTIVE_STATUSES else 0

    def searchable(self) -> str:
        """Return the text it is found by."""
        return f"{self.number} {self.reference} {self.buyer['name']}"


class ProformaLine(Base):
    """One item of a pro-forma, for a service or for none."""

    __tablename__ = "proforma_lines"
    __table_args__ = (
        UniqueConstraint("proforma_id", "position"),
        CheckConstraint("(period_from IS NULL) = (period_to IS NULL)", name="whole_period"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    proforma_id: Mapped[int] = mapped_column(ForeignKey("proformas.id"))
    position: Mapped[int]
    service_id: Mapped[int | None] = mapped_column(ForeignKey("services.id"), index=True)
    description: Mapped[str] = mapped_column(String(300))
    quantity: Mapped[int] = mapped_column(default=1)
    net: Mapped[Amount]  # of the whole line, after the discount
    discount: Mapped[Amount] = mapped_column(default=0, server_default="0")  # what was taken off: net was so much more
    discount_bp: Mapped[int | None]  # the same as a share of the price, where it was agreed as one
    tax_bp: Mapped[int]  # the product's rate; what was charged is ``tax``
    tax: Mapped[Amount]
    total: Mapped[Amount]
    source_line_id: Mapped[int | None] = mapped_column(ForeignKey("proforma_lines.id"), index=True)
    # The days of the service that this bills, both included; of a line that renews nothing, neither.
    period_from: Mapped[date | None]
    period_to: Mapped[date | None]

    proforma: Mapped[Proforma] = relationship(back_populates="lines")
    service: Mapped[Service | None] = relationship()

    @property
    def price(self) -> int:
        """Return what the line cost before its discount."""
        return self.net + self.discount


class BilledPeriod(Base):
    """Days of a service that an active or paid line bills: never billed twice, and renewed once.

    It is there from the line's issue on; where the document is cancelled it goes, and its successor's line has one of
    its own.
    """

    __tablename__ = "billed_periods"
    __table_args__ = (UniqueConstraint("service_id", "starts_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("services.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    proforma_line_id: Mapped[int] = mapped_column(ForeignKey("proforma_lines.id"), unique=True)
    paid_at: Mapped[datetime | None]
    # What the service was before it was renewed by this, for the day the payment is undone.
    paid_until_before: Mapped[date | None]
    status_before: Mapped[ServiceStatus | None] = mapped_column(enum_column(ServiceStatus))  # where this restored it

    service: Mapped[Service] = relationship()
    line: Mapped[ProformaLine] = relationship()


class Storno(Document, Base):
    """Cancels one pro-forma, by a record of its own. Amounts are the original's, negative."""

    __tablename__ = "stornos"
    __table_args__ = (UniqueConstraint("series", "year", "sequence"), Index("ix_stornos_total_id", "total", "id"))

    proforma_id: Mapped[int] = mapped_column(ForeignKey("proformas.id"), unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    migration_id: Mapped[int | None] = mapped_column(ForeignKey("migrations.id"), index=True)

    proforma: Mapped[Proforma] = relationship(back_populates="storno")
    customer: Mapped[Customer] = relationship()


# One that was rejected, withdrawn or has expired reversed nothing: another may.
STILL_REVERSING = (*OPEN_STATES, MigrationState.EXECUTED)
_STILL_REVERSES = f"state IN ({', '.join(repr(state.value) for state in STILL_REVERSING)})"


class Migration(Base):
    """Moving services of one account to another, from request to end.

    It rests on a verification of a person who may give the services away, or on the authority that a batch names.
    """

    __tablename__ = "migrations"
    __table_args__ = (
        Index("ix_migrations_state_id", "state", "id"),
        Index(
            "uq_migrations_reverses_id",
            "reverses_id",
            unique=True,
            sqlite_where=text(_STILL_REVERSES),
            postgresql_where=text(_STILL_REVERSES),
        ),
        CheckConstraint("verification_id IS NOT NULL OR batch_id IS NOT NULL", name="has_authority"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[MigrationState] = mapped_column(enum_column(MigrationState), default=MigrationState.REQUESTED)
    from_customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    to_customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    verification_id: Mapped[int | None] = mapped_column(ForeignKey("verifications.id"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("migration_batches.id"), index=True)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("migrations.id"))
    reason: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime]
    requested_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))  # None: in the portal
    expires_at: Mapped[datetime]
    needs_acceptance: Mapped[bool] = mapped_column(default=False, server_default=false())  # as it was set then
    accepted_at: Mapped[datetime | None]
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("memberships.id"))
    accepted_terms: Mapped[list[list[Any]] | None] = mapped_column(JSON(none_as_null=True))  # Plan.new_terms
    approved_at: Mapped[datetime | None]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    scheduled_for: Mapped[datetime | None] = mapped_column(index=True)  # when a worker executes it
    scheduled_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    scheduled_lose_exemption: Mapped[bool] = mapped_column(default=False, server_default=false())
    stopped_at: Mapped[datetime | None]  # when the worker last refused to execute it
    stopped_code: Mapped[str | None] = mapped_column(String(40))  # among the obstacles
    ended_at: Mapped[datetime | None]  # executed, rejected, withdrawn or expired
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    declined_by_id: Mapped[int | None] = mapped_column(ForeignKey("memberships.id"))  # rejected by the new owner
    end_reason: Mapped[str | None] = mapped_column(Text)
    # Services that stay although they are linked to one that moves: the link is cut.
    left_behind: Mapped[list[int]] = mapped_column(JSON, default=list, server_default="[]")
    plan: Mapped[str | None] = mapped_column(String(64))  # digest of the plan that was approved, then executed
    # What its record prints, as it was at the execution; none where it was executed before there was one.
    snapshot: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)

    from_customer: Mapped[Customer] = relationship(foreign_keys=[from_customer_id])
    to_customer: Mapped[Customer] = relationship(foreign_keys=[to_customer_id])
    verification: Mapped[Verification | None] = relationship()
    reverses: Mapped[Migration | None] = relationship(remote_side="Migration.id")
    items: Mapped[list[MigrationItem]] = relationship(back_populates="migration", order_by="MigrationItem.service_id")

    @property
    def ref(self) -> str:
        """Return the reference people read out: ``M-0317``."""
        return Series.MIGRATION.number(self.id, 4)

    @property
    def from_portal(self) -> bool:
        """Return whether the verified person asked for it themselves, in the portal."""
        return self.requested_by_id is None and self.batch_id is None

    @property
    def rnids_domains(self) -> list[Domain]:
        """Return the domains whose registrant changes at RNIDS."""
        domains = [item.service.domain for item in self.items]
        return [domain for domain in domains if domain is not None and domain.at_rnids]

    @property
    def is_open(self) -> bool:
        """Return whether it is still to be decided or executed."""
        return self.state in OPEN_STATES

    @property
    def waits_for_new_owner(self) -> bool:
        """Return whether the new owner has yet to accept it."""
        return self.state is MigrationState.REQUESTED and self.needs_acceptance

    @property
    def waits_for_approval(self) -> bool:
        """Return whether billing's approval is the next step."""
        if self.needs_acceptance:
            return self.state is MigrationState.ACCEPTED
        return self.state is MigrationState.REQUESTED

    @property
    def expiry_reason(self) -> ExpiryReason | None:
        """Return why it expired; ``None`` where it did not."""
        if self.state is not MigrationState.EXPIRED:
            return None
        if self.needs_acceptance and self.accepted_at is None:
            return ExpiryReason.NOT_ACCEPTED
        if self.approved_at is None:
            return ExpiryReason.NOT_APPROVED
        if self.stopped_at is not None and self.stopped_at >= self.approved_at:
            return ExpiryReason.NOT_POSSIBLE
        return ExpiryReason.NOT_EXECUTED

    def clear_schedule(self) -> None:
        """Take the day of its execution back."""
        self.scheduled_for = self.scheduled_by_id = None
        self.scheduled_lose_exemption = False

    def release_services(self) -> None:
        """Let other migrations have the services again."""
        for item in self.items:
            item.open = False


class MigrationItem(Base):
    """One service of a migration. While ``open``, no other migration may take the service."""

    __tablename__ = "migration_items"
    __table_args__ = (
        UniqueConstraint("migration_id", "service_id"),
        Index(
            "uq_migration_items_open",
            "service_id",
            unique=True,
            sqlite_where=text("open"),
            postgresql_where=text("open"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    migration_id: Mapped[int] = mapped_column(ForeignKey("migrations.id"))
    service_id: Mapped[int] = mapped_column(ForeignKey("services.id"), index=True)
    open: Mapped[bool] = mapped_column(default=True)
    along: Mapped[bool] = mapped_column(default=False, server_default=false())  # linked to one that was chosen

    migration: Mapped[Migration] = relationship(back_populates="items")
    service: Mapped[Service] = relationship()


# What of an issued document may still be written; everything else is frozen.
_WRITABLE = {"status", "paid"}


@event.listens_for(OrmSession, "before_flush")
def _issued_documents_are_frozen(session: OrmSession, _context: UOWTransaction, _instances: object) -> None:
    if any(isinstance(document, Proforma | Storno | ProformaLine) for document in session.deleted):
        raise RuntimeError("an issued document is never deleted")
    for document in session.dirty:
        if isinstance(document, Proforma | Storno | ProformaLine):
            state: InstanceState[Any] = inspect(document)
            written = set(state.mapper.column_attrs.keys()) - state.unmodified
            changed = {key for key in written if get_history(document, key).has_changes()}
            if changed - (_WRITABLE if isinstance(document, Proforma) else set()):
                raise RuntimeError(f"an issued document is never edited: {sorted(changed)}")
