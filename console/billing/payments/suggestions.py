"""Suggestions for an unmatched payment, the likeliest first, and what each would do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import combinations
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased, defer, joinedload

from console.billing.models import ACTIVE_STATUSES, Proforma, ProformaStatus
from console.billing.payments.models import Payment, PaymentState
from console.billing.payments.queries import Renewal, renewals_of
from console.billing.payments.service.paying import split_over
from console.billing.payments.service.resolving import Way
from console.billing.references import possible_keys
from console.core.db import db
from console.customers.models import Customer

MOST = 9  # each has a digit of its own
SIMILAR = 3  # documents of one kind that are offered
TOGETHER = 10  # open documents of one customer that are tried together
LINKS = 12  # documents in a row that each replaced the one before


class Why(StrEnum):
    """Why something is suggested."""

    REFERENCE = "reference"
    TOGETHER = "together"
    SUCCESSOR = "successor"
    SUCCESSOR_ELSEWHERE = "successor_elsewhere"
    OWNER_CREDIT = "owner_credit"
    PAYER_DOCUMENT = "payer_document"
    SAME_AMOUNT = "same_amount"
    PAYER_CREDIT = "payer_credit"
    RETURN = "return"


@dataclass(frozen=True)
class Effect:
    """What a choice does, in minor units of the payment's currency."""

    on_document: int = 0
    left: int = 0  # still owed on the document then
    on_credit: int = 0
    renews: tuple[tuple[str, date], ...] = ()  # services by their label, and until when they are paid then


@dataclass(frozen=True)
class Suggestion:
    """One choice. ``target``: the numbers of documents, or a customer's."""

    way: Way
    why: Why
    target: str = ""
    customer: Customer | None = None
    documents: tuple[Proforma, ...] = ()
    effect: Effect = Effect()

    @property
    def owed(self) -> int:
        """Return what is owed on its documents."""
        return sum(document.owed for document in self.documents)

    @property
    def value(self) -> str:
        """Return the choice as a form sends it, with what is owed there now."""
        owed = f":{self.owed}" if self.documents else ""
        return f"{self.way.value}:{self.target}{owed}"

    @property
    def exact(self) -> bool:
        """Return whether it is owed to the para."""
        return bool(self.documents) and not self.effect.left and not self.effect.on_credit


def suggest(payment: Payment) -> list[Suggestion]:
    """Return what to do with an unmatched payment, the likeliest first; sending it back is always the last."""
    referenced, successors = _chain(payment)
    payers = _payers(payment)
    related_ids = list(dict.fromkeys([*(row.customer_id for row in referenced), *(row.id for row in payers)]))
    others = _open_documents(payment, related_ids)
    documents = [*_documents(payment, referenced, successors, others, related_ids)]
    together = _together(payment, referenced, others)
    renewals = renewals_of(list({row.id for row in [*(row for row, _why in documents), *together]}))
    found = [_to_documents(payment, why, [row], renewals) for row, why in documents]
    if together:
        found.append(_to_documents(payment, Why.TOGETHER, together, renewals))
    credited = Effect(on_credit=payment.amount)
    owners = {row.customer.number: row.customer for row in referenced}
    of_owner = [Suggestion(Way.CREDIT, Why.OWNER_CREDIT, key, row, (), credited) for key, row in owners.items()]
    of_payer = [
        Suggestion(Way.CREDIT, Why.PAYER_CREDIT, row.number, row, (), credited)
        for row in payers
        if row.number not in owners
    ]
    related = sorted((one for one in found if one.why in _RELATED), key=lambda one: not one.exact)
    rest = [one for one in found if one.why not in _RELATED]
    return [*[*related, *of_owner, *rest, *of_payer][: MOST - 1], Suggestion(Way.RETURN, Why.RETURN)]


_RELATED = (Why.REFERENCE, Why.TOGETHER, Why.SUCCESSOR, Why.SUCCESSOR_ELSEWHERE)


def _to_documents(
    payment: Payment, why: Why, documents: Sequence[Proforma], renewals: Mapping[int, Sequence[Renewal]]
) -> Suggestion:
    parts = split_over(payment.amount, documents)
    on_documents = sum(part.on_document for part in parts)
    paid = [row for row, part in zip(documents, parts, strict=True) if part.on_document == row.owed]
    services = tuple(
        (service.label, max(service.paid_until, period.ends_on))
        for row in paid
        for service, period in renewals.get(row.id, ())
    )
    effect = Effect(on_documents, sum(row.owed for row in documents) - on_documents, parts[-1].on_credit, services)
    target = ", ".join(row.number for row in documents)
    return Suggestion(Way.DOCUMENT, why, target, documents[0].customer, tuple(documents), effect)


