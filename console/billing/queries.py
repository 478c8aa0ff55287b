"""Reading an account's documents: the list, one with all its page shows, and what stays to be paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Select, func, select
from sqlalchemy.orm import defer, joinedload

from console.billing.models import ACTIVE_STATUSES, Migration, Proforma, ProformaLine, ProformaStatus, Storno
from console.core.db import db
from console.hosting.models import Service


class DocumentFilter(StrEnum):
    """Which pro-formas a list has."""

    ALL = "all"
    OPEN = "open"
    PAID = "paid"
    CANCELLED = "cancelled"


_STATUSES: dict[DocumentFilter, Sequence[ProformaStatus]] = {
    DocumentFilter.ALL: tuple(ProformaStatus),
    DocumentFilter.OPEN: ACTIVE_STATUSES,
    DocumentFilter.PAID: (ProformaStatus.PAID,),
    DocumentFilter.CANCELLED: (ProformaStatus.CANCELLED,),
}


@dataclass(frozen=True)
class Related:
    """What an account's pro-forma came from and became, as far as that is the account's own.

    Args:
        moved: the reference of the migration that it was cancelled or made in.
        elsewhere: a part of it went to another account.
    """

    source: Proforma | None
    replacements: list[Proforma]
    moved: str | None
    elsewhere: bool


def list_proformas(customer_id: int, chosen: DocumentFilter, *, before: int | None, limit: int) -> list[Proforma]:
    """Return a page of an account's pro-formas with the stornos that cancelled them, the newest first.

    Args:
        before: the key of the last one of the page before.
    """
    query = (
        select(Proforma)
        .options(joinedload(Proforma.storno).load_only(Storno.number), defer(Proforma.buyer), defer(Proforma.issuer))
        .where(Proforma.customer_id == customer_id, Proforma.status.in_(_STATUSES[chosen]))
        .order_by(Proforma.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Proforma.id < before)
    return list(db.session.scalars(query))


def amounts_due(customer_id: int) -> dict[str, int]:
    """Return what an account has to pay, by currency."""
    query = (
        select(Proforma.currency, func.sum(Proforma.total - Proforma.paid))
        .where(Proforma.customer_id == customer_id, Proforma.status.in_(ACTIVE_STATUSES))
        .group_by(Proforma.currency)
        .order_by(Proforma.currency.desc())
    )
    return {currency: int(owed) for currency, owed in db.session.execute(query)}


def find_own_proforma(number: str, customer_ids: Sequence[int]) -> Proforma | None:
    """Return a pro-forma of one of these accounts, with its lines and the storno that cancelled it."""
    query = (
        select(Proforma)
        .options(
            joinedload(Proforma.storno),
            joinedload(Proforma.source),
            joinedload(Proforma.lines).joinedload(ProformaLine.service),
        )
        .where(Proforma.number == number, Proforma.customer_id.in_(customer_ids))
    )
    return db.session.execute(query).unique().scalar_one_or_none()


def find_own_storno(number: str, customer_ids: Sequence[int]) -> Storno | None:
    """Return a storno of one of these accounts, with the pro-forma it cancels."""
    query = (
        select(Storno)
        .options(joinedload(Storno.proforma).selectinload(Proforma.lines).joinedload(ProformaLine.service))
        .where(Storno.number == number, Storno.customer_id.in_(customer_ids))
    )
    return db.session.scalar(query)


def related_documents(proforma: Proforma) -> Related:
    """Return the documents before and after one, without those of other accounts."""
    made = list(db.session.scalars(select(Proforma).where(Proforma.source_id == proforma.id).order_by(Proforma.id)))
    own = [one for one in made if one.customer_id == proforma.customer_id]
    source = proforma.source
    if source is not None and source.customer_id != proforma.customer_id:
        source = None
    storno = proforma.storno
    migration_id = storno.migration_id if storno is not None else proforma.migration_id
    moved = None if migration_id is None else db.session.get_one(Migration, migration_id).ref
    return Related(source, own, moved, len(own) < len(made))


def open_proformas_of(service: Service) -> list[Proforma]:
    """Return the pro-formas with a line of a service that its owner still has to pay, the first due before the rest."""
    return list(
        db.session.scalars(
            _with_line_of(service).where(Proforma.status.in_(ACTIVE_STATUSES)).order_by(Proforma.due_on, Proforma.id)
        )
    )


def paid_proformas_of(service: Service, limit: int = 12) -> list[Proforma]:
    """Return the latest pro-formas with a line of a service that its owner paid."""
    query = _with_line_of(service).where(Proforma.status == ProformaStatus.PAID).order_by(Proforma.id.desc())
    return list(db.session.scalars(query.limit(limit)))


def _with_line_of(service: Service) -> Select[Proforma]:
    with_line = select(ProformaLine.proforma_id).where(ProformaLine.service_id == service.id)
    return (
        select(Proforma)
        .options(defer(Proforma.buyer), defer(Proforma.issuer))
        .where(Proforma.id.in_(with_line), Proforma.customer_id == service.customer_id)
    )
