"""Creating duties in the transaction that writes the ledger: due for money received, withdrawn or corrected if undone.

Whatever moves money writes the ledger, so no way of paying can forget its duties, and one entry makes each kind once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import and_, func, insert, or_, select

from console.billing.duties.models import Duty, DutyState
from console.billing.duties.rules import HOME, Due, DutyKind, PaymentFacts, correction_of, duties_of
from console.billing.ledger.models import Account, EntryKind, LedgerEntry, LedgerPosting
from console.billing.ledger.service import Draft, on_entries
from console.billing.models import Proforma, ProformaLine, ProformaStatus
from console.billing.payments.models import Payment
from console.billing.tax import rule_for
from console.core import clock
from console.core.actor import Actor
from console.core.context import settings
from console.core.db import db
from console.customers.models import Customer, CustomerKind
from console.hours.holidays import PublicHolidays

HOLIDAYS = PublicHolidays()
PAID = (EntryKind.RECEIVED, EntryKind.MATCHED, EntryKind.CREDITED, EntryKind.CREDIT_USED)
ADVANCES = (DutyKind.ADVANCE_INVOICE, DutyKind.ADVANCE_RECEIPT)
FINAL = (DutyKind.FINAL_INVOICE, DutyKind.FINAL_RECEIPT, DutyKind.ADVANCE_REFUND)
_CHUNK = 5_000
Entry = tuple[int, Draft]


def make_duties(_actor: Actor, entries: Sequence[Entry]) -> None:
    """Store the duties that these entries make due, and withdraw or correct those they undo."""
    issuer = settings().issuer
    for _key, draft in entries:
        if draft.kind is EntryKind.UNDONE and draft.reverses_id is not None:
            _undo(_key, draft)
        elif draft.kind is EntryKind.RELEASED and not settings().duties.credit_advance:
            _release(_key, draft)
    if issuer.country != HOME or not settings().duties.enabled:
        return
    money = [_Money.of(key, draft) for key, draft in entries if draft.kind in PAID]
    if settings().duties.credit_advance:
        money += _advanced_again([(key, draft) for key, draft in entries if draft.kind is EntryKind.RELEASED])
    rows = list(_due_rows([one for one in money if one is not None]))
    rows += [row for key, draft in entries if draft.kind is EntryKind.REFUNDED for row in _sent_back(key, draft)]
    if rows:
        db.session.execute(insert(Duty).execution_options(render_nulls=True), rows)


@dataclass(frozen=True)
class _Money:
    """Where an entry put an amount: on a document, and what was over, or all, on credit."""

    entry_id: int
    payment_id: int | None
    customer_id: int
    currency: str
    proforma_id: int | None
    on_document: int
    on_credit: int
    from_credit: bool

    @classmethod
    def of(cls, key: int, draft: Draft) -> _Money | None:
        """Read an entry; ``None`` where it makes nothing due yet."""
        documents = [one for one in draft.postings if one.account is Account.DOCUMENT and one.amount < 0]
        on_credit = [one for one in draft.postings if one.account is Account.CREDIT and one.amount < 0]
        parts = documents + on_credit
        if not parts or parts[0].customer_id is None:
            return None
        return cls(
            key,
            draft.payment_id,
            parts[0].customer_id,
            parts[0].currency,
            documents[0].proforma_id if documents else None,
            -sum(one.amount for one in documents),
            -sum(one.amount for one in on_credit),
            draft.kind is EntryKind.CREDIT_USED,
        )


@dataclass
class _Document:
    """What decides the duties of payments on a document; ``before``: what was paid when these entries began.

    Args:
        closed: what of ``before`` an issued Avans-Refundacija has taken back already.
    """

    company: bool
    taxed: bool
    total: int
    whole: bool
    before: int
    closed: int = 0
    periods: list[tuple[date, date]] = field(default_factory=list)


def _due_rows(money: Sequence[_Money]) -> Iterator[dict[str, Any]]:
    documents, days = _documents(money), _payment_days(money)
    buyers = _buyers([one for one in money if one.proforma_id is None or one.on_credit])
    left = Counter(one.proforma_id for one in money if one.proforma_id is not None)
    for one in money:
        paid_on = days.get(one.payment_id or 0) or clock.local_date(clock.now(), settings().zone)
        for due in _dues(one, paid_on, documents, buyers, left):
            yield _row(due, one.entry_id, one.payment_id, one.proforma_id, one.customer_id, one.currency)


def _dues(
    one: _Money,
    paid_on: date,
    documents: Mapping[int, _Document],
    buyers: Mapping[int, tuple[bool, bool]],
    left: Counter[int],
) -> list[Due]:
    rules = settings().duties
    if one.proforma_id is None:
        company, taxed = buyers[one.customer_id]
        facts = PaymentFacts(paid_on, one.on_credit, company, taxed, completes=False, for_document=False)
        return duties_of(facts, rules, HOLIDAYS)
    document = documents[one.proforma_id]
    left[one.proforma_id] -= 1
    over = one.on_credit if rules.credit_advance else 0
    advanced = one.from_credit and rules.credit_advance  # its advance was due when it came
    facts = PaymentFacts(
        paid_on,
        one.on_document + over,
        document.company,
        document.taxed,
        completes=document.whole and left[one.proforma_id] == 0,
        total=document.total,
        periods=document.periods,
        has_earlier=document.before > 0 or advanced,
    )
    document.before += one.on_document
    found = [
        replace(due, amount=due.amount - document.closed) if due.kind is DutyKind.ADVANCE_REFUND else due
        for due in duties_of(facts, rules, HOLIDAYS)
    ]
    if advanced:
        return [due for due in found if due.kind not in ADVANCES]
    if over and not any(due.kind in ADVANCES for due in found):  # delivered by then; what was paid over is not
        facts = PaymentFacts(paid_on, over, document.company, document.taxed, completes=False, for_document=False)
        found += duties_of(facts, rules, HOLIDAYS)
    return found


def _documents(money: Sequence[_Money]) -> dict[int, _Document]:
    ids = sorted({one.proforma_id for one in money if one.proforma_id is not None})
    amounts: Counter[int | None] = Counter()
    for one in money:
        amounts[one.proforma_id] += one.on_document
    found: dict[int, _Document] = {}
    kind: Any = Proforma.buyer["kind"].as_string()
    for chunk in _chunks(ids):
        query = select(
            Proforma.id, kind.label("kind"), Proforma.tax_note, Proforma.total, Proforma.status, Proforma.paid
        )
        for row in db.session.execute(query.where(Proforma.id.in_(chunk))):
            found[row.id] = _Document(
                row.kind == CustomerKind.COMPANY.value,
                row.tax_note is None,
                row.total,
                row.status is ProformaStatus.PAID,
                row.paid - amounts[row.id],
            )
        paid_before = [key for key in chunk if found[key].whole and found[key].before]
        for key, amount in _closed_of_paid(paid_before).items():
            found[key].closed = amount
        lines = select(ProformaLine.proforma_id, ProformaLine.period_from, ProformaLine.period_to)
        billed = lines.where(ProformaLine.proforma_id.in_(chunk), ProformaLine.period_from.is_not(None))
        for row in db.session.execute(billed):
            found[row.proforma_id].periods.append((row.period_from, row.period_to))
    return found


def _payment_days(money: Sequence[_Money]) -> dict[int, date]:
    ids = sorted({one.payment_id for one in money if one.payment_id is not None})
    found: dict[int, date] = {}
    for chunk in _chunks(ids):
        found |= dict(db.session.execute(select(Payment.id, Payment.paid_on).where(Payment.id.in_(chunk))).all())
    return found


def _buyers(money: Sequence[_Money]) -> dict[int, tuple[bool, bool]]:
    """Return of accounts whether each is a company, and whether it is charged PDV."""
    in_vat_system = settings().issuer.in_vat_system
    found: dict[int, tuple[bool, bool]] = {}
    for chunk in _chunks(sorted({one.customer_id for one in money})):
        query = select(Customer.id, Customer.kind, Customer.tax_status).where(Customer.id.in_(chunk))
        for key, kind, status in db.session.execute(query):
            taxed = rule_for(status, issuer_in_vat_system=in_vat_system).charged
            found[key] = kind is CustomerKind.COMPANY, taxed
    return found


def _sent_back(key: int, draft: Draft) -> Iterator[dict[str, Any]]:
    """Yield what is due where credit goes back to its customer: its advance is corrected."""
    for one in draft.postings:
        if one.account is not Account.CREDIT or one.amount <= 0 or one.customer_id is None:
            continue
        customer = db.session.get_one(Customer, one.customer_id)
        company = customer.kind is CustomerKind.COMPANY
        rules = settings().duties
        taxed = rule_for(customer.tax_status, issuer_in_vat_system=settings().issuer.in_vat_system).charged
        if not rules.credit_advance or (company and not taxed and not rules.untaxed_advance):
            continue
        issued = DutyKind.ADVANCE_INVOICE if company else DutyKind.ADVANCE_RECEIPT
        due = correction_of(issued, one.amount, _today(), rules, HOLIDAYS)
        if due is not None:
            yield _row(due, key, None, None, customer.id, one.currency)


def _advanced_again(released: Sequence[Entry]) -> Iterator[_Money]:
    """Yield what goes from cancelled documents to credit though its advance was closed: there it is one again."""
    closed = _closed_of_paid(
        [one.proforma_id for _key, draft in released for one in draft.postings if one.proforma_id is not None]
    )
    for key, draft in released:
        amount = sum(closed.get(one.proforma_id or 0, 0) for one in draft.postings)
        money = _Money.of(key, draft)
        if money is not None and amount:
            yield replace(money, on_credit=amount)


def _undo(key: int, draft: Draft) -> None:
    """Withdraw what is open of a payment that was undone; what was issued gets its correction."""
    documents = [one.proforma_id for one in draft.postings if one.proforma_id is not None]
    on_document = sum(one.amount for one in draft.postings if one.account is Account.DOCUMENT)
    of_entry = Duty.entry_id == draft.reverses_id
    # The document is no longer paid in full: what closes it is not due, whichever payment made it so.
    of_document = and_(Duty.proforma_id.in_(documents), Duty.kind.in_(FINAL), Duty.corrects_id.is_(None))
    query = select(Duty).where(Duty.void.is_(False), or_(of_entry, of_document) if documents else of_entry)
    duties = list(db.session.scalars(query.order_by(Duty.id).with_for_update(of=Duty)))
    closed = _closed(documents)
    for duty in duties:
        duty.void = True
        if duty.state is DutyState.OPEN:
            duty.state = DutyState.WITHDRAWN
        elif duty.state is DutyState.DONE and not _is_closed(duty, closed):
            _correct(key, duty)
        elif duty.state is DutyState.DONE and duty.amount > on_document:  # its refund closed no more than the document
            _correct(key, duty, duty.amount - on_document)
    db.session.flush()


def _release(key: int, draft: Draft) -> None:
    """Withdraw or correct the advances of a cancelled document where credit is none: they are due again when it pays.

    Else the same money would make an advance due twice, and one that is sent back would never be corrected.
    """
    documents = [one.proforma_id for one in draft.postings if one.proforma_id is not None]
    query = select(Duty).where(Duty.void.is_(False), Duty.proforma_id.in_(documents), Duty.kind.in_(ADVANCES))
    duties = list(db.session.scalars(query.order_by(Duty.id).with_for_update(of=Duty)))
    closed = _closed(documents)
    issued = []
    for duty in duties:
        duty.void = True
        if duty.state is DutyState.OPEN:
            duty.state = DutyState.WITHDRAWN
        elif duty.state is DutyState.DONE and not _is_closed(duty, closed):
            issued.append(duty)
    for kind in ADVANCES:  # one entry corrects each kind once: the sum of what was paid in parts
        of_kind = [duty for duty in issued if duty.kind is kind]
        if of_kind:
            _correct(key, of_kind[-1], sum(duty.amount for duty in of_kind))
    db.session.flush()


def _closed(documents: Sequence[int]) -> dict[int, int]:
    """Return of documents whose advances an issued Avans-Refundacija has closed the last entry that made one due.

    Also where its payment was undone since: what it took back stays taken back.
    """
    query = select(Duty.proforma_id, func.max(Duty.entry_id)).where(
        Duty.proforma_id.in_(documents),
        Duty.kind == DutyKind.ADVANCE_REFUND,
        Duty.state == DutyState.DONE,
        Duty.corrects_id.is_(None),
    )
    found = db.session.execute(query.group_by(Duty.proforma_id)) if documents else ()
    return {document: entry for document, entry in found if document is not None}


def _closed_of_paid(documents: Sequence[int]) -> dict[int, int]:
    """Return of documents how much of what is paid on them, or was when it was released, has been closed so."""
    closed = _closed(documents)
    found: Counter[int] = Counter()
    if closed:
        query = select(LedgerPosting.proforma_id, LedgerPosting.amount, LedgerEntry.id, LedgerEntry.reverses_id)
        query = query.join(LedgerEntry, LedgerEntry.id == LedgerPosting.entry_id)
        on_documents = LedgerPosting.account == Account.DOCUMENT
        for document, amount, entry, reverses in db.session.execute(
            query.where(LedgerPosting.proforma_id.in_(closed), on_documents)
        ):
            if document is not None and (reverses or entry) <= closed[document]:
                found[document] -= amount
    return {document: amount for document, amount in found.items() if amount}


def _is_closed(duty: Duty, closed: Mapping[int, int]) -> bool:
    """Return whether an advance was taken back when its document was paid in full; what was paid later was not."""
    if duty.kind is not DutyKind.ADVANCE_RECEIPT or duty.proforma_id is None:
        return False
    return duty.entry_id <= closed.get(duty.proforma_id, 0)


def _correct(key: int, duty: Duty, amount: int | None = None) -> None:
    due = correction_of(duty.kind, amount or duty.amount, _today(), settings().duties, HOLIDAYS)
    if due is None:
        return
    row = _row(due, key, duty.payment_id, duty.proforma_id, duty.customer_id, duty.currency)
    db.session.add(Duty(**row, corrects_id=duty.id))


def _row(
    due: Due, entry_id: int, payment_id: int | None, proforma_id: int | None, customer_id: int, currency: str
) -> dict[str, Any]:
    return {
        "kind": due.kind,
        "state": DutyState.OPEN,
        "entry_id": entry_id,
        "payment_id": payment_id,
        "proforma_id": proforma_id,
        "customer_id": customer_id,
        "currency": currency,
        "amount": due.amount,
        "dated_on": due.dated_on,
        "due_on": due.due_on,
    }


def _today() -> date:
    return clock.local_date(clock.now(), settings().zone)


def _chunks(keys: Sequence[int]) -> Iterable[Sequence[int]]:
    return (keys[start : start + _CHUNK] for start in range(0, len(keys), _CHUNK))


on_entries("duties", make_duties)
