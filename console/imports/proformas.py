"""The file of pro-formas: one row a line; the rows of one document follow each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session, selectinload

from console.billing.models import ACTIVE_STATUSES, Proforma, ProformaStatus
from console.billing.references import with_check_digits
from console.billing.service import PROFORMA, STORNO
from console.billing.tax import ABROAD, EXEMPT, OUTSIDE, rule_for
from console.core import clock, money
from console.core.context import settings
from console.core.errors import Text
from console.core.text import is_blank, one_line
from console.customers.models import Customer
from console.imports import kinds
from console.imports.bulk import NewLine, NewProforma, by_key, customers_by_name, insert_proformas, services_by_name
from console.imports.cells import NO_DAY, Cells, Column, RowError
from console.imports.kinds import Outcome, refused
from console.imports.reader import Row
from console.imports.titles import state_words
from console.views.billing.proformas import ProformaList
from console.views.shared.labels.states import PROFORMA_STATUS

# A series of our own numbers on: one of its numbers, taken by an import, would stop it.
_OURS = re.compile(rf"({PROFORMA}|{STORNO})-\d{{4}}-\d+", re.ASCII | re.IGNORECASE)
_REFERENCE = re.compile(r"[0-9A-Za-z /-]+")
MAX_REFERENCE = 20  # digits of a model 97 reference
TAX_NOTES = (ABROAD, EXEMPT, OUTSIDE)
TOLERANCE = 1  # minor unit a line: systems round halves differently
DOCUMENT = (
    "external_id", "number", "customer", "issued_on", "due_on", "currency",
    "status", "paid", "total", "reference", "tax_note",
)  # fmt: skip
MAX_LINES = 500


@dataclass(frozen=True)
class LineRow:
    """A line as read."""

    service: str
    line: NewLine


@dataclass(frozen=True)
class ProformaRow:
    """A document as read; what it names is looked up when it is stored."""

    external_id: str
    customer: str
    number: str
    issued_on: date
    due_on: date
    currency: str
    status: ProformaStatus
    paid: int
    reference: str
    tax_note: str
    lines: tuple[LineRow, ...]

    @property
    def taxed(self) -> bool:
        return any(row.line.tax for row in self.lines)

    @property
    def total(self) -> int:
        return sum(row.line.net + row.line.tax for row in self.lines)


class Proformas:
    """Reads and stores documents that were numbered elsewhere."""

    name = "proformas"
    columns = (
        Column("external_id", needed=True, limit=100, instead="number", code=True),
        Column("number", needed=True, limit=60, code=True),
        Column("customer", needed=True, limit=100, code=True),
        Column("issued_on", needed=True, limit=20),
        Column("due_on", needed=True, limit=20),
        Column("currency", needed=True, limit=3),
        Column("total", needed=True, limit=30),
        Column("description", needed=True, limit=300),
        Column("net", needed=True, limit=30),
        Column("tax_rate", needed=True, limit=10),
        Column("tax", needed=True, limit=30),
        Column("status", limit=20),
        Column("paid", limit=30),
        Column("reference", limit=40, code=True),
        Column("tax_note", limit=20),
        Column("service", limit=100, code=True),
        Column("quantity", limit=10),
        Column("line_total", limit=30),
    )
    titles: Mapping[str, Text] = ProformaList.line_labels

    def __init__(self) -> None:
        self._words = {"status": state_words(PROFORMA_STATUS)}

    def group(self, rows: Iterable[Row]) -> Iterator[list[Row]]:
        """Put the lines of one document together; a document without end is cut off and then refused."""
        for _key, lines in groupby(rows, key=_document_of):
            together: list[Row] = []
            for row in lines:
                if len(together) > MAX_LINES:
                    yield together
                    together = []
                together.append(row)
            yield together

    def read(self, rows: Sequence[Row]) -> ProformaRow:
        """Return the document that the rows describe, its sums checked."""
        if len(rows) > MAX_LINES:
            raise RowError(f"a document has at most {MAX_LINES} lines")
        first = self._cells(rows[0], rows[0])
        lines = [_line(first)]
        for row in rows[1:]:
            cells = self._cells(row, rows[0])
            lines.append(_line(cells))
            first.flaws += [f"row {row.number}: {flaw}" for flaw in cells.flaws]
        return _document(first, lines)

    def _cells(self, row: Row, first: Row) -> Cells:
        """Read a row; what belongs to the document may be left blank after its first row."""
        values, shared = row.values, first.values
        filled = {name: shared.get(name, "") for name in DOCUMENT if is_blank(values.get(name, ""))}
        cells = Cells({**values, **filled}, self.columns, self._words)
        for name in DOCUMENT:
            if one_line(values.get(name, "")) not in ("", one_line(shared.get(name, ""))):
                cells.flaw(name, "differs from the document's first row")
        return cells

    def store(self, session: Session, batch: Sequence[ProformaRow]) -> list[Outcome]:
        """Store new documents. Known ones never change."""
        return _Batch(session, batch).store()


def _document_of(row: Row) -> str:
    """Return what the rows of one document have in common: its id elsewhere, or its number where it is ours."""
    return one_line(row.values.get("external_id", "")) or one_line(row.values.get("number", ""))


def _line(cells: Cells) -> LineRow:
    net, tax_bp, tax = cells.amount("net"), cells.percent("tax_rate", 0), cells.amount("tax")
    quantity = cells.number("quantity", 1, 1, 1_000_000)
    stated = cells.maybe_amount("line_total")
    if tax and not cells.flaws and abs(tax - money.share(net, tax_bp)) > TOLERANCE:
        cells.flaw("tax", f"{money.write(tax)} is not {tax_bp / 100:g} % of {money.write(net)}")
    if stated is not None and not cells.flaws and stated != net + tax:
        cells.flaw("line_total", f"net and tax make {money.write(net + tax)}")
    line = NewLine(cells.text("description"), net, tax_bp, tax, quantity)
    return LineRow(cells.text("service"), line)


def _document(cells: Cells, lines: Sequence[LineRow]) -> ProformaRow:
    issued_on, due_on, total = cells.day("issued_on"), cells.day("due_on"), cells.amount("total")
    status = cells.choice("status", ProformaStatus, ProformaStatus.OPEN)
    paid = cells.maybe_amount("paid")
    currency = cells.text("currency").upper()
    if currency not in money.CURRENCIES and currency:
        cells.flaw("currency", f"{currency!r} is none of {', '.join(money.CURRENCIES)}")
    if _OURS.fullmatch(cells.text("number")) and cells.text("external_id"):
        cells.flaw("number", "looks like one of this console's own series")
    if cells.text("reference") and not _REFERENCE.fullmatch(cells.text("reference")):
        cells.flaw("reference", "has other characters than letters, digits, spaces, dashes and slashes")
    if issued_on > clock.local_date(clock.now(), settings().zone):
        cells.flaw("issued_on", "lies in the future")
    if due_on < issued_on and due_on != NO_DAY:
        cells.flaw("due_on", "lies before issued_on")
    cells.check()
    row = ProformaRow(
        external_id=cells.text("external_id"),
        customer=cells.text("customer"),
        number=cells.text("number"),
        issued_on=issued_on,
        due_on=due_on,
        currency=currency,
        status=status,
        paid=0,
        reference=cells.text("reference"),
        tax_note=cells.text("tax_note").casefold(),
        lines=tuple(lines),
    )
    if row.total != total:
        cells.flaw("total", f"the lines make {money.write(row.total)}, not {money.write(total)}")
    if row.external_id:
        _check_tax(cells, row)
        cells.check()
        paid = _paid(cells, row, paid)
    cells.check()
    return replace(row, paid=paid or 0)


def _check_tax(cells: Cells, row: ProformaRow) -> None:
    """Either every line with a rate is charged, or none is and the document can say why."""
    rated = [line.line for line in row.lines if money.share(line.line.net, line.line.tax_bp) > TOLERANCE]
    if row.tax_note and row.tax_note not in TAX_NOTES:
        cells.flaw("tax_note", f"{row.tax_note!r} is none of {', '.join(TAX_NOTES)}")
    if row.taxed and any(not line.tax for line in rated):
        cells.flaw("tax", "some lines are charged and some are not")
    if row.taxed and row.tax_note:
        cells.flaw("tax_note", "says why there is no PDV, but there is")


def _paid(cells: Cells, row: ProformaRow, stated: int | None) -> int:
    """Return what was paid, which must fit the status."""
    if row.status is ProformaStatus.PART_PAID:
        if stated is None or not 0 < stated < row.total:
            cells.flaw("paid", "a part paid document was paid more than nothing and less than all")
        expected = stated
    else:
        expected = row.total if row.status is ProformaStatus.PAID else 0
        if stated is not None and stated != expected:
            cells.flaw("paid", f"the status is {row.status.value}, so {money.write(expected)} was paid")
    cells.check()
    return expected or 0


class _Batch:
    """One batch being stored: what it names, looked up in a few statements."""

    def __init__(self, session: Session, rows: Sequence[ProformaRow]) -> None:
        self._session = session
        self._rows = rows
        self._known = _documents(session, Proforma.external_id, {row.external_id for row in rows if row.external_id})
        # Those that were exported here: they have no id elsewhere, and are only compared.
        self._ours = _documents(session, Proforma.number, {row.number for row in rows if not row.external_id})
        keys = customers_by_name(session, (row.customer for row in rows))
        found = session.scalars(select(Customer).where(Customer.id.in_(keys.values())))
        customers = {customer.id: customer for customer in found}
        self._customers = {name: customers[key] for name, key in keys.items()}
        self._services = services_by_name(session, {line.service for row in rows for line in row.lines if line.service})
        self._numbers = {n for (n,) in by_key(session, Proforma.number, (row.number for row in rows))}

    def store(self) -> list[Outcome]:
        outcomes: list[Outcome] = []
        new: list[NewProforma] = []
        for row in self._rows:
            stored = self._known.get(row.external_id) if row.external_id else self._ours.get(row.number)
            made = self._compare(stored, row) if stored is not None else self._new(row)
            if isinstance(made, NewProforma):
                new.append(made)
                self._numbers.add(made.number)
            outcomes.append(made if isinstance(made, Outcome) else kinds.NEW)
        insert_proformas(self._session, new)
        return outcomes

    def _new(self, row: ProformaRow) -> NewProforma | Outcome:
        if not row.external_id:
            return refused("external_id: is needed; no document here has this number")
        customer = self._customers.get(row.customer)
        if customer is None:
            return refused(f"customer: no customer has the external id or number {row.customer!r}")
        if row.number in self._numbers:
            return refused(f"number: there is a document {row.number} already")
        flaw = self._service_flaw(row, customer)
        if flaw:
            return refused(flaw)
        note = _note(row, customer)
        if isinstance(note, Outcome):
            return note
        reference = row.reference or _reference(row.number)
        if reference is None:
            return refused("reference: the number is too long to make a payment reference of; give one")
        return NewProforma(
            number=row.number,
            customer_id=customer.id,
            buyer=customer.buyer(),
            issued_on=row.issued_on,
            due_on=row.due_on,
            currency=row.currency,
            language=customer.language,
            reference=reference,
            lines=tuple(
                replace(line.line, service_id=self._services[line.service][0] if line.service else None)
                for line in row.lines
            ),
            status=row.status,
            paid=row.paid,
            tax_note=note,
            external_id=row.external_id,
        )

    def _service_flaw(self, row: ProformaRow, customer: Customer) -> str:
        for line in row.lines:
            if not line.service:
                continue
            service, owner = self._services.get(line.service, (None, None))
            if service is None:
                return f"service: no service has the external id or number {line.service!r}"
            if owner != customer.id and row.status in ACTIVE_STATUSES:
                return f"service: {line.service!r} belongs to another customer, who cannot be asked to pay for it here"
        return ""

    def _compare(self, stored: Proforma, row: ProformaRow) -> Outcome:
        """Return whether the file says what was stored. What the console did since is no difference."""
        lines = tuple(
            (self._services.get(line.service, (None,))[0] if line.service else None, line.line) for line in row.lines
        )
        customer = self._customers.get(row.customer)
        pairs = {
            "number": (stored.number, row.number),
            "customer": (stored.customer_id, customer.id if customer else None),
            "issued_on": (stored.issued_on, row.issued_on),
            "due_on": (stored.due_on, row.due_on),
            "currency": (stored.currency, row.currency),
            "total": (stored.total, row.total),
            "reference": (stored.reference, row.reference or stored.reference),
            "tax_note": (stored.tax_note, row.tax_note or stored.tax_note),
            "lines": (_stored_lines(stored), tuple((s, replace(line, service_id=None)) for s, line in lines)),
        }
        different = [name for name, (before, now) in pairs.items() if before != now]
        if not _may_have_become(row, stored):
            different.append("status" if row.status is not stored.status else "paid")
        if different:
            return refused(f"{', '.join(different)}: differs from the stored document, and a document never changes")
        return kinds.UNCHANGED


def _documents(session: Session, column: InstrumentedAttribute[Any], values: set[str]) -> dict[str, Proforma]:
    """Return documents with their lines by ``column``."""
    if not values:
        return {}
    query = select(Proforma).where(column.in_(values)).options(selectinload(Proforma.lines))
    return {getattr(proforma, column.key): proforma for proforma in session.scalars(query)}


def _stored_lines(stored: Proforma) -> tuple[tuple[int | None, NewLine], ...]:
    return tuple(
        (line.service_id, NewLine(line.description, line.net, line.tax_bp, line.tax, line.quantity))
        for line in stored.lines
    )


def _may_have_become(row: ProformaRow, stored: Proforma) -> bool:
    """Return whether the file's payment state is the stored one, or one that led to it here."""
    if row.status is stored.status:
        return stored.paid >= row.paid if row.status is ProformaStatus.PART_PAID else True
    if row.status is ProformaStatus.OPEN:
        return True
    return row.status is ProformaStatus.PART_PAID and stored.status is not ProformaStatus.OPEN


def _note(row: ProformaRow, customer: Customer) -> str | Outcome | None:
    """Return why no PDV was charged, ``None`` where it was or there was nothing to charge it on."""
    if row.taxed:
        return None
    note = row.tax_note or rule_for(customer.tax_status, issuer_in_vat_system=settings().issuer.in_vat_system).note
    if note is None and any(money.share(line.line.net, line.line.tax_bp) > TOLERANCE for line in row.lines):
        return refused(f"tax_note: no PDV was charged; say why, with {', '.join(TAX_NOTES)}")
    return note


def _reference(number: str) -> str | None:
    """Return the model 97 reference of a number from elsewhere."""
    body = "".join(char for char in number.upper() if char.isascii() and char.isalnum())
    digits = sum(2 if char.isalpha() else 1 for char in body)
    return with_check_digits(body) if body and digits + 2 <= MAX_REFERENCE else None
