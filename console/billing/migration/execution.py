"""Carrying a migration out: one transaction, locked in a fixed order, or nothing at all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select, update

from console.audit.service import record
from console.billing.migration.models import RegistryTask, TaskKind
from console.billing.migration.plan import Line, Plan, Source
from console.billing.migration.plan_data import crossing_links, key_content, lock_step
from console.billing.models import Migration, MigrationState, Proforma, ProformaLine, Storno
from console.billing.pdf.models import MOST_ATTACHED, Side, attachment_of, record_attachment
from console.billing.service import cancel_documents, compose_document, number_documents, today
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.idempotency import once
from console.customers.mail_categories import addressee, receivers, receives
from console.customers.rights import MailCategory
from console.hosting.models import Ownership, Service
from console.hours.queries import working_day_after
from console.mail.service import write_to
from console.staff.roles import Permission


def execute(actor: Actor, ref: str, plan: str, key: str, *, lose_exemption: bool = False) -> dict[str, Any]:
    """Execute an approved migration exactly as previewed.

    Args:
        plan: the digest of the preview that was looked at.
        lose_exemption: the explicit yes to lines of that preview that had no PDV and get some.
        key: the caller's idempotency key; repeated, it returns the first answer.

    Returns:
        ``migration``, ``cancelled``, ``issued`` and ``credit``, what part-payments became.

    Raises:
        Invalid, Conflict: one of ``console.billing.migration.obstacles``.
    """
    actor.require(Permission.DECIDE_MIGRATION)

    def work() -> dict[str, Any]:
        migration, checked, sources = lock_step(
            actor, ref, MigrationState.APPROVED, plan, lose_exemption=lose_exemption
        )
        return carry_out_plan(actor, migration, checked, sources)

    return once(f"migration.execute:{ref}", key, key_content(plan, lose_exemption=lose_exemption), work)


def carry_out_plan(actor: Actor, migration: Migration, plan: Plan, sources: list[Proforma]) -> dict[str, Any]:
    """Do what a plan says, all of it, with everything that it rests on locked; its entries check who may.

    Args:
        sources: the plan's documents.
    """
    issued = _draft(migration, plan)
    stornos = cancel_documents(actor, sources, migration.ref, migration.id)
    number_documents(issued)  # flushes both
    left = _cut_links(actor, migration) if plan.cuts else []
    _move_services(migration)
    migration.state = MigrationState.EXECUTED
    migration.plan = plan.digest
    migration.ended_at, migration.ended_by_id = clock.now(), actor.id
    migration.clear_schedule()
    migration.release_services()
    migration.snapshot = take_snapshot(migration, left)
    db.session.flush()
    domains = _open_registry_tasks(actor, migration)
    answer: dict[str, Any] = {
        "migration": {"ref": migration.ref, "state": migration.state.value},
        "cancelled": [_cancelled(storno, source) for storno, source in zip(stornos, sources, strict=True)],
        "issued": [_issued(document) for document in issued],
        "credit": [_credited(plan, source) for source in plan.part_paid],
    }
    _record(actor, migration, plan, answer, domains)
    _notify_both(migration, plan, stornos, sources, issued, left, answer["credit"], domains)
    return answer


def take_snapshot(migration: Migration, left: Sequence[Service]) -> dict[str, Any]:
    """Return what the record of a migration prints that may change later: names, addresses, the issuer, languages.

    Args:
        left: the services that stay although they were linked to one that moves.
    """
    sides = {"old": migration.from_customer, "new": migration.to_customer}
    return {
        "sides": {
            side: {
                "buyer": customer.buyer(),
                "language": customer.language,
                "issuer": settings().issuer.snapshot(customer.currency),
            }
            for side, customer in sides.items()
        },
        "services": [_named(item.service) for item in migration.items],
        "stayed": [_named(service) for service in left],
    }


def _named(service: Service) -> list[str]:
    return [service.number, service.product.name, service.label]


def _draft(migration: Migration, plan: Plan) -> list[Proforma]:
    """Turn each planned document into one without a number yet, in the plan's order."""
    customers = {migration.from_customer_id: migration.from_customer, migration.to_customer_id: migration.to_customer}
    return [
        compose_document(
            customers[issue.customer_id],
            [_line(line) for line in issue.lines],
            currency=issue.currency,
            due_on=issue.due_on,
            tax_note=issue.tax_note,
            note="" if issue.moved else step.cancel.note,
            source_id=step.cancel.id,
            migration_id=migration.id,
        )
        for step in plan.steps
        for issue in step.issue
    ]


def _line(line: Line) -> ProformaLine:
    """Write a planned line as it was shown, figure by figure."""
    return ProformaLine(
        position=line.position,
        service_id=line.service_id,
        description=line.description,
        quantity=line.quantity,
        net=line.net,
        tax_bp=line.tax_bp,
        tax=line.tax,
        total=line.total,
        discount=line.discount,
        discount_bp=line.discount_bp,
        source_line_id=line.id,
        period_from=line.period_from,
        period_to=line.period_to,
    )


def _cut_links(actor: Actor, migration: Migration) -> list[Service]:
    """Part what moves from what stays, which is returned, each service once.

    On the old owner's record alone: for the new one it never hung together.
    """
    moving = [item.service_id for item in migration.items]
    links = crossing_links(moving)
    for link in links:
        link.hosted.hosted_with_id = None
        record(
            actor,
            "service.parted",
            link.hosted.number,
            customer_id=migration.from_customer_id,
            host=link.host.number,
            migration=migration.ref,
        )
    db.session.flush()
    return list(dict.fromkeys(link.other(moving) for link in links))


