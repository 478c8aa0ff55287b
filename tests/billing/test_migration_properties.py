"""Over random documents: what was open before is open after, line by line and per currency.

Net and rate always; PDV, total and note of what stays, and of what moves to a buyer of the same tax status.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.billing import migration as migrate
from console.billing.migration.plan import Plan
from console.billing.models import ACTIVE_STATUSES, NumberSeries, Proforma, ProformaLine, ProformaStatus, Storno
from console.billing.service import EXTERNAL
from console.core.db import db
from console.core.money import share
from console.core.transaction import transaction
from console.customers.models import Customer, TaxStatus
from console.hosting.models import Service
from console.imports.bulk import NewLine, NewProforma, insert_proformas
from tests import factories
from tests.factories import LineSpec
from tests.factories.migrations import Move, make_move

pytestmark = pytest.mark.both


@dataclass(frozen=True)
class DocumentCase:
    lines: tuple[tuple[int | None, int, int, int], ...]  # service index or none, net, rate, para off the rule's PDV
    note: str | None  # as it came from elsewhere; then it is not taxed
    imported: bool
    currency: str
    due_in_days: int
    fate: str  # open, paid, cancelled


@dataclass(frozen=True)
class Case:
    statuses: tuple[TaxStatus, TaxStatus]
    moving: frozenset[int]
    documents: tuple[DocumentCase, ...]


SERVICES = 4
lines = st.tuples(
    st.one_of(st.none(), st.integers(0, SERVICES - 1)),
    st.integers(1, 10**10),
    st.sampled_from([2000, 1000, 0]),
    st.integers(-1, 1),
)
documents = st.builds(
    DocumentCase,
    lines=st.lists(lines, min_size=1, max_size=5).map(tuple),
    note=st.sampled_from([None, None, "exempt", "outside"]),
    imported=st.booleans(),
    currency=st.sampled_from(["RSD", "EUR"]),
    due_in_days=st.integers(0, 30),
    fate=st.sampled_from(["open", "open", "open", "paid", "cancelled"]),
)
cases = st.builds(
    Case,
    statuses=st.tuples(st.sampled_from(TaxStatus), st.sampled_from(TaxStatus)),
    moving=st.frozensets(st.integers(0, SERVICES - 1), min_size=1),
    documents=st.lists(documents, max_size=5).map(tuple),
)

Fact = tuple[str, int | None, str, int, int, int]
Charge = tuple[str, str, int, int, int, int, str | None]


def active(session: Session, customers: list[int]) -> list[tuple[Proforma, ProformaLine]]:
    """Return every active line of the accounts with its document."""
    query = (
        select(Proforma, ProformaLine)
        .join(ProformaLine)
        .where(Proforma.customer_id.in_(customers), Proforma.status.in_(ACTIVE_STATUSES))
    )
    return [(document, line) for document, line in session.execute(query)]


def active_lines(session: Session, customers: list[int]) -> Counter[Fact]:
    """Every active line: currency, service, text, net, rate, quantity."""
    return Counter(
        (document.currency, line.service_id, line.description, line.net, line.tax_bp, line.quantity)
        for document, line in active(session, customers)
    )


def charges(session: Session, customers: list[int]) -> dict[str, Charge]:
    """What each active line is charged, by its text, which is its own."""
    return {
        line.description: (
            document.currency, document.buyer["tax_status"], line.net, line.tax_bp, line.tax, line.total,
            document.tax_note,
        )
        for document, line in active(session, customers)
    }  # fmt: skip


def build(case: Case) -> tuple[Customer, Customer, list[Service], list[Proforma]]:
    old = factories.make_customer(tax_status=case.statuses[0])
    new = factories.make_customer(tax_status=case.statuses[1])
    services = [factories.make_service(old) for _ in range(SERVICES)]
    made = []
    for number, document in enumerate(case.documents):
        specs = [
            LineSpec(None if index is None else services[index], net, rate, description=f"Stavka {number}.{place}")
            for place, (index, net, rate, _off) in enumerate(document.lines)
        ]
        if document.imported and document.fate == "open":
            made.append(imported(old, document, specs, f"{old.number}/{number}"))
            continue
        made.append(
            factories.make_proforma(
                old,
                specs,
                issued_days_ago=10,
                due_in_days=document.due_in_days,
                currency=document.currency,
                paid=-1 if document.fate == "paid" else 0,
                cancelled=document.fate == "cancelled",
            )
        )
    return old, new, services, made


def imported(old: Customer, document: DocumentCase, specs: Sequence[LineSpec], number: str) -> Proforma:
    """Store a document from another system: its PDV is what it says, not what our rule would make of it."""
    taxes = [
        0 if document.note else max(0, share(spec.net, spec.tax_bp) + off)
        for spec, (_index, _net, _rate, off) in zip(specs, document.lines, strict=True)
    ]
    row = NewProforma(
        number=number,
        customer_id=old.id,
        buyer=old.buyer(),
        issued_on=factories.today() - timedelta(days=10),
        due_on=factories.today() - timedelta(days=10 - document.due_in_days),
        currency=document.currency,
        language="sr",
        reference=number,
        lines=tuple(
            NewLine(spec.description, spec.net, spec.tax_bp, tax, service_id=spec.service.id if spec.service else None)
            for spec, tax in zip(specs, taxes, strict=True)
        ),
        tax_note=document.note,
    )
    with transaction() as database:
        (key,) = insert_proformas(database, [row])
    return db.session.get_one(Proforma, key)


@pytest.mark.usefixtures("session")
def test_random_migrations_conserve_everything(app: Flask, session: Session, proof: Callable[[str], None]) -> None:
    counts = Counter[str]()

    @given(case=cases)
    def run(case: Case) -> None:
        old, new, services, made = build(case)
        moving = [services[index] for index in sorted(case.moving)]
        others_before = {document.id: document.status for document in made}
        parties = [old.id, new.id]
        before, charged = active_lines(session, parties), charges(session, parties)
        move = make_move(old, new, moving).to_approved()
        plan = migrate.plan_for(move.migration())
        answer = move.execute(digest=plan.digest)
        session.expire_all()

        assert active_lines(session, parties) == before
        changed = check_charges(session, move, charged, plan)
        check_owners(session, move.old.id, move.new.id, {service.id for service in moving})
        check_cancelled_once(session, made, others_before, {service.id for service in moving})
        check_as_previewed(session, plan, answer)
        check_sums(session, old, new)
        check_numbers(session)
        check_moved_back(session, move, moving, charged)
        counts.update(migrations=1, documents=len(made), cancelled=len(answer["cancelled"]), changed=changed)

    run()
    proof(
        f"{counts['migrations']} random migrations over {counts['documents']} documents, "
        f"{counts['cancelled']} cancelled and made again: net, PDV, total, rate, note and currency conserved line "
        f"by line, but for {counts['changed']} lines whose new buyer is taxed otherwise, each of them previewed; "
        "all of it as it was when moved back"
    )


def check_charges(session: Session, move: Move, before: dict[str, Charge], plan: Plan) -> int:
    """Only a line that moved to a buyer of another tax status may cost otherwise, as the preview said."""
    after = charges(session, [move.old.id, move.new.id])
    assert after.keys() == before.keys()
    moved = {line.description for _document, line in active(session, [move.new.id])}
    status = move.new.buyer()["tax_status"]
    announced = {change.after.description: change for change in plan.tax_changes}
    for text, (currency, was, net, rate, tax, total, note) in before.items():
        now = after[text]
        assert (now[0], now[2], now[3], now[5]) == (currency, net, rate, net + now[4])
        if text not in moved or was == status:
            assert (now[4], now[5], now[6]) == (tax, total, note), "a line that keeps its buyer's status was changed"
        else:
            assert now[4] == (share(net, rate) if status == "domestic" else 0)
            assert now[6] == {"domestic": None}.get(status, status)
        change = announced.get(text)
        assert ((tax, note) != (now[4], now[6])) == (change is not None), "the preview names just what changes"
        if change is not None:
            assert (change.before.tax, change.after.tax, change.note_before, change.note_after) == (
                tax, now[4], note, now[6],
            )  # fmt: skip
    return len(announced)


def check_moved_back(session: Session, move: Move, moving: Sequence[Service], before: dict[str, Charge]) -> None:
    """The reversal, a migration of its own, gives the old owner every line as it was, to the para."""
    back = make_move(move.new, move.old, moving).to_approved()
    back.execute()
    session.expire_all()
    assert charges(session, [move.old.id]) == before


def check_owners(session: Session, old: int, new: int, moved: set[int]) -> None:
    """No active line of a moved service is left with the old owner, and none but theirs came along."""
    query = (
        select(Proforma.customer_id, ProformaLine.service_id)
        .join(ProformaLine)
        .where(Proforma.customer_id.in_([old, new]), Proforma.status.in_(ACTIVE_STATUSES))
    )
    for customer_id, service_id in session.execute(query):
        assert (customer_id == new) == (service_id in moved)


def check_cancelled_once(
    session: Session, made: list[Proforma], before: dict[int, ProformaStatus], moved: set[int]
) -> None:
    for document in made:
        touched = before[document.id] is ProformaStatus.OPEN and any(
            line.service_id in moved for line in document.lines
        )
        stornos = list(session.scalars(select(Storno).where(Storno.proforma_id == document.id)))
        if touched:
            assert document.status is ProformaStatus.CANCELLED
            (storno,) = stornos
            assert (storno.net, storno.tax, storno.total) == (-document.net, -document.tax, -document.total)
        else:
            assert document.status is before[document.id]
            assert len(stornos) == (before[document.id] is ProformaStatus.CANCELLED)


def check_as_previewed(session: Session, plan: Plan, answer: dict[str, list[dict[str, object]]]) -> None:
    """Document by document: what was shown is what was made."""
    assert all(sums.conserved for sums in plan.sums())
    assert [row["number"] for row in answer["cancelled"]] == [step.cancel.number for step in plan.steps]
    planned = [issue for step in plan.steps for issue in step.issue]
    made = [session.scalars(select(Proforma).where(Proforma.number == row["number"])).one() for row in answer["issued"]]
    assert len(planned) == len(made)
    for issue, document in zip(planned, made, strict=True):
        assert document.number.startswith(f"{issue.series}-")
        assert (document.customer_id, document.currency, document.due_on, document.tax_note) == (
            issue.customer_id,
            issue.currency,
            issue.due_on,
            issue.tax_note,
        )
        assert (document.net, document.tax, document.total) == (issue.net, issue.tax, issue.total)
        assert [
            (line.position, line.service_id, line.description, line.net, line.tax, line.total, line.source_line_id)
            for line in document.lines
        ] == [
            (line.position, line.service_id, line.description, line.net, line.tax, line.total, line.id)
            for line in issue.lines
        ]


def check_sums(session: Session, *customers: Customer) -> None:
    """Totals are sums of lines."""
    for customer in customers:
        for document in session.scalars(select(Proforma).where(Proforma.customer_id == customer.id)):
            for line in document.lines:
                assert line.total == line.net + line.tax
            assert document.total == sum(line.total for line in document.lines)
            assert (document.net, document.tax) == (
                sum(line.net for line in document.lines),
                sum(line.tax for line in document.lines),
            )


def check_numbers(session: Session) -> None:
    """In each series and year: 1, 2, 3 … up to the counter, nothing missing, nothing twice."""
    for kind in (Proforma, Storno):
        taken: dict[tuple[str, int], list[int]] = {}
        ours = select(kind.series, kind.year, kind.sequence).where(kind.series != EXTERNAL)
        for series, year, sequence in session.execute(ours):
            taken.setdefault((series, year), []).append(sequence or 0)
        for (series, year), sequences in taken.items():
            assert sorted(sequences) == list(range(1, len(sequences) + 1))
            counter = session.get_one(NumberSeries, (series, year))
            assert counter.last == len(sequences)
