"""Issuing, numbering and cancelling pro-formas. An issued document is never edited or deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from sqlalchemy import Integer, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from console.audit.service import record
from console.billing.ledger.models import Account, EntryKind
from console.billing.ledger.service import Draft, Posting, post_many
from console.billing.locks import lock_customers, lock_proformas, lock_services
from console.billing.models import (
    ACTIVE_STATUSES,
    PROFORMA_SEARCH,
    BilledPeriod,
    NumberSeries,
    Proforma,
    ProformaLine,
    ProformaStatus,
    Storno,
)
from console.billing.periods import Period
from console.billing.references import payment_reference
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
        period: the days of the service that it bills: paying renews it. Without one it renews nothing.
        discount: what was taken off; ``discount_bp``: the same as a share, where it was agreed as one.
    """

    description: str
    net: int
    tax_bp: int = 2000
    service_id: int | None = None
    quantity: int = 1
    period: Period | None = None
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
        Conflict: a line's service belongs to another customer; ``billed``: another document bills a period already.
    """
    actor.require(Permission.ISSUE_DOCUMENTS)
    currency = currency or customer.currency
    due_on = due_on or today() + timedelta(days=settings().issuer.terms_days)
    if not drafts or currency not in CURRENCIES or any(draft.net < 0 or draft.quantity < 1 for draft in drafts):
        raise Invalid(lazy_gettext("A pro-forma needs at least one line with an amount in a supported currency."))
    if due_on < today():
        raise Invalid(lazy_gettext("The due date is in the past."))
    services = _check_owner(customer, {draft.service_id for draft in drafts if draft.service_id is not None})
    _check_periods(services, drafts)
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


def _check_owner(customer: Customer, service_ids: set[int]) -> list[Service]:
    """Hold the lines' services still: one that is just moving away gets no document here."""
    services = lock_services(service_ids)
    if {service.customer_id for service in services} - {customer.id}:
        raise Conflict(lazy_gettext("A service on this document belongs to another customer."))
    return services


def _check_periods(services: Sequence[Service], drafts: Sequence[LineDraft]) -> None:
    if any(draft.period is not None and draft.service_id is None for draft in drafts):
        raise Invalid(lazy_gettext("A line with a period needs a service."))
    periods = [(draft.service_id, draft.period) for draft in drafts if draft.service_id and draft.period]
    _check_free(services, periods)


def _check_free(services: Collection[Service], periods: Iterable[tuple[int, Period]]) -> None:
    """Refuse periods that cannot be billed. The services are locked.

    Raises:
        Invalid: one ends before it begins.
        Conflict: ``billed``: a document bills some of its days already.
    """
    by_service: dict[int, list[Period]] = {service.id: [] for service in services}
    for service_id, period in periods:
        if period.ends_on < period.starts_on:
            raise Invalid(lazy_gettext("The period ends before it begins."))
        by_service[service_id].append(period)
    known = select(BilledPeriod).where(BilledPeriod.service_id.in_([key for key, own in by_service.items() if own]))
    for row in db.session.scalars(known) if any(by_service.values()) else ():
        if any(_overlap(period, Period(row.starts_on, row.ends_on)) for period in by_service[row.service_id]):
            raise _billed(services, row.service_id)
    for service_id, own in by_service.items():
        own.sort(key=lambda period: period.starts_on)
        if any(_overlap(one, other) for one, other in pairwise(own)):
            raise _billed(services, service_id)


def _overlap(one: Period, other: Period) -> bool:
    return one.starts_on <= other.ends_on and other.starts_on <= one.ends_on


def _billed(services: Collection[Service], service_id: int) -> Conflict:
    number = next(service.number for service in services if service.id == service_id)
    return Conflict(
        lazy_gettext("This period of a service is already on another pro-forma."),
        code="billed",
        details={"concerns": [number]},
    )


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
            period_from=draft.period.starts_on if draft.period else None,
            period_to=draft.period.ends_on if draft.period else None,
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
    _bill_periods(documents)
    PROFORMA_SEARCH.put_new(session, [(document.id, document.searchable()) for document in documents])


