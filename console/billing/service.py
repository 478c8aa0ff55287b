"""Issuing, numbering and cancelling pro-formas. An issued document is never edited or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from console.audit.service import record
from console.billing.models import (
    ACTIVE_STATUSES,
    PROFORMA_SEARCH,
    NumberSeries,
    Proforma,
    ProformaLine,
    ProformaStatus,
    Storno,
)
from console.billing.tax import rule_for
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.core.errors import Conflict, Invalid
from console.core.money import CURRENCIES
from console.core.series import Series
from console.core.text import one_line
from console.core.texts import lazy_gettext
from console.customers.models import Customer
from console.customers.owners import owner_of
from console.hosting.models import Service
from console.staff.roles import Permission

PROFORMA = Series.PROFORMA.value
STORNO = Series.STORNO.value
EXTERNAL = "X"  # numbered elsewhere, stored as it came


@dataclass(frozen=True)
class LineDraft:
    """One item to be put on a document, amounts in minor units.

    Args:
        net: of the whole line, whatever its quantity, after the discount.
        tax_bp: the product's rate.
        discount: what was taken off; ``discount_bp``: the same as a share, where it was agreed as one.
    """

    description: str
    net: int
    tax_bp: int = 2000
    service_id: int | None = None
    quantity: int = 1
    discount: int = 0
    discount_bp: int | None = None


def today() -> date:
    """Return the day documents are dated with now."""
    return clock.local_date(clock.now(), settings().zone)


def issue_proforma(
    actor: Actor,
    customer: Customer,
    drafts: Sequence[LineDraft],
    *,
    currency: str | None = None,
    due_on: date | None = None,
    note: str = "",
    source_id: int | None = None,
) -> Proforma:
    """Issue a pro-forma to ``customer``.

    Args:
        due_on: the issuer's term from today when not given.
        note: to the buyer, below the lines.
        source_id: the document that it replaces.

    Raises:
        Invalid: no lines, an unknown currency, a due date in the past.
        Conflict: a line's service belongs to another customer.
    """
    actor.require(Permission.ISSUE_DOCUMENTS)
    currency = currency or customer.currency
    due_on = due_on or today() + timedelta(days=settings().issuer.terms_days)
    if not drafts or currency not in CURRENCIES or any(draft.net < 0 or draft.quantity < 1 for draft in drafts):
        raise Invalid(lazy_gettext("A pro-forma needs at least one line with an amount in a supported currency."))
    if due_on < today():
        raise Invalid(lazy_gettext("The due date is in the past."))
    _check_owner(customer, {draft.service_id for draft in drafts if draft.service_id is not None})
    document = draft_document(customer, drafts, currency=currency, due_on=due_on, note=note, source_id=source_id)
    number_documents([document])
    record(
        actor,
        "proforma.issued",
        document.number,
        customer_id=customer.id,
        total=document.total,
        currency=currency,
    )
    return document


def _check_owner(customer: Customer, service_ids: set[int]) -> None:
    """Hold the lines' services still: one that is just moving away gets no document here."""
    query = select(Service).where(Service.id.in_(service_ids)).order_by(Service.id).with_for_update(read=True)
    owners = {service.customer_id for service in db.session.scalars(query.execution_options(populate_existing=True))}
    if owners - {customer.id}:
        raise Conflict(lazy_gettext("A service on this document belongs to another customer."))


def draft_document(
    customer: Customer,
    drafts: Sequence[LineDraft],
    *,
    currency: str,
    due_on: date,
    note: str = "",
    source_id: int | None = None,
) -> Proforma:
    """Work out a document without its number, dated now and taxed as its buyer is. Not yet in the session."""
    rule = rule_for(customer.tax_status, issuer_in_vat_system=settings().issuer.in_vat_system)
    lines = [
        ProformaLine(
            position=position,
            service_id=draft.service_id,
            description=draft.description,
            quantity=draft.quantity,
            net=draft.net,
            discount=draft.discount,
            discount_bp=draft.discount_bp,
            tax_bp=draft.tax_bp,
            tax=rule.on(draft.net, draft.tax_bp),
            total=draft.net + rule.on(draft.net, draft.tax_bp),
        )
        for position, draft in enumerate(drafts, start=1)
    ]
    return compose_document(
        customer, lines, currency=currency, due_on=due_on, tax_note=rule.note, note=note, source_id=source_id
    )


def compose_document(
    customer: Customer,
    lines: Sequence[ProformaLine],
    *,
    currency: str,
    due_on: date,
    tax_note: str | None,
    note: str = "",
    source_id: int | None = None,
    migration_id: int | None = None,
) -> Proforma:
    """Put finished lines on a document without its number, dated now. Their PDV is not worked out again."""
    return Proforma(
        series=PROFORMA,
        issued_on=today(),
        issued_at=clock.now(),
        buyer=customer.buyer(),
        issuer=settings().issuer.snapshot(currency),
        currency=currency,
        net=sum(line.net for line in lines),
        tax=sum(line.tax for line in lines),
        total=sum(line.total for line in lines),
        customer_id=customer.id,
        due_on=due_on,
        tax_note=tax_note,
        language=customer.language,
        note=note,
        source_id=source_id,
        migration_id=migration_id,
        lines=list(lines),
    )


