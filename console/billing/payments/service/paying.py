"""What a payment does to a document: what is paid on it, its state, and what it renews."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from console.billing import periods
from console.billing.ledger.models import Account
from console.billing.ledger.service import Posting
from console.billing.locks import lock_customers, lock_proformas, lock_services
from console.billing.models import Proforma, ProformaStatus
from console.core.db import db


@dataclass(frozen=True)
class Split:
    """An amount split between a document and, what exceeds it, the customer's credit."""

    on_document: int
    on_credit: int


def split(amount: int, owed: int) -> Split:
    """Divide an amount between what is owed and what is over."""
    on_document = min(amount, owed)
    return Split(on_document, amount - on_document)


def lock_documents(ids: Collection[int], *, customer_ids: Collection[int] = ()) -> dict[int, Proforma]:
    """Lock pro-formas with all that paying them changes: accounts, then services, then documents.

    Args:
        customer_ids: whose credit may change.
    """
    lock_customers(customer_ids)
    lock_services(periods.services_of(ids))
    return {document.id: document for document in lock_proformas(ids)}


def pay(documents: Sequence[tuple[Proforma, int]]) -> None:
    """Count amounts as paid on locked documents, each at most what is owed; renew what is now paid in full."""
    whole = []
    for document, amount in documents:
        document.paid += amount
        document.status = ProformaStatus.PAID if document.paid == document.total else ProformaStatus.PART_PAID
        if document.status is ProformaStatus.PAID:
            whole.append(document.id)
    db.session.flush()
    periods.renew(whole)


def unpay(document: Proforma, amount: int) -> None:
    """Take back an amount from a locked document, and what it renewed.

    Raises:
        Conflict: ``renewed_since``.
    """
    if document.status is ProformaStatus.PAID:
        periods.undo_renewal(document)
    document.paid -= amount
    document.status = ProformaStatus.PART_PAID if document.paid else ProformaStatus.OPEN
    db.session.flush()


def settling(document: Proforma, parts: Split) -> list[Posting]:
    """Return the credit side of a payment on a document."""
    return [
        Posting(Account.DOCUMENT, document.currency, -parts.on_document, document.customer_id, document.id),
        Posting(Account.CREDIT, document.currency, -parts.on_credit, document.customer_id),
    ]
