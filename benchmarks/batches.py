"""What a batch of migrations costs a service, against the same rows written by plain SQL with one commit a service."""

from __future__ import annotations

import resource
import time
from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, func, insert, select, text, update

from benchmarks.http import BenchError
from benchmarks.place import engine_name, machine, temporary_app
from benchmarks.report import Report, verdict
from console.audit.models import AuditEntry
from console.billing.migration.batches import queries, service, work
from console.billing.migration.models import ItemState, MigrationBatchItem
from console.billing.models import (
    PROFORMA_SEARCH,
    Migration,
    MigrationItem,
    Proforma,
    ProformaLine,
    ProformaStatus,
    Storno,
)
from console.billing.service import today
from console.core import clock
from console.core.actor import SYSTEM
from console.core.db import Base, db
from console.core.hub import rest_the_collector
from console.core.transaction import transaction
from console.customers.models import Customer, MemberRole
from console.customers.service import CustomerData, MemberData, add_member, register_customer
from console.hosting.models import Ownership, ProductKind, Service, service_number
from console.hosting.service import add_product
from console.imports.bulk import NewLine, NewProforma, NewService, chunks, insert_proformas, insert_services
from console.mail.models import Mail

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MIN_SHARE = 1 / 3
PRICE = 790_000
GROWING: tuple[type[Base], ...] = (
    AuditEntry, Mail, Migration, MigrationItem, Ownership, Proforma, ProformaLine, Storno,
)  # fmt: skip


def run(count: int, server: str | None, command: str) -> Report:
    """Move ``count`` services by a file, and write the same rows for as many others by plain SQL."""
    rest_the_collector()  # as a worker does
    with temporary_app(server) as app, app.app_context():
        old, new, product = _accounts()
        by_file, plainly = (_services(old, product, count, prefix) for prefix in ("A", "B"))
        checked, batch = _check(by_file, new)
        executed, wrote = _in_turns(batch, plainly, new)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return _report(count, checked, executed, wrote, memory, server, command)


def _accounts() -> tuple[int, int, int]:
    with transaction():
        product = add_product(SYSTEM, code="hosting", name="Hosting", kind=ProductKind.HOSTING, price=PRICE)
        keys = []
        for name in ("stari", "novi"):
            customer = register_customer(SYSTEM, CustomerData(name=name))
            add_member(SYSTEM, customer, MemberData(email=f"{name}@example.test", name=name, role=MemberRole.OWNER))
            keys.append(customer.id)
        return keys[0], keys[1], product.id


def _services(owner_id: int, product_id: int, count: int, prefix: str) -> list[int]:
    found: list[int] = []
    for places in chunks(range(count)):
        with transaction() as session:
            buyer = session.get_one(Customer, owner_id).buyer()
            services = [_service(owner_id, product_id, f"{prefix.lower()}-{place}.example.com") for place in places]
            keys = insert_services(session, services, cause="import")
            insert_proformas(session, [_document(owner_id, buyer, prefix, key) for key in keys])
            found += keys
    return found


def _service(owner_id: int, product_id: int, label: str) -> NewService:
    return NewService(
        customer_id=owner_id,
        product_id=product_id,
        label=label,
        started_on=today(),
        paid_until=today() + timedelta(days=365),
        price=PRICE,
        currency="RSD",
        period_months=12,
    )


