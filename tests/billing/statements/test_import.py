"""Importing: once, all of it or nothing, by those who record payments."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing.ledger.models import LedgerPosting
from console.billing.models import Proforma, ProformaStatus
from console.billing.payments.models import Payment, PaymentState, UnmatchedReason
from console.billing.statements import importing, retention, service
from console.billing.statements.files import Upload, join_recaps, read_files
from console.billing.statements.models import BankLine, BankStatement, StatementState
from console.billing.statements.service import import_lines, resume
from console.core.actor import SYSTEM, Actor
from console.core.context import files
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.customers.models import Customer
from console.privacy.sources import bank
from console.staff.roles import Role
from tests import factories
from tests.billing.statements.scene import bring_in, content, line, statement
from tests.billing.statements.writers import write_halcom
from tests.billing.test_migration_concurrency import at_once
from tests.conftest import Clock

TABLES: tuple[Any, ...] = (BankStatement, BankLine, Payment, LedgerPosting, AuditEntry)


@pytest.fixture
def customer(session: Session) -> Customer:
    return factories.make_customer()


def counts() -> list[int]:
    """Return how many rows there are of what an import writes."""
    found = [db.session.scalar(select(func.count()).select_from(model)) or 0 for model in TABLES]
    db.session.rollback()
    return found


def totals(file: bytes, who: Actor) -> dict[str, int]:
    return bring_in(file, actor=who).totals()


def states() -> list[PaymentState]:
    return list(db.session.scalars(select(Payment.state).order_by(Payment.id)))


@pytest.mark.both
def test_lines_pay_what_they_name(customer: Customer) -> None:
    exact, other = factories.make_proforma(customer), factories.make_proforma(customer)
    cancelled = factories.make_proforma(customer, cancelled=True)
    file = content(
        statement(
            [
                line(exact),
                line(other, amount=other.owed - 1),
                line(cancelled, amount=1_440_000),
                line(),
                line(amount=-12_345, payer="Banka", purpose="Provizija"),
            ]
        )
    )
    imported = bring_in(file)
    assert imported.totals() == {"lines": 5, "matched": 1, "unmatched": 3, "known": 0, "outgoing": 1}
    assert db.session.get_one(Proforma, exact.id).status is ProformaStatus.PAID
    assert db.session.get_one(Proforma, other.id).paid == 0
    reasons = list(db.session.scalars(select(Payment.unmatched_reason).order_by(Payment.id)))
    assert reasons == [None, UnmatchedReason.AMOUNT, UnmatchedReason.CANCELLED, UnmatchedReason.UNKNOWN]
    paid = db.session.scalars(select(Payment).order_by(Payment.id)).first()
    assert (paid.payer, paid.reference, paid.paid_on) == ("Mlekara Jasen", f"97 {exact.reference}", factories.today())
    assert db.session.get_one(BankLine, paid.statement_line_id).position == 1
    row = imported.statements[0]
    assert (row.state, row.taken, row.opening) == (StatementState.IMPORTED, 5, 5_000_00)
    assert files().get(str(row.file)) == file
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "statement.imported")).one()
    assert entry.data["lines"] == 5
    assert "Mlekara" not in str(entry.data)


def test_same_file_twice_changes_nothing(customer: Customer) -> None:
    file = content(statement([line(factories.make_proforma(customer)), line()]))
    bring_in(file)
    before = counts()
    again = bring_in(file, actor=SYSTEM)
    assert again.known_file
    assert again.totals() == {"lines": 2, "matched": 0, "unmatched": 0, "known": 2, "outgoing": 0}
    assert counts() == before


def test_line_of_an_overlapping_file_is_known(customer: Customer) -> None:
    """The same day in a file of the day and in one of the week, in two formats."""
    first, second = factories.make_proforma(customer), factories.make_proforma(customer)
    twin = line(amount=700_00, reference="", model="")
    day = statement([line(first), replace(twin, bank_id="T"), replace(twin, bank_id="T")])
    assert bring_in(content(day)).totals()["unmatched"] == 2
    week = statement([*day.lines, line(second), line(amount=-1_00)], number="9")
    imported = bring_in(content(week, "office_banking"))
    assert imported.totals() == {"lines": 5, "matched": 1, "unmatched": 0, "known": 3, "outgoing": 1}
    assert states() == [PaymentState.MATCHED, PaymentState.UNMATCHED, PaymentState.UNMATCHED, PaymentState.MATCHED]
    known = db.session.scalars(select(BankLine).where(BankLine.first_id.is_not(None)).order_by(BankLine.id)).all()
    assert [one.first.position for one in known] == [1, 2, 3]


@pytest.mark.parametrize("role", [Role.AGENT, Role.ADMIN])
def test_others_import_nothing(customer: Customer, role: Role) -> None:
    before = counts()
    with pytest.raises(NotFound):
        bring_in(content(statement([line()])), actor=factories.make_staff(role).actor())
    assert counts() == before


def test_nothing_of_a_broken_file_is_in(customer: Customer) -> None:
    good = content(statement([line(factories.make_proforma(customer))]))
    broken = content(statement([line(), line()])).replace(b"14400,00", b"14400,01", 1)
    before = counts()
    with pytest.raises(Invalid) as caught:
        read_files([Upload("dobar.csv", good), Upload("los.csv", broken)], megabytes=32)
    (message,) = caught.value.fields["statement"]
    assert str(message).startswith("los.csv: ")
    with pytest.raises(Invalid):
        read_files([Upload("veliki.csv", good + b" " * 1024 * 1024)], megabytes=1)
    assert counts() == before


def test_balances_of_halcom_join_their_lines(customer: Customer) -> None:
    text = write_halcom(statement([line(factories.make_proforma(customer)), line()]))
    lines, recap = text.encode("cp1250").rsplit(b"\r\n", 2)[:2]
    other = recap.replace(b"01840", b"01160", 1)
    joined = join_recaps([Upload("izvod_cov.txt", recap), Upload("izvod.txt", lines), Upload("tudj_cov.txt", other)])
    assert [one.name for one in joined] == ["izvod.txt", "tudj_cov.txt"]
    (read,) = read_files([Upload("izvod_cov.txt", recap + b"\r\n"), Upload("izvod.txt", lines)], megabytes=32)
    assert read.parsed.statements[0].number == "227"
    with pytest.raises(Invalid):
        read_files([Upload("izvod_cov.txt", recap)], megabytes=32)


def test_long_statement_goes_on_where_a_worker_was_killed(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 3)
    monkeypatch.setattr(importing, "GROUP", 2)
    documents = [factories.make_proforma(customer) for _ in range(5)]
    imported = bring_in(content(statement([line(one) for one in documents])))
    key = imported.statements[0].id
    assert imported.statements[0].state is StatementState.IMPORTING
    assert states() == []

    calls = 0

    def fails_at_the_second(*args: Any) -> BankStatement:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("as if the machine had gone")
        return import_lines(*args)

    monkeypatch.setattr(importing, "import_lines", fails_at_the_second)
    assert importing.import_due() == 0
    assert states() == [PaymentState.MATCHED] * 2
    assert importing.import_due() == 1
    row = db.session.get_one(BankStatement, key)
    assert (row.state, row.taken, row.matched, row.lease) == (StatementState.IMPORTED, 5, 5, None)
    assert states() == [PaymentState.MATCHED] * 5
    assert importing.import_due() == 0


def test_lease_of_another_worker_ends_the_work(
    customer: Customer, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 0)
    key = bring_in(content(statement([line(), line()]))).statements[0].id
    with transaction() as session:
        later = clock.now() + timedelta(minutes=1)
        session.execute(update(BankStatement).values(lease="other", leased_until=later))
    assert importing.import_due() == 0
    clock.advance(timedelta(minutes=2))
    assert importing.import_due() == 1
    assert db.session.get_one(BankStatement, key).unmatched == 2


def test_import_that_fails_again_and_again_stops_and_is_resumed(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "AT_ONCE", 0)
    row = bring_in(content(statement([line()]))).statements[0]
    billing = factories.make_staff(Role.BILLING).actor()
    with pytest.raises(Conflict), transaction():
        resume(billing, row.id)
    files().remove(str(row.file))
    for _ in range(importing.MOST_TRIES):
        assert importing.import_due() == 0
    assert db.session.get_one(BankStatement, row.id).state is StatementState.STOPPED
    assert importing.import_due() == 0
    files().put(content(statement([line()])))
    for role in (Role.AGENT, Role.ADMIN):
        with pytest.raises(NotFound), transaction():
            resume(factories.make_staff(role).actor(), row.id)
    with transaction():
        resume(billing, row.id)
    assert importing.import_due() == 1


@pytest.mark.both
def test_two_people_at_once(app: Flask, customer: Customer) -> None:
    """The same file, and one that overlaps with it: each line is one payment."""
    documents = [factories.make_proforma(customer) for _ in range(8)]
    lines = [line(one) for one in documents]
    same, wider = statement(lines[:5]), statement(lines, number="8")
    wider = replace(wider, lines=(*same.lines, *wider.lines[5:]))
    actors = [factories.make_staff(Role.BILLING).actor() for _ in range(4)]
    contents = [content(same), content(same), content(wider), content(wider)]
    calls = [partial(totals, file, who) for file, who in zip(contents, actors, strict=True)]
    results = at_once(app, calls)
    assert [one["lines"] for one in results] == [5, 5, 8, 8], results
    assert sum(one["matched"] for one in results) == 8
    db.session.rollback()
    assert states() == [PaymentState.MATCHED] * 8
    assert all(db.session.get_one(Proforma, one.id).status is ProformaStatus.PAID for one in documents)


def test_files_go_by_their_age_and_lines_stay(customer: Customer, clock: Clock) -> None:
    file = content(statement([line()]))
    row = bring_in(file).statements[0]
    stored = row.file
    assert retention.delete_files() == 0
    clock.advance(timedelta(days=31 * 25))
    assert retention.delete_files() == 1
    assert not files().exists(str(stored))
    row = db.session.get_one(BankStatement, row.id)
    assert (row.file, row.lines) == (None, 1)
    assert bring_in(file, actor=SYSTEM).known_file


def test_copy_of_an_account_has_who_paid(customer: Customer) -> None:
    bring_in(content(statement([line(factories.make_proforma(customer)), line(payer="Neko drugi")])))
    (part,) = bank.SOURCE.of_account(customer)
    assert [row["payer"] for row in part.data] == ["Mlekara Jasen"]
