"""Bulk migrations: the file, the dry run, the execution row by row, stopping and going on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing.migration.batches import queries, service, work
from console.billing.migration.models import BatchState, ItemState, MigrationBatch
from console.billing.models import Migration, MigrationState, Proforma, Storno
from console.billing.service import LineDraft, issue_proforma
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import Conflict, Refusal
from console.core.transaction import transaction
from console.customers import holds
from console.customers.models import Customer
from console.hosting.models import Ownership, Service
from console.mail.models import Mail
from console.settings import service as set_on_page
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.factories import LineSpec
from tests.factories.migrations import make_move

pytestmark = pytest.mark.usefixtures("session")
ORDER = "Nalog 12/2026, potpisala oba vlasnika"


def billing() -> Actor:
    return factories.actor_of(factories.make_staff(Role.BILLING))


def csv_of(*rows: tuple[str, str], header: str = "service,new_owner") -> bytes:
    return "\n".join([header, *(f"{one},{two}" for one, two in rows)]).encode()


def upload(content: bytes, actor: Actor | None = None) -> MigrationBatch:
    with transaction():
        return service.create_from_file(actor or billing(), "prodaja.csv", content, ORDER)


def run(batch: MigrationBatch, actor: Actor | None = None) -> None:
    with transaction():
        service.start(actor or billing(), batch.id)
    work.work_due()


def states(batch: MigrationBatch) -> dict[int, tuple[str, str | None]]:
    db.session.expire_all()
    return {item.row: (item.state.value, item.code) for item in queries.list_items(batch.id)}


def refused(code: str, call: Callable[[], Any]) -> Refusal:
    with pytest.raises(Refusal) as caught, transaction():
        call()
    assert caught.value.code == code
    return caught.value


@pytest.mark.both
def test_each_row_says_what_it_would_do_and_then_does_it(session: Session) -> None:
    persona, target = factories.ana(), factories.novi()
    first, second = persona.services
    abuser = factories.make_abuser(persona.customer)
    hosted = session.scalars(select(Service).where(Service.hosted_with_id == first.id)).one()
    batch = upload(
        csv_of(
            (first.number, target.customer.number),
            (hosted.number, target.owner.person.email),
            (second.number, "K-99999"),
            (abuser.number, target.customer.number),
            ("U-99999", target.customer.number),
            (first.number, target.customer.number),
        )
    )
    work.work_due()
    assert states(batch) == {
        2: ("ready", None), 3: ("along", None), 4: ("refused", "unknown_target"), 5: ("refused", "abuse"),
        6: ("refused", "unknown_service"), 7: ("refused", "twice"),
    }  # fmt: skip
    item = queries.list_items(batch.id)[0]
    assert item.effect is not None
    assert (len(item.effect["cancel"]), item.effect["issue"], len(item.effect["services"])) == (1, 2, 2)
    assert session.get_one(Service, first.id).customer_id == persona.customer.id, "nothing has moved"
    run(batch)
    session.expire_all()
    assert session.get_one(MigrationBatch, batch.id).state is BatchState.DONE
    assert states(batch)[2] == states(batch)[3] == ("done", None)
    for moved in (first, hosted):
        assert session.get_one(Service, moved.id).customer_id == target.customer.id
    migration = session.scalars(select(Migration)).one()
    assert (migration.state, migration.batch_id, migration.verification_id) == (MigrationState.EXECUTED, batch.id, None)
    mails = set(session.scalars(select(Mail.customer_id).where(Mail.template == "migration_executed")))
    assert mails == {persona.customer.id, target.customer.id}
    assert work.work_due() == 0


def test_who_may_and_on_what_it_rests() -> None:
    content = csv_of(("U-1001", "K-10001"))
    for role in (Role.AGENT, Role.SUPERVISOR, Role.ADMIN):
        create = partial(service.create_from_file, factories.actor_of(factories.make_staff(role)))
        refused("not_allowed", partial(create, "x.csv", content, ORDER))
    error = refused("invalid", lambda: service.create_from_file(billing(), "x.csv", content, "  "))
    assert "authority" in error.fields


@pytest.mark.parametrize(
    "content",
    [
        b"", b"service,new_owner\n", b"a,b\nU-1001,K-10001\n", b"service,new_owner\nU-1\xff,K-1\n",
        b'service,new_owner\n"U-1001,K-10001\n', b"service,new_owner\n" + b"U-1001,K-10001\n" * 20_001,
    ],
    ids=["empty", "no rows", "columns", "encoding", "quotes", "too many"],
)  # fmt: skip
def test_a_file_that_cannot_be_read_stores_nothing(content: bytes) -> None:
    error = refused("bad_file", lambda: service.create_from_file(billing(), "x.csv", content, ORDER))
    assert "file" in error.fields
    assert db.session.scalar(select(func.count()).select_from(MigrationBatch)) == 0


def test_a_spreadsheets_file_is_read_too() -> None:
    content = "\ufeffUsluga;Novi vlasnik\r\n1001;K-10001\r\n;\r\n".encode()
    batch = upload(content)
    assert [(item.service, item.target) for item in queries.list_items(batch.id)] == [("1001", "K-10001")]


def test_the_same_rows_are_the_same_batch_while_unfinished() -> None:
    content = csv_of((factories.make_service(factories.make_customer()).number, factories.novi().customer.number))
    first, second = upload(content), upload(content)
    assert first.id == second.id
    other = refused("another_authority", lambda: service.create_from_file(billing(), "x.csv", content, "Nalog 13"))
    assert (other.status, other.details) == (409, {"batch": first.ref})
    with transaction():
        again = service.create_from_file(SYSTEM, "x.csv", content, "", default="console migrate --file x.csv")
    assert (again.id, again.authority) == (first.id, ORDER)
    with transaction():
        service.withdraw(billing(), first.id)
    assert upload(content).id != first.id


def test_the_four_eyes_rule_holds_for_the_start() -> None:
    maker, other = billing(), billing()
    batch = upload(
        csv_of((factories.make_service(factories.make_customer()).number, factories.novi().customer.number)), maker
    )
    work.work_due()
    with transaction():
        admin = factories.actor_of(factories.make_staff(Role.ADMIN))
        set_on_page.change(admin, "billing", {"migration_four_eyes": "yes"})
    refused("four_eyes", lambda: service.start(maker, batch.id))
    with transaction():
        service.start(other, batch.id)


def test_a_row_that_changed_since_the_dry_run_does_not_move(session: Session) -> None:
    persona, target = factories.ana(), factories.novi()
    batch = upload(csv_of((persona.services[0].number, target.customer.number)))
    work.work_due()
    with transaction():
        issue_proforma(SYSTEM, persona.customer, [LineDraft("Dodatak", 1_000, service_id=persona.services[0].id)])
    run(batch)
    assert states(batch)[2] == ("refused", "stale_plan")
    assert session.scalar(select(func.count()).select_from(Migration)) == 0, "nothing of it is left"


@pytest.mark.parametrize("chosen", [False, True], ids=["by a file", "chosen"])
def test_a_service_that_has_another_owner_since_the_dry_run_stays_with_them(session: Session, chosen: bool) -> None:
    """Who has it now signed nothing, and no one of theirs was verified."""
    old, third, target = (factories.make_customer() for _ in range(3))
    moved = factories.make_service(old)
    agent = factories.make_staff(Role.BILLING)
    if chosen:
        verification = factories.make_verification(agent, factories.owner_of(old))
        with transaction():
            batch = service.create_from_services(
                factories.actor_of(agent), old, [moved.id], target.number, verification.id, ORDER
            )
    else:
        batch = upload(csv_of((moved.number, target.number)))
    work.work_due()
    assert states(batch)[2] == ("ready", None)
    make_move(old, third, [moved]).to_approved().execute()
    run(batch)
    assert states(batch)[2] == ("refused", "stale_plan")
    assert session.get_one(Service, moved.id).customer_id == third.id


def test_days_may_pass_between_dry_run_and_execution(session: Session, clock: Clock) -> None:
    persona, target = factories.ana(), factories.novi()
    batch = upload(csv_of((persona.services[0].number, target.customer.number)))
    work.work_due()
    clock.advance(timedelta(days=20))
    run(batch)
    assert states(batch)[2] == ("done", None)
    theirs = session.scalars(select(Proforma).where(Proforma.customer_id == target.customer.id)).one()
    assert theirs.due_on == factories.today() + timedelta(days=8), "it was overdue"


@pytest.mark.only("sqlite")
def test_a_row_reads_no_services_but_its_own(session: Session) -> None:
    """What a row costs does not grow with the services of the console, nor with those of its owner."""
    persona, target = factories.ana(), factories.novi()
    batch = upload(csv_of((persona.services[0].number, target.customer.number)))
    sent: dict[str, Any] = {}

    def on_execute(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if " services" in statement:
            sent[statement] = parameters

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", on_execute)
    try:
        work.work_due()
        run(batch)
    finally:
        event.remove(engine, "before_cursor_execute", on_execute)
    assert states(batch)[2] == ("done", None)
    connection = session.connection()
    plans = [
        line[-1]
        for statement, parameters in sent.items()
        for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        if re.match(r"(SCAN|SEARCH) services", line[-1])
    ]
    assert len(plans) > 5
    assert [plan for plan in plans if "(rowid=?)" not in plan and "(hosted_with_id=?)" not in plan] == []


def test_linked_services_are_not_torn_apart() -> None:
    persona, target, other = factories.ana(), factories.novi(), factories.firma()
    hosted = db.session.scalars(select(Service).where(Service.hosted_with_id == persona.services[0].id)).one()
    batch = upload(csv_of((persona.services[0].number, target.customer.number), (hosted.number, other.customer.number)))
    work.work_due()
    assert states(batch) == {2: ("ready", None), 3: ("refused", "in_batch")}


def test_stopped_it_goes_on_where_it_was(session: Session) -> None:
    batch, target = _many(3)
    with transaction():
        service.start(billing(), batch.id)
    claimed = work.claim(batch.id)
    assert claimed is not None
    assert work.claim(batch.id) is None, "one worker has it"

    def stop_after_one() -> None:
        if counts(batch)[ItemState.DONE] == 1:
            with transaction():
                service.stop(billing(), batch.id)

    work.work(*claimed, progress=stop_after_one)
    assert counts(batch)[ItemState.DONE] == 1
    assert "zaustavljen" in refused("wrong_state", lambda: service.stop(billing(), batch.id)).message
    run(batch)
    assert counts(batch)[ItemState.DONE] == 3
    assert "završen" in refused("wrong_state", lambda: service.stop(billing(), batch.id)).message
    assert _owned(session, target) == 3


def test_who_started_it_and_may_no_longer_stops_it_and_another_goes_on(session: Session) -> None:
    batch, target = _many(2)
    starter = billing()
    with transaction():
        service.start(starter, batch.id)
        session.get_one(Staff, starter.id).active = False
    work.work_due()
    assert set(states(batch).values()) == {("ready", None)}
    stopped = session.get_one(MigrationBatch, batch.id)
    assert (stopped.state, stopped.is_starter_gone) == (BatchState.STOPPED, True)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "batch.stopped")).one()
    assert entry.data["code"] == "starter_gone"
    run(batch)
    assert _owned(session, target) == 2


@pytest.mark.parametrize("when", ["checked", "executed"])
def test_a_fault_refuses_its_row_and_the_rest_goes_on(session: Session, when: str) -> None:
    owner, target = factories.make_customer(), factories.novi().customer
    services = [factories.make_service(owner) for _number in range(2)]
    spoiled = factories.make_proforma(owner, [LineSpec(services[0])])
    batch = upload(csv_of(*((one.number, target.number) for one in services)))
    if when == "executed":
        work.work_due()
    with transaction():
        session.execute(text("UPDATE proformas SET buyer = '{}' WHERE id = :key"), {"key": spoiled.id})
    work.work_due()
    run(batch)
    assert states(batch) == {2: ("refused", "fault"), 3: ("done", None)}
    assert session.get_one(MigrationBatch, batch.id).state is BatchState.DONE
    assert _owned(session, target) == 1
    assert work.claim() is None


def test_what_is_no_rule_of_migrations_is_a_fault_of_its_row(session: Session) -> None:
    """The page has no words for it: the row says so, and the log has the rest."""
    owner, target = factories.make_customer(), factories.novi().customer
    one, other = factories.make_service(owner), factories.make_service(owner)
    factories.make_proforma(owner, [LineSpec(one)])
    batch = upload(csv_of((one.number, target.number), (other.number, target.number)))
    work.work_due()

    def refuse(*_args: object) -> None:
        raise Conflict

    event.listen(Storno, "before_insert", refuse)
    try:
        run(batch)
    finally:
        event.remove(Storno, "before_insert", refuse)
    assert states(batch) == {2: ("refused", "fault"), 3: ("done", None)}
    assert _owned(session, target) == 1


def test_a_killed_worker_leaves_its_batch_to_the_next(clock: Clock, session: Session) -> None:
    batch, target = _many(2)
    with transaction():
        service.start(billing(), batch.id)
    assert work.claim(batch.id) is not None  # and dies
    assert work.work_due() == 0
    clock.advance(work.LEASE + timedelta(seconds=1))
    assert work.work_due() == 2
    assert _owned(session, target) == 2


class TestChosen:
    """Services chosen on an account's page."""

    def chosen(self, actor: Actor, customer: Customer, verification: int, *services: Service) -> MigrationBatch:
        keys = [one.id for one in services]
        with transaction():
            return service.create_from_services(
                actor, customer, keys, factories.novi().customer.number, verification, ORDER
            )

    def test_on_a_live_verification_of_who_may_give_them_away(self, session: Session) -> None:
        persona, staff = factories.ana(), factories.make_staff(Role.BILLING)
        actor = factories.actor_of(staff)
        verification = factories.make_verification(staff, persona.owner)
        batch = self.chosen(actor, persona.customer, verification.id, *persona.services)
        work.work_due()
        run(batch)
        assert set(states(batch).values()) == {("done", None)}
        assert set(session.scalars(select(Migration.verification_id))) == {verification.id}
        foreign = factories.make_service(factories.make_customer())
        batch = self.chosen(actor, persona.customer, verification.id, foreign)
        work.work_due()
        assert states(batch)[2] == ("refused", "not_theirs")

    def test_another_verification_does_not_count(self) -> None:
        persona, staff = factories.ana(), factories.make_staff(Role.BILLING)
        other = factories.make_verification(staff, factories.firma().owner)
        with pytest.raises(Refusal) as caught:
            self.chosen(factories.actor_of(staff), persona.customer, other.id, *persona.services)
        assert caught.value.code == "unverified"

    def test_a_hold_stops_what_was_checked(self) -> None:
        persona, staff = factories.ana(), factories.make_staff(Role.BILLING)
        verification = factories.make_verification(staff, persona.owner)
        batch = self.chosen(factories.actor_of(staff), persona.customer, verification.id, *persona.services)
        work.work_due()
        with transaction():
            holds.begin(SYSTEM, persona.owner.person, "lost_device")
        run(batch)
        assert {code for _state, code in states(batch).values()} == {"held"}


def counts(batch: MigrationBatch) -> dict[ItemState, int]:
    return queries.counts_of(batch.id)


def _many(count: int) -> tuple[MigrationBatch, Customer]:
    owner, target = factories.make_customer(), factories.novi().customer
    product = factories.make_product()
    services = [factories.make_service(owner, product) for _number in range(count)]
    for one in services:
        factories.make_proforma(owner, [LineSpec(one)])
    batch = upload(csv_of(*((one.number, target.number) for one in services)))
    work.work_due()
    return batch, target


def _owned(session: Session, customer: Customer) -> int:
    open_ones = select(func.count()).select_from(Ownership).where(Ownership.to_at.is_(None))
    return session.scalar(open_ones.where(Ownership.customer_id == customer.id)) or 0