def _document(owner_id: int, buyer: dict[str, Any], prefix: str, key: int) -> NewProforma:
    return NewProforma(
        number=f"{prefix}-{key}",
        customer_id=owner_id,
        buyer=buyer,
        issued_on=today(),
        due_on=today() + timedelta(days=8),
        currency="RSD",
        language="sr_Latn",
        reference=f"{key}",
        lines=(NewLine("Hosting", PRICE, 2000, PRICE // 5, service_id=key),),
    )


def _check(keys: list[int], new_id: int) -> tuple[float, int]:
    """Make the batch and time its dry run."""
    with transaction() as session:
        target = session.get_one(Customer, new_id).number
        content = "\n".join(["service,new_owner", *(f"{service_number(key)},{target}" for key in keys)]).encode()
        batch = service.create_from_file(SYSTEM, "bench.csv", content, "bench").id
    began = time.perf_counter()
    work.work_due()
    return time.perf_counter() - began, batch


def _in_turns(batch: int, keys: list[int], new_id: int) -> tuple[float, float]:
    """Execute the batch, and after each of its rows write as many rows plainly; return the seconds of both."""
    before, places = _counts(), iter(enumerate(keys))
    template: dict[str, list[dict[str, Any]]] = {}
    wrote = aside = 0.0

    def write_one() -> None:
        nonlocal template, wrote, aside
        entered = time.perf_counter()
        template = template or _rows_of_first(batch)
        place, key = next(places)
        rows, began = deepcopy(template), time.perf_counter()
        with transaction() as session:
            _write(session, place, key, new_id, rows)
        wrote += time.perf_counter() - began
        aside += time.perf_counter() - entered

    with transaction():
        service.start(SYSTEM, batch)
    claimed = work.claim(batch)
    if claimed is None:
        raise BenchError("the batch is not free")
    began = time.perf_counter()
    work.work(*claimed, progress=write_one)
    executed = time.perf_counter() - began - aside
    grown = {name: count - before[name] for name, count in _counts().items()}
    grown["audit_entries"] -= 2  # of the batch's start and end
    if any(grown[name] != 2 * len(keys) * len(rows) for name, rows in template.items()):
        raise BenchError(f"not the same rows: {grown}")
    if queries.counts_of(batch)[ItemState.DONE] != len(keys):
        raise BenchError("not every row moved")
    return executed, wrote


def _rows_of_first(batch: int) -> dict[str, list[dict[str, Any]]]:
    """Return what the first row wrote, as plain values without keys."""
    session = db.session()
    done = select(MigrationBatchItem.migration_id).where(MigrationBatchItem.batch_id == batch)
    key = session.scalars(done.order_by(MigrationBatchItem.row)).first()
    ref = Migration(id=key).ref
    document = select(Proforma.id).where(Proforma.migration_id == key)
    conditions: dict[type[Base], Any] = {
        Migration: Migration.id == key,
        MigrationItem: MigrationItem.migration_id == key,
        Storno: Storno.migration_id == key,
        Proforma: Proforma.migration_id == key,
        ProformaLine: ProformaLine.proforma_id.in_(document),
        Mail: Mail.subject_ref == f"migration:{ref}",
        AuditEntry: AuditEntry.subject == ref,
    }
    return {
        model.__tablename__: [
            {name: value for name, value in row._mapping.items() if name != "id"}
            for row in session.execute(select(_table(model)).where(condition))
        ]
        for model, condition in conditions.items()
    }


def _write(session: Session, place: int, key: int, new_id: int, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Write the rows of one migration: nothing is checked, locked, rendered or chained."""
    connection = session.connection()

    def add(model: type[Base], **values: Any) -> int:
        row = rows[model.__tablename__].pop(0) | values
        found = connection.execute(insert(_table(model)).values(row).returning(_table(model).c.id))
        return int(found.scalar_one())

    source: int = connection.execute(
        text("SELECT proforma_id FROM proforma_lines WHERE service_id = :key"), {"key": key}
    ).scalar_one()
    connection.execute(text("UPDATE number_series SET last = last + 1 WHERE series IN ('PR', 'ST')"))
    connection.execute(
        update(_table(Proforma)).where(_table(Proforma).c.id == source).values(status=ProformaStatus.CANCELLED)
    )
    migration = add(Migration)
    add(MigrationItem, migration_id=migration, service_id=key)
    number = f"plain-{place}"
    add(Storno, number=number, sequence=10**6 + place, proforma_id=source, migration_id=migration)
    document = add(
        Proforma, number=number, sequence=10**6 + place, reference=number, source_id=source, migration_id=migration
    )
    add(ProformaLine, proforma_id=document, service_id=key)
    PROFORMA_SEARCH.put_new(session, [(document, number)])
    now = clock.now()
    services, owned = _table(Service), _table(Ownership)
    connection.execute(update(services).where(services.c.id == key).values(customer_id=new_id))
    connection.execute(update(owned).where(owned.c.service_id == key, owned.c.to_at.is_(None)).values(to_at=now))
    connection.execute(
        insert(owned).values(service_id=key, customer_id=new_id, from_at=now, to_at=None, cause=f"M-{migration}")
    )
    for side in range(len(rows["mail"])):
        add(Mail, message_id=f"<plain-{place}-{side}@example.test>")
    head: int = connection.execute(text("UPDATE audit_head SET last = last + 2 RETURNING last")).scalar_one()
    entries = rows["audit_entries"]
    connection.execute(insert(_table(AuditEntry)), [row | {"id": head - 1 + at} for at, row in enumerate(entries)])


def _table(model: type[Base]) -> Table:
    table: Any = model.__table__
    return table  # type: ignore[no-any-return]


def _counts() -> dict[str, int]:
    return {model.__tablename__: db.session.scalar(select(func.count()).select_from(model)) or 0 for model in GROWING}


def _report(
    count: int, checked: float, executed: float, wrote: float, memory: int, server: str | None, command: str
) -> Report:
    engine, share = engine_name(server), wrote / executed
    return Report(
        section=f"batches-{engine.lower()}",
        title=f"Many migrations at once ({engine})",
        command=command,
        verdicts=[verdict(f"at least a third of the rate of plain SQL ({share:.2f})", holds=share >= MIN_SHARE)],
        header=["what", "services a second", "rate to plain"],
        rows=[
            ["executed, each row its own transaction", f"{count / executed:.0f}", f"{share:.2f}"],
            ["the same rows by plain SQL, one commit a service", f"{count / wrote:.0f}", "1.00"],
            ["dry run", f"{count / checked:.0f}", ""],
        ],
        notes=[
            (
                f"{count:,} services of one account from a file, each with one open pro-forma; as many others plainly, "
                f"in turns; {machine()}; at most {memory} MB"
            ),
            (
                "plain SQL writes as many rows into the same tables (counted), with values made before, and checks, "
                "locks, renders and chains nothing"
            ),
        ],
    )
