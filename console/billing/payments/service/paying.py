"""What a payment does to a document: what is paid on it, its state, and what it renews."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from console.billing import periods
from console.billing.ledger.models import Account
from console.billing.ledger.service import Posting
from console.billing.locks import lock_customers, lock_proformas, lock_services
from console.billing.models import ACTIVE_STATUSES, Proforma, ProformaStatus
from console.core.db import db


@dataclass(frozen=True)
class Split:
    """An amount split between a document and, what exceeds it, the customer's credit."""

    on_document: int
    on_credit: int


@dataclass(slots=True)
class Payable:
    """What of a locked pro-forma a payment reads and writes: very many may be paid at once."""

    id: int
    customer_id: int
    number: str
    reference_key: str
    currency: str
    total: int
    paid: int
    status: ProformaStatus

    @property
    def owed(self) -> int:
        """Return what is still to be paid, as :attr:`Proforma.owed`."""
        return self.total - self.paid if self.status in ACTIVE_STATUSES else 0

    def count(self, amount: int) -> bool:
        """Count an amount as paid, at most what is owed; tell whether it is paid in full now."""
        self.paid += amount
        whole = self.paid == self.total
        self.status = ProformaStatus.PAID if whole else ProformaStatus.PART_PAID
        return whole


_PAYABLE = select(
    Proforma.id,
    Proforma.customer_id,
    Proforma.number,
    Proforma.reference_key,
    Proforma.currency,
    Proforma.total,
    Proforma.paid,
    Proforma.status,
)


def split(amount: int, owed: int) -> Split:
    """Divide an amount between what is owed and what is over."""
    on_document = min(amount, owed)
    return Split(on_document, amount - on_document)


def split_over(amount: int, documents: Sequence[Proforma]) -> list[Split]:
    """Divide an amount over documents in this order, each up to what is owed; what is over is with the last."""
    parts, left = [], amount
    for document in documents:
        parts.append(Split(min(left, document.owed), 0))
        left -= parts[-1].on_document
    return [*parts[:-1], Split(parts[-1].on_document, left)]


def lock_documents(ids: Collection[int], *, customer_ids: Collection[int] = ()) -> dict[int, Proforma]:
    """Lock pro-formas with all that paying them changes: accounts, then services, then documents.

    Args:
        customer_ids: whose credit may change.
    """
    _lock_around(ids, customer_ids)
    return {document.id: document for document in lock_proformas(ids)}


def lock_payable(ids: Collection[int], *, customer_ids: Collection[int] = ()) -> list[Payable]:
    """Lock as :func:`lock_documents`, and read of each pro-forma no more than a payment needs."""
    _lock_around(ids, customer_ids)
    if not ids:
        return []
    query = _PAYABLE.where(Proforma.id.in_(ids)).order_by(Proforma.id).with_for_update(of=Proforma)
    return [Payable(*row) for row in db.session.execute(query)]


def _lock_around(ids: Collection[int], customer_ids: Collection[int]) -> None:
    lock_customers(customer_ids)
    lock_services(periods.services_of(ids))


def write_paid(documents: Sequence[Payable]) -> None:
    """Store what is paid on locked documents, in one statement."""
    session = db.session()
    session.flush()
    session.execute(update(Proforma), [{"id": one.id, "paid": one.paid, "status": one.status} for one in documents])
    for held in [one for one in session if isinstance(one, Proforma)]:
        session.expire(held, ["paid", "status"])


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


def settling(document: Proforma | Payable, parts: Split) -> list[Posting]:
    """Return the credit side of a payment on a document."""
    return [
        Posting(Account.DOCUMENT, document.currency, -parts.on_document, document.customer_id, document.id),
        Posting(Account.CREDIT, document.currency, -parts.on_credit, document.customer_id),
    ]
