"""Migrations to test with: a verified request, taken as far as a test needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from console.billing import migration as migrate
from console.billing.migration.acceptance import subject_of
from console.billing.migration.batches import service
from console.billing.migration.decisions import ACCEPTANCE
from console.billing.migration.models import RegistryTask, TaskKind
from console.billing.models import Migration
from console.core.actor import Actor
from console.core.db import db
from console.core.transaction import transaction
from console.customers.models import Customer
from console.hosting.models import Service
from console.staff.models import Staff
from console.staff.roles import Role
from console.tokens import service as tokens
from tests import factories


@dataclass
class Move:
    """Who acts in one migration."""

    agent: Actor
    billing: Actor
    old: Customer
    new: Customer
    services: tuple[Service, ...]
    verification_id: int
    ref: str = ""

    def __post_init__(self) -> None:
        # Read now: several threads may ask at once, and rows belong to the test's own session.
        self.service_ids = tuple(service.id for service in self.services)
        self.target, self.old_id = self.new.number, self.old.id

    def request_for(self, **changes: Any) -> migrate.Request:
        """Return what is asked; ``changes`` replace parts of it."""
        request: dict[str, Any] = {
            "services": self.service_ids,
            "to_customer": self.target,
            "verification": self.verification_id,
            "reason": "Prodaja sajta",
        }
        return migrate.Request(**(request | changes))

    def request(self, *, key: str | None = None, **changes: Any) -> dict[str, Any]:
        """Ask for the migration; ``changes`` replace parts of the request."""
        with transaction():
            answer = migrate.request_migration(
                self.agent, self.request_for(**changes), uuid4().hex if key is None else key
            )
        self.ref = answer["ref"]
        return answer

    def migration(self) -> Migration:
        return db.session.scalars(select(Migration).where(Migration.id == int(self.ref[2:]))).one()

    def digest(self) -> str:
        """Preview, and return what identifies the plan."""
        return migrate.plan_for(self.migration()).digest

    def approve(self, *, lose_exemption: bool = True) -> dict[str, Any]:
        """Approve what is previewed now, with the yes it may need."""
        digest = self.digest()
        with transaction():
            return migrate.approve(self.billing, self.ref, digest, uuid4().hex, lose_exemption=lose_exemption)

    def execute(
        self, *, digest: str | None = None, key: str | None = None, lose_exemption: bool = True
    ) -> dict[str, Any]:
        """Execute what was previewed as ``digest``, or is now, with the yes it may need."""
        digest = digest or self.digest()
        with transaction():
            return migrate.execute(self.billing, self.ref, digest, key or uuid4().hex, lose_exemption=lose_exemption)

    def to_approved(self) -> Move:
        self.request()
        self.approve()
        return self


def make_move(
    old: Customer | None = None, new: Customer | None = None, services: Sequence[Service] | None = None
) -> Move:
    """Make both sides and a live verification of the old owner by an agent."""
    agent = factories.make_staff(Role.AGENT)
    billing = factories.make_staff(Role.BILLING)
    if old is None:
        persona = factories.ana()
        old, services = persona.customer, services or persona.services[:1]
    verification = factories.make_verification(agent, factories.owner_of(old))
    return Move(
        agent=factories.actor_of(agent),
        billing=factories.actor_of(billing),
        old=old,
        new=new or factories.novi().customer,
        services=tuple(services or [factories.make_service(old)]),
        verification_id=verification.id,
    )


def migration_values(migration: Migration, billing: Staff) -> dict[str, Any]:
    """Make a task at the registry, a batch, and a transfer that waits for its new owner, for who tries each address."""
    domain = factories.make_domain(factories.make_service(factories.make_customer()))
    offered = make_move()
    offered.request()
    with transaction() as session:
        task = RegistryTask(
            migration_id=migration.id, domain_id=domain.id, kind=TaskKind.CONSENT, due_on=factories.today()
        )
        session.add(task)
        batch = service.create_from_file(
            factories.actor_of(billing), "prodaja.csv", b"service,new_owner\nU-1,K-1", "Nalog 1"
        )
        session.get_one(Migration, offered.migration().id).needs_acceptance = True
        token = tokens.issue(ACCEPTANCE, subject_of(offered.migration()), timedelta(hours=1))
        session.flush()
        return {"migration.task_id": task.id, "batch_id": batch.id, "portal.offer_token": token}
