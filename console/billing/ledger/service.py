"""Writing the ledger: the only place that does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert

from console.billing.ledger.models import Account, EntryKind, LedgerEntry, LedgerPosting
from console.billing.payments.models import Payment
from console.core import clock
from console.core.actor import Actor
from console.core.db import db


@dataclass(frozen=True)
class Posting:
    """An amount on an account: debit positive, credit negative."""

    account: Account
    currency: str
    amount: int
    customer_id: int | None = None
    proforma_id: int | None = None


@dataclass(frozen=True)
class Draft:
    """An entry to be written."""

    kind: EntryKind
    postings: Sequence[Posting]
    reason: str = ""
    payment_id: int | None = None
    migration_id: int | None = None
    reverses_id: int | None = None
    at: Any = field(default=None)  # an instant; now where not given


def post(
    actor: Actor,
    kind: EntryKind,
    postings: Sequence[Posting],
    *,
    reason: str = "",
    payment: Payment | None = None,
    migration_id: int | None = None,
    reverses: LedgerEntry | None = None,
) -> LedgerEntry:
    """Write one entry. The caller holds the customers (credit) and the pro-formas it is about.

    Raises:
        RuntimeError: its postings do not sum to zero in each currency.
    """
    draft = Draft(
        kind,
        postings,
        reason=reason,
        payment_id=None if payment is None else payment.id,
        migration_id=migration_id,
        reverses_id=None if reverses is None else reverses.id,
    )
    (key,) = post_many(actor, [draft])
    return db.session.get_one(LedgerEntry, key)


def post_many(actor: Actor, drafts: Sequence[Draft]) -> list[int]:
    """Write entries in groups, and return their keys in the same order.

    Raises:
        RuntimeError: the postings of one do not sum to zero in each currency.
    """
    if not drafts:
        return []
    for draft in drafts:
        _check(draft)
    now, staff_id = clock.now(), actor.id if actor.kind == "staff" else None
    session = db.session()
    entries = insert(LedgerEntry).returning(LedgerEntry.id, sort_by_parameter_order=True)
    values = [_entry_values(draft, now, staff_id) for draft in drafts]
    keys = list(session.scalars(entries.execution_options(render_nulls=True), values))
    postings = [
        {
            "entry_id": key,
            "account": one.account,
            "customer_id": one.customer_id,
            "proforma_id": one.proforma_id,
            "currency": one.currency,
            "amount": one.amount,
        }
        for key, draft in zip(keys, drafts, strict=True)
        for one in draft.postings
        if one.amount
    ]
    session.execute(insert(LedgerPosting).execution_options(render_nulls=True), postings)
    return keys


def _entry_values(draft: Draft, now: Any, staff_id: int | None) -> Mapping[str, Any]:
    return {
        "at": draft.at or now,
        "kind": draft.kind,
        "reason": draft.reason,
        "staff_id": staff_id,
        "payment_id": draft.payment_id,
        "migration_id": draft.migration_id,
        "reverses_id": draft.reverses_id,
    }


def _check(draft: Draft) -> None:
    sums: dict[str, int] = defaultdict(int)
    for one in draft.postings:
        sums[one.currency] += one.amount
    if any(sums.values()) or not any(one.amount for one in draft.postings):
        raise RuntimeError(f"an entry of the ledger sums to zero: {draft.kind} does not ({dict(sums)})")
