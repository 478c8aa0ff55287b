"""Statements for tests: lines that pay documents of ours, and the files that have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from console.billing.models import Proforma
from console.billing.statements.files import Upload, read_files
from console.billing.statements.readers.statement import Statement, StatementLine
from console.billing.statements.service import Imported, import_statement
from console.core.actor import Actor
from console.core.transaction import transaction
from console.staff.roles import Role
from tests import factories
from tests.billing.statements.writers import WRITERS

OWN, OTHER = "840000000095584510", "160000000000003718"


def line(proforma: Proforma | None = None, **changes: Any) -> StatementLine:
    """Return a line that pays a document to the para, unless changed."""
    plain = StatementLine(
        position=1,
        booked_on=factories.today(),
        amount=1_440_000 if proforma is None else proforma.owed,
        currency="RSD",
        reference="9999999999" if proforma is None else proforma.reference,
        model="97",
        payer="Mlekara Jasen",
        payer_account=OTHER,
        purpose="Uplata po predračunu",
        bank_id="",
    )
    return replace(plain, **changes)


def statement(lines: Sequence[StatementLine], *, number: str = "227", opening: int = 5_000_00) -> Statement:
    """Return a statement of these lines, in this order."""
    placed = tuple(
        replace(one, position=place, bank_id=one.bank_id or f"N{number}-{place}") for place, one in enumerate(lines, 1)
    )
    days = [one.booked_on for one in placed] or [factories.today()]
    closing = opening + sum(one.amount for one in placed)
    return Statement(OWN, number, "RSD", min(days), max(days), opening, closing, placed)


def content(one: Statement, key: str = "csv") -> bytes:
    """Return the file of a statement."""
    return WRITERS[key](one).encode()


def bring_in(file: bytes, *, actor: Actor | None = None, name: str = "izvod.csv") -> Imported:
    """Read a file and import it, as billing does."""
    (read,) = read_files([Upload(name, file)], megabytes=32)
    who = actor or factories.make_staff(Role.BILLING).actor()
    with transaction():
        return import_statement(who, read)