def cancel_proforma(actor: Actor, proforma: Proforma, reason: str) -> Storno:
    """Cancel one pro-forma by a storno of today. What was paid on it goes to its customer's credit.

    Raises:
        Invalid: no reason given.
        Conflict: it is paid in full, or cancelled already.
    """
    actor.require(Permission.ISSUE_DOCUMENTS)
    reason = one_line(reason)
    if not reason:
        raise Invalid(lazy_gettext("Enter the reason for the cancellation."))
    lock_customers([proforma.customer_id])
    lock_proformas([proforma.id])
    if proforma.status not in ACTIVE_STATUSES:
        raise Conflict(lazy_gettext("Only a pro-forma that is neither paid in full nor cancelled can be cancelled."))
    (storno,) = cancel_documents(actor, [proforma], reason)
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


def cancel_documents(
    actor: Actor, proformas: Sequence[Proforma], reason: str, migration_id: int | None = None
) -> list[Storno]:
    """Cancel locked, active pro-formas in this order. Call after every other lock but the numbers'.

    What was paid on them goes to their customers' credit, so the caller holds these too; its entries check who may.

    Args:
        migration_id: the migration that cancels them, which the ledger cites as the reason.
    """
    _release_to_credit(actor, proformas, "" if migration_id else reason, migration_id)
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
    _release_periods(proformas)
    return stornos


def _release_to_credit(actor: Actor, proformas: Sequence[Proforma], reason: str, migration_id: int | None) -> None:
    drafts = []
    for document in proformas:
        amount = document.paid
        if not amount:
            continue
        postings = (
            Posting(Account.DOCUMENT, document.currency, amount, document.customer_id, document.id),
            Posting(Account.CREDIT, document.currency, -amount, document.customer_id),
        )
        drafts.append(Draft(EntryKind.RELEASED, postings, reason=reason, migration_id=migration_id))
        document.paid = 0
        record(
            actor,
            "credit.released",
            document.number,
            customer_id=document.customer_id,
            amount=amount,
            currency=document.currency,
        )
    db.session.flush()
    post_many(actor, drafts)


def _bill_periods(documents: Sequence[Proforma]) -> None:
    """Record which periods the lines of numbered documents bill; a unique row keeps others from billing them too."""
    rows = [
        {
            "service_id": line.service_id,
            "starts_on": line.period_from,
            "ends_on": line.period_to,
            "proforma_line_id": line.id,
        }
        for document in documents
        for line in document.lines
        if line.period_from is not None and line.service_id is not None
    ]
    if rows:
        db.session.execute(insert(BilledPeriod), rows)


def _release_periods(documents: Sequence[Proforma]) -> None:
    """Let the unpaid periods of cancelled documents be billed again; a migration does so in the same transaction."""
    if not any(line.period_from is not None for document in documents for line in document.lines):
        return
    of_documents = select(ProformaLine.id).where(ProformaLine.proforma_id.in_([document.id for document in documents]))
    db.session.execute(
        delete(BilledPeriod)
        .where(BilledPeriod.proforma_line_id.in_(of_documents), BilledPeriod.paid_at.is_(None))
        .execution_options(synchronize_session=False)
    )


# Built once, as every document is numbered by it; no one has its row as an object. Nothing waits to be flushed that it
# reads: stornos are written together with the documents that come after them.
_ADVANCE = (
    update(NumberSeries)
    .where(NumberSeries.series == bindparam("of_series"), NumberSeries.year == bindparam("of_year"))
    .values(last=NumberSeries.last + bindparam("count", type_=Integer()))
    .returning(NumberSeries.last)
    .execution_options(synchronize_session=False, autoflush=False)
)


def _take_numbers(session: Session, series: str, year: int, count: int) -> list[int]:
    """Take the next ``count`` numbers, without gap or duplicate. Call after every other lock of the transaction.

    One row a series and year is the lock: the transaction that holds it numbers until commit, and a rollback gives the
    numbers back. (A PostgreSQL sequence would leave gaps.)
    """
    if count == 0:
        return []
    values = {"of_series": series, "of_year": year, "count": count}
    last = session.scalar(_ADVANCE, values)
    if last is None:  # the first of its year; another may be beginning it too
        first = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(NumberSeries)
        session.execute(first.values(series=series, year=year, last=0).on_conflict_do_nothing())
        last = session.scalars(_ADVANCE, values).one()
    return list(range(last - count + 1, last + 1))


def document_number(series: str, year: int, sequence: int) -> str:
    """Return the number as printed: ``PR-2026-004512``."""
    return f"{series}-{year}-{sequence:06d}"
