"""What pro-formas and stornos share: who may open one, and the context of its page."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from console.billing.models import Migration, Proforma, ProformaLine, Storno
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import NotFound
from console.customers.queries import opened_rights
from console.customers.rights import Right
from console.staff.roles import Permission
from console.views.shared.base import json_value


def require_reading(actor: Actor, customer_id: int) -> None:
    """Raise :class:`NotFound` unless the role reads documents, or the account's are opened for this person now."""
    if actor.may(Permission.READ_DOCUMENTS):
        return
    if Right.INVOICES not in opened_rights(actor, customer_id):
        raise NotFound(code="not_allowed")


def find_proforma(number: str) -> Proforma:
    """Return the pro-forma with all that its page shows.

    Raises:
        NotFound: no such number.
    """
    query = (
        select(Proforma)
        .options(
            joinedload(Proforma.customer),
            joinedload(Proforma.storno),
            joinedload(Proforma.source),
            joinedload(Proforma.lines).joinedload(ProformaLine.service),
        )
        .where(Proforma.number == number)
    )
    return _found(db.session.execute(query).unique().scalar_one_or_none())


def find_storno(number: str) -> Storno:
    """Return the storno with all that its page shows.

    Raises:
        NotFound: no such number.
    """
    query = (
        select(Storno)
        .options(
            joinedload(Storno.customer),
            joinedload(Storno.proforma).joinedload(Proforma.lines).joinedload(ProformaLine.service),
        )
        .where(Storno.number == number)
    )
    return _found(db.session.execute(query).unique().scalar_one_or_none())


def replacements(actor: Actor, proforma: Proforma) -> list[Proforma]:
    """Return the pro-formas made in place of this one, as far as this person may open them.

    After a migration one of them is another account's.
    """
    query = select(Proforma).options(joinedload(Proforma.customer)).where(Proforma.source_id == proforma.id)
    found = db.session.scalars(query.order_by(Proforma.id))
    return [row for row in found if _may_read(actor, row.customer_id)]


def readable(actor: Actor, document: Any) -> Any:
    """Return ``document`` if this person may open it, else ``None``."""
    return document if document is not None and _may_read(actor, document.customer_id) else None


def migration_ref(document: Proforma | Storno) -> str | None:
    """Return the reference of the migration that made ``document``, if one did."""
    if document.migration_id is None:
        return None
    return db.session.get_one(Migration, document.migration_id).ref


def _may_read(actor: Actor, customer_id: int) -> bool:
    return actor.may(Permission.READ_DOCUMENTS) or Right.INVOICES in opened_rights(actor, customer_id)


def _found(document: Any) -> Any:
    if document is None:
        raise NotFound
    return document


def line_json(line: ProformaLine) -> dict[str, Any]:
    """Return one line for programs."""
    return {
        "position": line.position,
        "description": line.description,
        "service": None if line.service is None else line.service.number,
        "quantity": line.quantity,
        "net": line.net,
        "discount": line.discount,
        "tax": line.tax,
        "total": line.total,
    }


def document_json(document: Proforma | Storno) -> dict[str, Any]:
    """Return the fields that both kinds have, for programs."""
    names = ("number", "issued_on", "currency", "net", "tax", "total", "buyer", "issuer")
    return {name: json_value(getattr(document, name)) for name in names} | {"customer": document.customer.number}
