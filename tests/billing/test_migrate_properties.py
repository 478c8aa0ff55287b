"""Over random documents: what was open before is open after, net, line by line and per currency."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.billing import migrate
from console.billing.migrate.plan import Plan
from console.billing.models import ACTIVE_STATUSES, NumberSeries, Proforma, ProformaLine, ProformaStatus, Storno
from console.core.money import share
from console.customers.models import Customer, TaxStatus
from console.hosting.models import Service
from tests import factories
from tests.billing.moves import make_move
from tests.factories import LineSpec


@dataclass(frozen=True)
class DocumentCase:
    lines: tuple[tuple[int | None, int, int], ...]  # service index or none, net, rate
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
)
documents = st.builds(
    DocumentCase,
    lines=st.lists(lines, min_size=1, max_size=5).map(tuple),
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


def active_lines(session: Session, customers: list[int]) -> Counter[Fact]:
    """Every active line of the accounts: currency, service, text, net, rate, quantity."""
    query = (
        select(Proforma.currency, ProformaLine)
        .join(ProformaLine)
        .where(Proforma.customer_id.in_(customers), Proforma.status.in_(ACTIVE_STATUSES))
    )
    return Counter(
        (currency, line.service_id, line.description, line.net, line.tax_bp, line.quantity)
        for currency, line in session.execute(query)
    )


def build(case: Case) -> tuple[Customer, Customer, list[Service], list[Proforma]]:
    old = factories.make_customer(tax_status=case.statuses[0])
    new = factories.make_customer(tax_status=case.statuses[1])
    services = [factories.make_service(old) for _ in range(SERVICES)]
    made = []
    for number, document in enumerate(case.documents):
        made.append(
            factories.make_proforma(
                old,
                [
                    LineSpec(
                        None if index is None else services[index], net, rate, description=f"Stavka {number}.{place}"
                    )
                    for place, (index, net, rate) in enumerate(document.lines)
                ],
                issued_days_ago=10,
                due_in_days=document.due_in_days,
                currency=document.currency,
                paid=-1 if document.fate == "paid" else 0,
                cancelled=document.fate == "cancelled",
            )
        )
    return old, new, services, made


@pytest.mark.usefixtures("session")
def test_random_migrations_conserve_everything(app: Flask, session: Session, proof: Callable[[str], None]) -> None:
    counted = Counter[str]()

    @given(case=cases)
    def run(case: Case) -> None:
        old, new, services, made = build(case)
        moving = [services[index] for index in sorted(case.moving)]
        others_before = {document.id: document.status for document in made}
        before = active_lines(session, [old.id, new.id])
        move = make_move(old, new, moving).to_approved()
        plan = migrate.plan_for(move.migration())
        answer = move.execute(digest=plan.digest)
        session.expire_all()

        assert active_lines(session, [old.id, new.id]) == before
        check_owners(session, move.old.id, move.new.id, {service.id for service in moving})
        check_cancelled_once(session, made, others_before, {service.id for service in moving})
        check_as_previewed(session, plan, answer)
        check_sums(session, old, new)
        check_numbers(session)
        counted.update(migrations=1, documents=len(made), cancelled=len(answer["cancelled"]))

    run()
    proof(
        f"{counted['migrations']} random migrations over {counted['documents']} documents, "
        f"{counted['cancelled']} cancelled and made again: net conserved line by line and per currency"
    )


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
    """Totals are sums of lines, PDV is each line's own, by its buyer's status."""
    for customer in customers:
        for document in session.scalars(select(Proforma).where(Proforma.customer_id == customer.id)):
            charged = document.buyer["tax_status"] == "domestic"
            for line in document.lines:
                assert line.tax == (share(line.net, line.tax_bp) if charged else 0)
                assert line.total == line.net + line.tax
            assert document.total == sum(line.total for line in document.lines)
            assert document.tax == sum(line.tax for line in document.lines)


def check_numbers(session: Session) -> None:
    """In each series and year: 1, 2, 3 … up to the counter, nothing missing, nothing twice."""
    for kind in (Proforma, Storno):
        taken: dict[tuple[str, int], list[int]] = {}
        for series, year, sequence in session.execute(select(kind.series, kind.year, kind.sequence)):
            taken.setdefault((series, year), []).append(sequence or 0)
        for (series, year), sequences in taken.items():
            assert sorted(sequences) == list(range(1, len(sequences) + 1))
            counter = session.get_one(NumberSeries, (series, year))
            assert counter.last == len(sequences)
