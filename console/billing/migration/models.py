"""What goes with migrations: the registry's part of a domain, and many migrations at once."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.billing.models import Migration
from console.core.db import Base, enum_column
from console.core.leases import Leased
from console.core.series import Series
from console.customers.models import Customer, Verification
from console.hosting.models import Domain
from console.staff.models import Staff
from console.staff.roles import Permission


class TaskKind(StrEnum):
    """What has to happen so that a domain has its new registrant at the registry, in this order.

    Deadlines follow what the registry publishes (domen.rs): both holders are identified, the present registrant
    consents, RNIDS mails a link to both and acts within three working days.
    """

    IDENTIFY_OLD = "identify_old"
    IDENTIFY_NEW = "identify_new"
    CONSENT = "consent"  # of the present registrant; for a firm its legal representative signs
    FEE = "fee"
    LINKS = "links"  # RNIDS mails one to both holders
    DONE = "done"

    @property
    def due_in(self) -> int:
        """Return the deadline, in working days from the execution."""
        return _DUE_IN[self]


_DUE_IN = {
    TaskKind.IDENTIFY_OLD: 2,
    TaskKind.IDENTIFY_NEW: 2,
    TaskKind.CONSENT: 3,
    TaskKind.FEE: 3,
    TaskKind.LINKS: 6,
    TaskKind.DONE: 9,
}


class RegistryTask(Base):
    """One step of the registry's part, ticked by a person."""

    __tablename__ = "registry_tasks"
    __table_args__ = (
        UniqueConstraint("migration_id", "domain_id", "kind"),
        Index("ix_registry_tasks_open", "ended_at", "due_on", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    migration_id: Mapped[int] = mapped_column(ForeignKey("migrations.id"))
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"), index=True)
    kind: Mapped[TaskKind] = mapped_column(enum_column(TaskKind))
    due_on: Mapped[date]
    done_at: Mapped[datetime | None]
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    note: Mapped[str] = mapped_column(Text, default="")
    ended_at: Mapped[datetime | None]  # done, or no longer needed

    migration: Mapped[Migration] = relationship()
    domain: Mapped[Domain] = relationship()
    done_by: Mapped[Staff | None] = relationship()

    @property
    def is_dropped(self) -> bool:
        """Return whether it ended without being done: the migration was reversed before the registry had acted."""
        return self.ended_at is not None and self.done_at is None


class BatchState(StrEnum):
    CHECKING = "checking"  # a worker works out what each row would do
    CHECKED = "checked"  # waits for the word
    RUNNING = "running"
    STOPPED = "stopped"  # by a person, or because who started it may no longer; can go on
    DONE = "done"
    WITHDRAWN = "withdrawn"  # never started


class ItemState(StrEnum):
    NEW = "new"
    READY = "ready"
    ALONG = "along"  # it moves with another row's service
    REFUSED = "refused"  # why is in ``code``
    DONE = "done"


class MigrationBatch(Leased, Base):
    """Many migrations from one file, or of services chosen on one account's page."""

    __tablename__ = "migration_batches"
    __table_args__ = (Index("ix_migration_batches_state_id", "state", "id"),)

    state: Mapped[BatchState] = mapped_column(enum_column(BatchState), default=BatchState.CHECKING)
    name: Mapped[str] = mapped_column(String(200))  # of the file
    digest: Mapped[str] = mapped_column(String(64), index=True)  # of its rows
    authority: Mapped[str] = mapped_column(Text)  # on what it rests, as "signed order 12/2026"
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)  # chosen on its page
    verification_id: Mapped[int | None] = mapped_column(ForeignKey("verifications.id"))
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))  # None: by ``console migrate``
    started_at: Mapped[datetime | None]
    started_by_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    ended_at: Mapped[datetime | None]
    rows: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str | None] = mapped_column(String(32))

    customer: Mapped[Customer | None] = relationship()
    verification: Mapped[Verification | None] = relationship()
    created_by: Mapped[Staff | None] = relationship(foreign_keys=[created_by_id])
    started_by: Mapped[Staff | None] = relationship(foreign_keys=[started_by_id])

    @property
    def ref(self) -> str:
        """Return the reference people read out: ``MB-0007``."""
        return Series.BATCH.number(self.id, 4)

    @property
    def is_starter_gone(self) -> bool:
        """Return whether who started it may no longer move services."""
        staff = self.started_by
        return staff is not None and not (staff.active and staff.actor().may(Permission.MIGRATE_MANY))


class MigrationBatchItem(Base):
    """One row of a batch: what it would do, and what became of it."""

    __tablename__ = "migration_batch_items"
    __table_args__ = (
        UniqueConstraint("batch_id", "row"),
        Index("ix_migration_batch_items_batch_id_state_row", "batch_id", "state", "row"),
        Index("ix_migration_batch_items_batch_id_service_id", "batch_id", "service_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("migration_batches.id"))
    row: Mapped[int]  # as a spreadsheet counts: the header is 1
    state: Mapped[ItemState] = mapped_column(enum_column(ItemState), default=ItemState.NEW)
    service: Mapped[str] = mapped_column(String(60))  # as it was typed
    target: Mapped[str] = mapped_column(String(254))
    service_id: Mapped[int | None] = mapped_column(ForeignKey("services.id"))
    to_customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    code: Mapped[str | None] = mapped_column(String(40))  # why not, among the obstacles
    concerns: Mapped[list[str]] = mapped_column(JSON, default=list)
    effect: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # what the dry run found
    migration_id: Mapped[int | None] = mapped_column(ForeignKey("migrations.id"))
    done_at: Mapped[datetime | None]