def _move_services(migration: Migration) -> None:
    """Change the owner of the services; their domains and renewals follow."""
    now = clock.now()
    ids = [item.service_id for item in migration.items]
    session = db.session()
    session.execute(update(Service).where(Service.id.in_(ids)).values(customer_id=migration.to_customer_id))
    ended = update(Ownership).where(Ownership.service_id.in_(ids), Ownership.to_at.is_(None)).values(to_at=now)
    session.execute(ended.execution_options(synchronize_session=False))
    session.add_all(
        Ownership(
            service_id=service_id, customer_id=migration.to_customer_id, from_at=now, to_at=None, cause=migration.ref
        )
        for service_id in ids
    )


def _open_registry_tasks(actor: Actor, migration: Migration) -> list[str]:
    """Open the tasks of the moved ``.rs`` and ``.срб`` domains at the registry; return the domains' names.

    A reversal first drops what is open of the migration it reverses. A domain whose registrant had not changed yet
    needs nothing at the registry: it is still the old owner's there.
    """
    unchanged = _drop_reversed_tasks(actor, migration)
    domains = [domain for domain in migration.rnids_domains if domain.id not in unchanged]
    start = today()
    db.session.add_all(
        RegistryTask(
            migration_id=migration.id, domain_id=domain.id, kind=kind, due_on=working_day_after(start, kind.due_in)
        )
        for domain in domains
        for kind in TaskKind
    )
    db.session.flush()
    return [domain.readable_name for domain in domains]


def _drop_reversed_tasks(actor: Actor, migration: Migration) -> Collection[int]:
    """Drop the open tasks of what is reversed; return the domains whose registrant had not changed."""
    if migration.reverses_id is None:
        return ()
    query = select(RegistryTask).where(
        RegistryTask.migration_id == migration.reverses_id, RegistryTask.ended_at.is_(None)
    )
    dropped = list(db.session.scalars(query.order_by(RegistryTask.id).with_for_update()))
    for task in dropped:
        task.ended_at = clock.now()
    if dropped:
        record(
            actor,
            "registry.dropped",
            migration.ref,
            customer_id=migration.to_customer_id,
            reverses=migration.reverses_id,
        )
    return {task.domain_id for task in dropped if task.kind is TaskKind.DONE}


def _cancelled(storno: Storno, source: Proforma) -> dict[str, Any]:
    return {
        "number": source.number,
        "storno": storno.number,
        "customer": source.buyer["number"],
        "total": source.total,
        "currency": source.currency,
    }


def _credited(plan: Plan, source: Source) -> dict[str, Any]:
    """Return what was paid on a cancelled document, now on the old owner's credit."""
    return {
        "number": source.number,
        "customer": plan.old.buyer["number"],
        "amount": source.paid,
        "currency": source.currency,
    }


def _issued(document: Proforma) -> dict[str, Any]:
    return {
        "number": document.number,
        "customer": document.buyer["number"],
        "total": document.total,
        "currency": document.currency,
        "due_on": document.due_on.isoformat(),
    }


def _record(actor: Actor, migration: Migration, plan: Plan, answer: dict[str, Any], domains: Sequence[str]) -> None:
    """Write both accounts' histories: each sees its own side."""
    services = [service.number for service in plan.services]
    for customer_id, other in (
        (migration.from_customer_id, plan.new.buyer["number"]),
        (migration.to_customer_id, plan.old.buyer["number"]),
    ):
        number = plan.old.buyer["number"] if customer_id == migration.from_customer_id else plan.new.buyer["number"]
        record(
            actor,
            "migration.executed",
            migration.ref,
            customer_id=customer_id,
            other=other,
            services=services,
            cancelled=[row["number"] for row in answer["cancelled"] if row["customer"] == number],
            issued=[row["number"] for row in answer["issued"] if row["customer"] == number],
            plan=plan.digest,
            **({"credit": answer["credit"]} if answer["credit"] and customer_id == migration.from_customer_id else {}),
            **plan.exemption_facts | ({"at_registry": list(domains)} if domains else {}),
        )


def _notify_both(
    migration: Migration,
    plan: Plan,
    stornos: Sequence[Storno],
    sources: Sequence[Proforma],
    issued: Sequence[Proforma],
    left: Sequence[Service],
    credit: Sequence[dict[str, Any]],
    domains: Sequence[str],
) -> None:
    """Mail each side what concerns it, and nothing of the other's documents: these for who gets mail about invoices."""
    for customer, recipient in ((migration.from_customer, "old"), (migration.to_customer, "new")):
        void = zip(sources, stornos, strict=True) if recipient == "old" else ()
        cancelled = [_mailed(source) | {"storno": storno.number} for source, storno in void]
        own = [document for document in issued if document.customer_id == customer.id]
        made = [_mailed(document) for document in own]
        papers: list[Proforma | Storno] = [*stornos, *own] if recipient == "old" else list(own)
        files = [record_attachment(migration, Side(recipient)), *map(attachment_of, papers)]
        for member in receivers(customer, MailCategory.PRODUCT, MailCategory.INVOICE):
            documents = receives(member, MailCategory.INVOICE)
            write_to(
                addressee(member),
                customer,
                "migration_executed",
                about=f"migration:{migration.ref}",
                recipient=recipient,
                ref=migration.ref,
                services=[f"{service.product} · {service.label}" for service in plan.services],
                left=[f"{service.product.name} · {service.label}" for service in left] if recipient == "old" else [],
                attachments=files[:MOST_ATTACHED] if documents else [],
                cancelled=cancelled if documents else [],
                issued=made if documents else [],
                credit=credit if documents and recipient == "old" else [],
                domains=domains,
                reverses=migration.reverses.ref if migration.reverses is not None else "",
            )


def _mailed(document: Proforma) -> dict[str, Any]:
    return {
        "number": document.number,
        "total": document.total,
        "currency": document.currency,
        "due_on": document.due_on,
        "reference": document.reference,
    }