def _together(payment: Payment, referenced: Sequence[Proforma], others: Sequence[Proforma]) -> list[Proforma]:
    """Return the fewest open documents of a customer the reference is of on which just the amount is owed together.

    One that the reference names is among them, where it is open; the one due first is paid first.
    """
    open_ones = [row for row in referenced if row.status in ACTIVE_STATUSES and row.currency == payment.currency]
    for owner_id in dict.fromkeys(row.customer_id for row in referenced):
        named = {row.id for row in open_ones if row.customer_id == owner_id}
        theirs = {row.id: row for row in [*open_ones, *others] if row.customer_id == owner_id}
        rows = sorted(list(theirs.values())[:TOGETHER], key=lambda row: (row.due_on, row.id))
        for count in range(2, len(rows) + 1):
            for chosen in combinations(rows, count):
                if sum(row.owed for row in chosen) == payment.amount and (
                    not named or named & {row.id for row in chosen}
                ):
                    return list(chosen)
    return []


def _documents(
    payment: Payment,
    referenced: Sequence[Proforma],
    successors: Sequence[Proforma],
    others: Sequence[Proforma],
    related_ids: Sequence[int],
) -> Iterator[tuple[Proforma, Why]]:
    """Yield documents that may be meant, each once."""
    candidates = [row for row in referenced if row.status in ACTIVE_STATUSES and row.currency == payment.currency]
    owners = {row.customer_id for row in referenced}
    used = set()
    for row in sorted(candidates, key=lambda row: row.owed != payment.amount):
        used.add(row.id)
        yield row, Why.REFERENCE
    for row in sorted(successors, key=lambda row: (row.owed != payment.amount, row.customer_id not in owners, row.id)):
        if row.id not in used and row.currency == payment.currency:
            used.add(row.id)
            yield row, Why.SUCCESSOR if row.customer_id in owners else Why.SUCCESSOR_ELSEWHERE
    rest = [row for row in others if row.id not in used]
    theirs = sorted((row for row in rest if row.customer_id in related_ids), key=lambda row: row.owed != payment.amount)
    for row in theirs[:SIMILAR]:
        yield row, Why.PAYER_DOCUMENT
    alike = [row for row in rest if row.customer_id not in related_ids]
    alike.sort(key=lambda row: SequenceMatcher(None, row.reference_key, payment.reference_key).ratio(), reverse=True)
    for row in alike[:SIMILAR]:
        yield row, Why.SAME_AMOUNT


def _chain(payment: Payment) -> tuple[list[Proforma], list[Proforma]]:
    """Return the documents that the reference names, and the active ones that replaced those that are cancelled."""
    keys = possible_keys(payment.reference)
    if not keys:
        return [], []
    chain = (
        select(Proforma.id, Proforma.status, func.coalesce(0, 0).label("depth"))
        .where(Proforma.reference_key.in_(keys))
        .cte("chain", recursive=True)
    )
    later = aliased(Proforma)
    chain = chain.union_all(
        select(later.id, later.status, chain.c.depth + 1)
        .join(chain, later.source_id == chain.c.id)
        .where(chain.c.status == ProformaStatus.CANCELLED, chain.c.depth < LINKS)
    )
    query = (
        select(Proforma, chain.c.depth)
        .join(chain, chain.c.id == Proforma.id)
        .options(joinedload(Proforma.customer), defer(Proforma.buyer), defer(Proforma.issuer))
        .order_by(Proforma.id)
    )
    rows: list[Any] = list(db.session.execute(query))
    referenced = [row for row, depth in rows if depth == 0]
    return referenced, [row for row, depth in rows if depth and row.status in ACTIVE_STATUSES]


def _payers(payment: Payment) -> list[Customer]:
    """Return the accounts for which money came from the same bank account before."""
    if not payment.payer_account:
        return []
    theirs = (
        select(Payment.customer_id)
        .where(
            Payment.payer_account == payment.payer_account,
            Payment.state == PaymentState.MATCHED,
            Payment.customer_id.is_not(None),
        )
        .order_by(Payment.id.desc())
        .limit(20)
    )
    query = select(Customer).where(Customer.id.in_(theirs)).order_by(Customer.id).limit(SIMILAR)
    return list(db.session.scalars(query))


def _open_documents(payment: Payment, related_ids: Sequence[int]) -> list[Proforma]:
    """Return open documents of these accounts, and of others those on which just this is owed."""
    query = (
        select(Proforma)
        .options(joinedload(Proforma.customer), defer(Proforma.buyer), defer(Proforma.issuer))
        .where(
            Proforma.status.in_(ACTIVE_STATUSES),
            Proforma.currency == payment.currency,
            or_(Proforma.customer_id.in_(related_ids), Proforma.total - Proforma.paid == payment.amount),
        )
        .order_by((Proforma.total - Proforma.paid == payment.amount).desc(), Proforma.id.desc())
        .limit(4 * MOST)
    )
    return list(db.session.scalars(query))