def number_documents(documents: Sequence[Proforma]) -> None:
    """Give ``documents`` their numbers in this order and store them. Call after every other lock."""
    year = today().year
    session = db.session()
    for document, sequence in zip(documents, _take_numbers(session, PROFORMA, year, len(documents)), strict=True):
        document.year, document.sequence = year, sequence
        document.number = document_number(PROFORMA, year, sequence)
        document.reference = payment_reference(year, sequence)
        session.add(document)
    session.flush()
    PROFORMA_SEARCH.put_new(session, [(document.id, document.searchable()) for document in documents])


def cancel_proforma(actor: Actor, proforma: Proforma, reason: str) -> Storno:
    """Cancel one pro-forma by a storno of today.

    Raises:
        Invalid: no reason given.
        Conflict: it is paid, in whole or part, or cancelled already.
    """
    actor.require(Permission.ISSUE_DOCUMENTS)
    reason = one_line(reason)
    if not reason:
        raise Invalid(lazy_gettext("Enter the reason for the cancellation."))
    lock_proformas([proforma.id])
    if proforma.status is not ProformaStatus.OPEN:
        raise Conflict(lazy_gettext("Only a pro-forma that is neither paid nor cancelled can be cancelled."))
    (storno,) = cancel_documents([proforma], reason)
    record(
        actor,
        "proforma.cancelled",
        proforma.number,
        customer_id=proforma.customer_id,
        about=owner_of(proforma.customer_id),
        personal={"reason": storno.reason},
        storno=storno.number,
    )
    return storno


def cancel_documents(proformas: Sequence[Proforma], reason: str, migration_id: int | None = None) -> list[Storno]:
    """Cancel locked, active pro-formas in this order. Call after every other lock but the numbers'."""
    year = today().year
    session = db.session()
    stornos = []
    for proforma, sequence in zip(proformas, _take_numbers(session, STORNO, year, len(proformas)), strict=True):
        proforma.status = ProformaStatus.CANCELLED
        storno = Storno(
            number=document_number(STORNO, year, sequence),
            series=STORNO,
            year=year,
            sequence=sequence,
            issued_on=today(),
            issued_at=clock.now(),
            buyer=proforma.buyer,
            issuer=proforma.issuer,
            currency=proforma.currency,
            net=-proforma.net,
            tax=-proforma.tax,
            total=-proforma.total,
            proforma_id=proforma.id,
            customer_id=proforma.customer_id,
            reason=reason,
            migration_id=migration_id,
        )
        stornos.append(storno)
    session.add_all(stornos)
    return stornos


def lock_proformas(ids: Sequence[int]) -> list[Proforma]:
    """Lock pro-formas in the order of their ids and read them afresh."""
    query = select(Proforma).where(Proforma.id.in_(ids)).order_by(Proforma.id).with_for_update(of=Proforma)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def record_payment(actor: Actor, proforma: Proforma, amount: int) -> None:
    """Note that ``amount`` (minor units) was paid on ``proforma``.

    Raises:
        Invalid: nothing, or more than is open.
        Conflict: the document is paid or cancelled.
    """
    actor.require(Permission.ISSUE_DOCUMENTS)
    lock_proformas([proforma.id])
    if proforma.status not in ACTIVE_STATUSES:
        raise Conflict(lazy_gettext("This pro-forma is already paid or cancelled."))
    if not 0 < amount <= proforma.total - proforma.paid:
        raise Invalid(lazy_gettext("The amount does not match what is outstanding on this pro-forma."))
    proforma.paid += amount
    proforma.status = ProformaStatus.PAID if proforma.paid == proforma.total else ProformaStatus.PART_PAID
    record(actor, "proforma.paid", proforma.number, customer_id=proforma.customer_id, amount=amount)


def _take_numbers(session: Session, series: str, year: int, count: int) -> list[int]:
    """Take the next ``count`` numbers, without gap or duplicate. Call after every other lock of the transaction.

    One row a series and year is the lock: the transaction that holds it numbers until commit, and a rollback gives the
    numbers back. (A PostgreSQL sequence would leave gaps.)
    """
    if count == 0:
        return []
    advance = (
        update(NumberSeries)
        .where(NumberSeries.series == series, NumberSeries.year == year)
        .values(last=NumberSeries.last + count)
        .returning(NumberSeries.last)
    )
    last = session.scalar(advance)
    if last is None:  # the first of its year; another may be beginning it too
        insert = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(NumberSeries)
        session.execute(insert.values(series=series, year=year, last=0).on_conflict_do_nothing())
        last = session.scalars(advance).one()
    return list(range(last - count + 1, last + 1))


def document_number(series: str, year: int, sequence: int) -> str:
    """Return the number as printed: ``PR-2026-004512``."""
    return f"{series}-{year}-{sequence:06d}"


def payment_reference(year: int, sequence: int) -> str:
    """Return the model 97 reference of a document: two check digits, then year and number.

    Check = 98 − (N × 100 mod 97), letters as A=10 … Z=35 (ISO 7064 MOD 97-10,
    Narodna banka Srbije, model 97). At most 20 digits.
    """
    return with_check_digits(f"{year}{sequence:06d}")


def with_check_digits(body: str) -> str:
    """Put the model 97 check digits in front of ``body``."""
    digits = "".join(str(int(char, 36)) for char in body.upper() if char.isalnum())
    return f"{98 - int(digits) * 100 % 97:02d}{body}"
