"""The record of an executed migration, for one of its sides: its own documents alone, and of the other no data.

The old owner knows the new owner's number, because they asked for it; the new owner is not told who the old one was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from console.billing.ledger.models import Account, EntryKind, LedgerEntry, LedgerPosting
from console.billing.migration.execution import take_snapshot
from console.billing.migration.queries import documents_of, left_behind
from console.billing.models import Migration, Proforma, Storno
from console.billing.pdf import words
from console.billing.pdf.models import Side
from console.billing.pdf.sheet import Column, Fact, Party, Row, Sheet, Table
from console.core.db import db
from console.core.texts import gettext
from console.customers.models import Customer


@dataclass(frozen=True)
class _Own:
    """What one side has of a migration."""

    customer: Customer
    stornos: list[Storno]
    issued: list[Proforma]


def snapshot_of(migration: Migration) -> dict[str, Any]:
    """Return what a record prints of both sides: as it was at the execution, or as it is now where nothing says."""
    return migration.snapshot or take_snapshot(migration, left_behind(migration))


def customer_of(migration: Migration, side: Side) -> Customer:
    """Return the account on a side."""
    return migration.from_customer if side is Side.OLD else migration.to_customer


def sheet_of(migration: Migration, side: Side) -> Sheet:
    """Return the record of an executed migration in the language of the block."""
    ended_at = migration.ended_at
    if ended_at is None:
        raise ValueError("it is not executed")
    own, snapshot = _own(migration, side), snapshot_of(migration)
    issuer = snapshot["sides"][side.value]["issuer"]
    released = _released(migration) if side is Side.OLD else []
    return Sheet(
        lang=words.lang(),
        title=gettext("Record of transfer"),
        number=migration.ref,
        brand=words.brand_of(issuer),
        made_at=ended_at,
        parties=_parties(migration, snapshot, side),
        lead=_lead(migration, side),
        facts=(
            Fact(gettext("Requested"), words.moment(migration.requested_at)),
            Fact(gettext("Executed"), words.moment(ended_at), strong=True),
        ),
        tables=tuple(_tables(snapshot, side, own)),
        notes=tuple(gettext("%(amount)s was put on the account’s credit.", amount=amount) for amount in released),
        closing=gettext(
            "The record states what was transferred in our systems. It is not a tax document. A domain’s registrant "
            "changes at its registry, in a separate procedure."
        ),
        footer=words.issuer_line(issuer),
        page_of=words.page_of(),
        continued=gettext("Record of transfer %(ref)s", ref=migration.ref),
    )


def _own(migration: Migration, side: Side) -> _Own:
    customer = customer_of(migration, side)
    stornos, issued = documents_of(migration)
    return _Own(
        customer,
        [one for one in stornos if one.customer_id == customer.id],
        [one for one in issued if one.customer_id == customer.id],
    )


def _released(migration: Migration) -> list[str]:
    """Return what was paid on cancelled documents and went to the old owner's credit, by currency."""
    query = (
        select(LedgerPosting.currency, -func.sum(LedgerPosting.amount))
        .join(LedgerEntry, LedgerEntry.id == LedgerPosting.entry_id)
        .where(
            LedgerEntry.migration_id == migration.id,
            LedgerEntry.kind == EntryKind.RELEASED,
            LedgerPosting.account == Account.CREDIT,
            LedgerPosting.customer_id == migration.from_customer_id,
        )
        .group_by(LedgerPosting.currency)
        .order_by(LedgerPosting.currency.desc())
    )
    return [words.amount(int(amount), currency) for currency, amount in db.session.execute(query)]


def _parties(migration: Migration, snapshot: Mapping[str, Any], side: Side) -> tuple[Party, ...]:
    new, buyer = gettext("New owner"), snapshot["sides"][side.value]["buyer"]
    if side is Side.NEW:
        return (words.party(new, buyer),)
    return (
        words.party(gettext("Old owner"), buyer),
        Party(new, gettext("Account %(number)s", number=migration.to_customer.number)),
    )


def _lead(migration: Migration, side: Side) -> str:
    if side is Side.NEW:
        return gettext(
            "The services below were transferred to account %(number)s.", number=migration.to_customer.number
        )
    return gettext(
        "The services below were transferred from account %(old)s to account %(new)s.",
        old=migration.from_customer.number,
        new=migration.to_customer.number,
    )


def _tables(snapshot: Mapping[str, Any], side: Side, own: _Own) -> list[Table]:
    columns = Column(gettext("Number"), 34), Column(gettext("Service")), Column(gettext("Domain or name"), 70)
    services, stayed = (tuple(Row(tuple(one)) for one in snapshot[name]) for name in ("services", "stayed"))
    tables = [Table(columns, services, heading=gettext("Transferred services"))]
    if stayed and side is Side.OLD:
        tables.append(Table(columns, stayed, heading=gettext("Services that stayed")))
    if own.stornos or side is Side.OLD:
        tables.append(_cancelled(own.stornos))
    if own.issued or side is Side.NEW:
        tables.append(_issued(own.issued))
    return tables


def _cancelled(stornos: Sequence[Storno]) -> Table:
    return Table(
        (
            Column(gettext("Pro-forma"), 50),
            Column(gettext("Storno")),
            Column(gettext("Amount"), 45, numbers=True),
        ),
        tuple(
            Row((one.proforma.number, one.number, words.amount(one.proforma.total, one.currency))) for one in stornos
        ),
        heading=gettext("Cancelled pro-formas"),
        empty=gettext("No pro-forma was cancelled."),
    )


def _issued(proformas: Sequence[Proforma]) -> Table:
    return Table(
        (
            Column(gettext("Pro-forma"), 50),
            Column(gettext("Payment reference")),
            Column(gettext("Due"), 32),
            Column(gettext("Amount"), 45, numbers=True),
        ),
        tuple(
            Row((one.number, one.reference, words.day(one.due_on), words.amount(one.total, one.currency)))
            for one in proformas
        ),
        heading=gettext("Issued pro-formas"),
        empty=gettext("No pro-forma was issued."),
    )
