"""The whole way of a migration: acceptance, a chosen day, reversal, the registry's part, and what each side is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing import migration as migrate
from console.billing.issuing.cancelling import correct
from console.billing.issuing.data import ItemData, ProformaData
from console.billing.ledger.queries import credit_of
from console.billing.migration import registry, scheduling
from console.billing.migration.acceptance import migration_behind
from console.billing.migration.models import RegistryTask, TaskKind
from console.billing.models import Migration, MigrationState, Proforma
from console.billing.payments.service import undo
from console.billing.service import LineDraft, cancel_proforma, issue_proforma
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import Conflict, Refusal, TooMany
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers import holds
from console.customers.models import MemberRole, Membership
from console.customers.rights import Right
from console.customers.verification.pins import current_pin
from console.hosting import service as hosting
from console.hosting.models import Ownership, Service, SuspensionReason
from console.mail.links import put_in
from console.mail.models import Mail
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.billing.ledger import check_books
from tests.conftest import Clock
from tests.factories.migrations import Move, make_move

pytestmark = pytest.mark.usefixtures("session")


def refused(code: str, call: Callable[[], Any]) -> Refusal:
    with pytest.raises(Refusal) as caught, transaction():
        call()
    assert caught.value.code == code
    return caught.value


def person(member: Membership) -> Actor:
    return Actor(kind="person", id=member.person_id, name=member.name)


def new_owner(move: Move) -> Membership:
    return factories.owner_of(move.new)


def sent(template: str) -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.template == template).order_by(Mail.id)))


def steps_told(customer_id: int) -> list[str]:
    """Return the subjects of what an account was told about its migrations."""
    query = select(Mail.subject).where(Mail.customer_id == customer_id, Mail.template == "migration_update")
    return list(db.session.scalars(query.order_by(Mail.id)))


def link_of(mail: Mail) -> str:
    text, _html = put_in(mail.text, mail.html, mail.sealed_links)
    return next(word for word in text.split() if "/moj/transfer/" in word).rpartition("/")[2]


class TestAcceptance:
    """With the setting on."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, migration_acceptance=True)

    def test_by_the_link_once_with_what_is_taken_over(self, session: Session) -> None:
        move = make_move()
        move.request()
        (mail,) = sent("migration_offer")
        assert mail.to_address == new_owner(move).person.email
        assert mail.private, "its link is sealed"
        assert "11.880,00" in mail.text, "what will be issued to them"
        assert move.old.name not in mail.text + mail.html
        assert move.old.number not in mail.text + mail.html
        refused("not_accepted", lambda: move_approve(move))

        token = link_of(mail)
        assert token not in mail.text, "only in the sealed part"
        terms = migrate.plan_for(migration_behind(token)).terms_digest
        with transaction():
            migrate.accept_by_link(token, None, terms=terms)
        migration = move.migration()
        assert (migration.state, migration.accepted_by_id) == (MigrationState.ACCEPTED, new_owner(move).id)
        refused("link_gone", lambda: migrate.accept_by_link(token, None))
        move.approve()
        move.execute()
        assert session.get_one(Service, move.service_ids[0]).customer_id == move.new.id
        accepted = select(AuditEntry.customer_id).where(AuditEntry.action == "migration.accepted")
        assert set(session.scalars(accepted)) == {move.old.id, move.new.id}

    def test_in_the_portal_by_who_holds_transfer(self) -> None:
        move = make_move()
        move.request()
        helper = factories.make_member(move.new, MemberRole.USER, rights=[Right.PRODUCTS])
        refused("not_allowed", lambda: migrate.accept(person(helper), move.ref))
        refused("not_allowed", lambda: migrate.accept(person(factories.owner_of(move.old)), move.ref))
        refused("not_allowed", lambda: migrate.accept(move.billing, move.ref))
        entitled = factories.make_member(move.new, MemberRole.USER, rights=[Right.TRANSFER])
        with transaction():
            migrate.accept(person(entitled), move.ref)
        assert move.migration().accepted_by_id == entitled.id
        refused("wrong_state", lambda: migrate.accept(person(new_owner(move)), move.ref))

    def test_declined_with_a_reason_both_are_told(self, session: Session) -> None:
        move = make_move()
        move.request()
        token = link_of(sent("migration_offer")[0])
        refused("no_decline_reason", lambda: migrate.decline_by_link(token, "  ", None))
        with transaction():
            migrate.decline_by_link(token, "Nisam kupio ovaj sajt.", None)
        migration = move.migration()
        assert (migration.state, migration.declined_by_id) == (MigrationState.REJECTED, new_owner(move).id)
        notices = [mail for mail in sent("migration_update") if "Nisam kupio ovaj sajt." in mail.text]
        assert {mail.customer_id for mail in notices} == {move.old.id, move.new.id}
        refused("link_gone", lambda: migrate.accept_by_link(token, None))
        move.request()  # the service is free again

    @pytest.mark.parametrize("end", ["withdrawn", "expired", "rejected"])
    def test_the_end_kills_the_link(self, clock: Clock, end: str) -> None:
        move = make_move()
        move.request()
        token = link_of(sent("migration_offer")[0])
        with transaction():
            if end == "withdrawn":
                migrate.withdraw(move.agent, move.ref, "Odustali su")
            elif end == "rejected":
                migrate.reject(move.billing, move.ref, "Nema saglasnosti")
            else:
                clock.advance(timedelta(days=31))
                migrate.expire_due()
        refused("link_gone", lambda: migrate.accept_by_link(token, None))
        refused(
            "expired" if end == "expired" else "wrong_state", lambda: migrate.accept(person(new_owner(move)), move.ref)
        )
        assert len(steps_told(move.new.id)) == 1
        assert len(steps_told(move.old.id)) == (0 if end == "rejected" else 1)  # they get "migration_rejected"

    def test_more_than_was_accepted_is_asked_again(self) -> None:
        move = make_move()
        move.request()
        with transaction():
            migrate.accept(person(new_owner(move)), move.ref)
        with transaction():
            issue_proforma(SYSTEM, move.old, [LineDraft("Dodatak", 100_000, service_id=move.service_ids[0])])
        refused("terms_changed", lambda: move_approve(move))
        before = len(steps_told(move.old.id))
        for _twice in range(2):  # the second time nothing has changed for the old owner
            with transaction():
                migrate.ask_again(move.billing, move.ref)
        assert len(steps_told(move.old.id)) == before + 1, "it is accepted no longer"
        first, _lost, second = sent("migration_offer")
        refused("link_gone", lambda: migrate.accept_by_link(link_of(first), None))
        with transaction():
            migrate.accept_by_link(link_of(second), None)
        move.approve()
        move.execute()

    def test_one_that_is_too_old_is_not_asked_for_again(self, clock: Clock) -> None:
        move = make_move()
        move.request()
        clock.advance(timedelta(days=31))
        refused("expired", lambda: migrate.ask_again(move.billing, move.ref))

    def test_less_than_was_accepted_needs_no_other_yes(self) -> None:
        move = make_move()
        move.request()
        with transaction():
            migrate.accept(person(new_owner(move)), move.ref)
        (source,) = db.session.scalars(select(Proforma).where(Proforma.customer_id == move.old.id))
        with transaction():
            cancel_proforma(SYSTEM, source, "Pogrešno izdato")
        move.approve()

    def test_what_was_looked_at_is_what_is_accepted(self) -> None:
        move = make_move()
        move.request()
        token = link_of(sent("migration_offer")[0])
        seen = migrate.plan_for(move.migration()).terms_digest
        with transaction():
            issue_proforma(SYSTEM, move.old, [LineDraft("Dodatak", 100_000, service_id=move.service_ids[0])])
        refused("stale_plan", lambda: migrate.accept_by_link(token, None, terms=seen))
        assert migration_behind(token), "the link still serves"

    def test_an_address_is_not_bombed(self) -> None:
        persona = factories.ana()
        target = factories.novi().customer
        for count in range(4):
            move = make_move(persona.customer, target, [factories.make_service(persona.customer)])
            move.agent = person(persona.owner)  # in the portal
            with transaction():
                db.session.execute(update(Migration).values(state=MigrationState.WITHDRAWN))
            if count < 3:
                _request_in_portal(move, persona.owner)
            else:
                with pytest.raises(TooMany):
                    _request_in_portal(move, persona.owner)


def _request_in_portal(move: Move, owner: Membership) -> None:
    with transaction():
        pin, _until = current_pin(owner)
    by = factories.signed_in_actor(owner.person)
    with transaction():
        migrate.request_in_portal(by, move.old, move.request_for(verification=0), pin, uuid4().hex)


def move_approve(move: Move) -> None:
    digest = migrate.plan_for(move.migration()).digest
    migrate.approve(move.billing, move.ref, digest, uuid4().hex, lose_exemption=True)


class TestSteps:
    """Both owners are told at each step."""

    def test_each_step(self) -> None:
        move = make_move()
        move.request()
        assert len(sent("migration_requested")) == 1
        move.approve()
        move.execute()
        assert len(steps_told(move.old.id)) == 1, "approved"
        assert len(steps_told(move.new.id)) == 2, "requested, approved"
        assert {mail.customer_id for mail in sent("migration_executed")} == {move.old.id, move.new.id}


class TestSchedule:
    """Executed by a worker on a chosen day."""

    def schedule(self, move: Move, days: int = 5, actor: Actor | None = None) -> date:
        on = factories.today() + timedelta(days=days)
        digest = migrate.plan_for(move.migration(), on).digest
        with transaction():
            migrate.schedule(actor or move.billing, move.ref, digest, on, uuid4().hex, lose_exemption=True)
        return on

    @pytest.mark.both
    def test_it_is_executed_in_the_morning_of_the_day(self, session: Session, clock: Clock) -> None:
        move = make_move().to_approved()
        on = self.schedule(move, days=12)  # the document is overdue by then: its successor's term is of that day
        planned = migrate.plan_for(move.migration(), on)
        assert planned.steps[0].overdue
        assert migrate.execute_due() == 0
        clock.set(_at(on, 6, 59))
        assert migrate.execute_due() == 0
        clock.set(_at(on, 7, 1))
        assert (migrate.execute_due(), migrate.execute_due()) == (1, 0)
        migration = move.migration()
        assert (migration.state, migration.ended_by_id) == (MigrationState.EXECUTED, move.billing.id)
        theirs = session.scalars(select(Proforma).where(Proforma.customer_id == move.new.id)).one()
        assert theirs.due_on == planned.steps[0].issue[0].due_on
        assert len(steps_told(move.new.id)) == 3, "requested, approved, scheduled"

    @pytest.mark.parametrize("change", ["document", "hold", "right", "scheduler", "abuse", "late"])
    def test_what_no_longer_holds_stops_it_and_tells_billing(self, session: Session, clock: Clock, change: str) -> None:
        move = make_move().to_approved()
        on = self.schedule(move)
        owner = factories.owner_of(move.old)
        codes = {
            "document": "stale_plan", "hold": "held", "right": "no_right", "scheduler": "scheduler_gone",
            "abuse": "abuse", "late": "stale_plan",
        }  # fmt: skip
        clock.set(_at(on + timedelta(days=change == "late"), 7, 1))
        with transaction():
            if change == "document":
                issue_proforma(SYSTEM, move.old, [LineDraft("Dodatak", 1_000, service_id=move.service_ids[0])])
            elif change == "hold":
                holds.begin(SYSTEM, owner.person, "password_reset")
            elif change == "right":
                session.execute(
                    update(Membership)
                    .where(Membership.id == owner.id)
                    .values(is_owner=False, role=MemberRole.USER, rights=[])
                )
            elif change == "scheduler":
                session.execute(update(Staff).where(Staff.id == move.billing.id).values(active=False))
            elif change == "abuse":
                hosting.suspend(SYSTEM, session.get_one(Service, move.service_ids[0]), SuspensionReason.ABUSE)
        other = factories.make_staff(Role.BILLING)
        assert migrate.execute_due() == 0
        migration = move.migration()
        session.refresh(migration)
        assert (migration.state, migration.stopped_code) == (MigrationState.APPROVED, codes[change])
        assert migration.scheduled_for is None
        assert other.email in {mail.to_address for mail in sent("migration_stopped")}
        assert migrate.execute_due() == 0, "it waits for a person"
        assert len(sent("migration_stopped")) in (1, 2)

    def test_it_can_be_taken_back_or_done_at_once(self, clock: Clock) -> None:
        move = make_move().to_approved()
        on = self.schedule(move)
        with transaction():
            migrate.unschedule(move.billing, move.ref)
        clock.set(_at(on, 8, 0))
        assert migrate.execute_due() == 0
        refused("wrong_state", lambda: migrate.unschedule(move.billing, move.ref))
        self.schedule(move)
        move.execute()
        assert move.migration().scheduled_for is None

    @pytest.mark.parametrize("days", [-1, 0, scheduling.MOST_DAYS + 1])
    def test_no_such_day(self, days: int) -> None:
        move = make_move().to_approved()
        with pytest.raises(Refusal) as caught:
            self.schedule(move, days)
        assert caught.value.code == "no_such_day"

    def test_only_billing_and_not_before_approval(self) -> None:
        move = make_move()
        move.request()
        with pytest.raises(Conflict):
            self.schedule(move)
        with pytest.raises(Refusal) as caught:
            self.schedule(move, actor=move.agent)
        assert caught.value.code == "not_allowed"

    def test_it_does_not_expire_before_its_day(self, clock: Clock) -> None:
        move = make_move().to_approved()
        on = self.schedule(move, days=60)
        clock.set(_at(on, 6, 0))
        with transaction():
            assert migrate.expire_due() == 0


def _at(day: date, hour: int, minute: int) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=Settings().zone)


class TestReversal:
    """A migration taken back by another that cites it."""

    def back(self, move: Move) -> Move:
        """Return the move that takes ``move`` back, asked for by the new owner's side."""
        verification = factories.make_verification(db.session.get_one(Staff, move.agent.id), new_owner(move))
        return Move(
            agent=move.agent, billing=move.billing, old=move.new, new=move.old, services=move.services,
            verification_id=verification.id,
        )  # fmt: skip

    def ask(self, move: Move, back: Move, **changes: Any) -> dict[str, Any]:
        return back.request(**({"reverses": move.ref, "services": (), "to_customer": ""} | changes))

    def execute_first(self) -> Move:
        move = make_move().to_approved()
        move.execute()
        return move

    @pytest.mark.both
    def test_documents_ownership_and_history_are_as_a_reader_expects(self, session: Session) -> None:
        move = make_move()
        (source,) = session.scalars(select(Proforma).where(Proforma.customer_id == move.old.id))
        lines = [(line.description, line.net, line.tax, line.total) for line in source.lines]
        factories.pay_proforma(source, 100_000)
        move.to_approved()
        move.execute()
        back = self.back(move)
        answer = self.ask(move, back)
        assert len(answer["services"]) == len(move.migration().items)
        back.approve()
        back.execute()
        session.expire_all()
        reversal = back.migration()
        assert reversal.reverses_id == move.migration().id
        assert credit_of(move.old.id) == {"RSD": 100_000}, "what they had paid stays theirs, and is paid on nothing"
        assert credit_of(move.new.id) == {}
        check_books(session)
        active = [
            (line.description, line.net, line.tax, line.total)
            for document in session.scalars(select(Proforma).where(Proforma.customer_id == move.old.id))
            if document.owed
            for line in document.lines
        ]
        assert sorted(active) == sorted(lines), "every line is the old owner's again, to the para"
        assert not [
            one for one in session.scalars(select(Proforma).where(Proforma.customer_id == move.new.id)) if one.owed
        ]
        spells = session.scalars(
            select(Ownership).where(Ownership.service_id == move.service_ids[0]).order_by(Ownership.id)
        )
        assert [spell.customer_id for spell in spells] == [move.old.id, move.new.id, move.old.id]
        notices = [mail for mail in sent("migration_executed") if move.ref in mail.text and back.ref in mail.text]
        assert {mail.customer_id for mail in notices} == {move.old.id, move.new.id}

    def test_only_the_side_that_has_the_services_asks(self) -> None:
        move = self.execute_first()
        verification = factories.make_verification(
            db.session.get_one(Staff, move.agent.id), factories.owner_of(move.old)
        )
        with pytest.raises(Refusal) as caught:
            self.ask(move, self.back(move), verification=verification.id)
        assert caught.value.code == "not_theirs"

    def test_once_and_again_after_one_that_came_to_nothing(self) -> None:
        move = self.execute_first()
        back = self.back(move)
        self.ask(move, back)
        with pytest.raises(Refusal) as caught:
            self.ask(move, self.back(move))
        assert caught.value.code == "reversed_already"
        with transaction():
            migrate.withdraw(back.agent, back.ref, "Predomislili su se")
        self.ask(move, self.back(move))

    @pytest.mark.parametrize("fact", ["late", "paid", "moved", "open"])
    def test_later_facts_forbid_it(self, session: Session, clock: Clock, fact: str) -> None:
        move = make_move().to_approved()
        if fact != "open":
            move.execute()
        codes = {"late": "reversal_late", "paid": "paid_since", "moved": "moved_on", "open": "not_executed"}
        if fact == "late":
            clock.advance(timedelta(days=15))
        elif fact == "paid":
            (theirs,) = session.scalars(select(Proforma).where(Proforma.customer_id == move.new.id))
            factories.pay_proforma(theirs, theirs.total)
        elif fact == "moved":
            onward = make_move(move.new, factories.firma().customer, [session.get_one(Service, move.service_ids[0])])
            onward.to_approved()
            onward.execute()
        with pytest.raises(Refusal) as caught:
            self.ask(move, self.back(move))
        assert caught.value.code == codes[fact]

    @pytest.mark.both
    def test_a_payment_of_a_corrected_copy_forbids_it_too(self, session: Session) -> None:
        move = self.execute_first()
        (made,) = session.scalars(select(Proforma).where(Proforma.customer_id == move.new.id))
        number = made.number
        for amount in (50_000, 60_000):
            (theirs,) = session.scalars(select(Proforma).where(Proforma.number == number))
            data = ProformaData("RSD", theirs.due_on, (ItemData("Produženje", amount, service_id=move.service_ids[0]),))
            with transaction():
                number = correct(SYSTEM, theirs.id, data, "Pogrešna cena", uuid4().hex)["number"]
        (theirs,) = session.scalars(select(Proforma).where(Proforma.number == number))
        factories.pay_proforma(theirs, theirs.total)
        with pytest.raises(Refusal) as caught:
            self.ask(move, self.back(move))
        assert caught.value.code == "paid_since"

    @pytest.mark.parametrize("amount", [1_000, None], ids=["a part", "all"])
    def test_a_payment_while_it_is_under_way_forbids_it_too(self, session: Session, amount: int | None) -> None:
        """Else the former owner would get back a service that the other has paid for."""
        move = self.execute_first()
        back = self.back(move)
        self.ask(move, back)
        back.approve()
        (theirs,) = session.scalars(select(Proforma).where(Proforma.customer_id == move.new.id))
        payment = factories.pay_proforma(theirs, amount or theirs.total)
        digest = back.digest()
        refused("paid_since", lambda: migrate.execute(back.billing, back.ref, digest, uuid4().hex))
        with transaction():
            undo(back.billing, payment.id, "Greška banke")
        back.execute()
        assert session.get_one(Service, move.service_ids[0]).customer_id == move.old.id

    def test_it_moves_just_what_was_moved(self, session: Session) -> None:
        move = self.execute_first()
        with transaction():
            added = factories.make_service(move.new, hosted_with=session.get_one(Service, move.service_ids[0]))
        back = self.back(move)
        answer = self.ask(move, back)
        assert answer["left_behind"] == [added.number]
        with pytest.raises(Refusal) as caught:
            self.ask(move, self.back(move), services=(added.id,))
        assert caught.value.code in ("not_the_same", "reversed_already")


class TestRegistry:
    """The registry's part of a .rs domain."""

    def executed(self, name: str = "jasen.rs") -> tuple[Move, list[RegistryTask]]:
        old = factories.make_customer()
        service = factories.make_service(old)
        factories.make_domain(service, name)
        move = make_move(old, factories.novi().customer, [service]).to_approved()
        move.execute()
        return move, registry.tasks_of(move.migration())

    @pytest.mark.parametrize(("name", "count"), [("jasen.rs", 6), ("јасен.срб", 6), ("jasen.com", 0), ("rs.net", 0)])
    def test_it_opens_the_tasks_of_its_domains(self, name: str, count: int) -> None:
        _move, tasks = self.executed(name)
        assert len(tasks) == count
        assert [task.kind for task in tasks] == list(TaskKind)[:count]

    def test_deadlines_are_working_days(self, clock: Clock) -> None:
        clock.set(_at(date(2026, 12, 30), 12, 0))  # Wednesday; 1 and 2 January are holidays, 7 January Christmas
        _move, tasks = self.executed()
        due = {task.kind: task.due_on for task in tasks}
        assert due[TaskKind.IDENTIFY_OLD] == date(2027, 1, 4)
        assert due[TaskKind.CONSENT] == date(2027, 1, 5)
        assert due[TaskKind.LINKS] == date(2027, 1, 11)

    def test_each_is_ticked_and_undone_by_a_person(self, session: Session) -> None:
        move, tasks = self.executed()
        first, last = tasks[0], tasks[-1]
        refused("tasks_open", lambda: registry.tick(move.agent, last.id))
        with transaction():
            registry.tick(move.agent, first.id, "Lična karta pokazana, PIN 123456")
        assert (first.done_by_id, first.done_at is not None) == (move.agent.id, True)
        assert "123456" not in first.note
        refused("wrong_state", lambda: registry.tick(move.agent, first.id))
        with transaction():
            registry.untick(move.agent, first.id)
        assert (first.done_at, first.note) == (None, "")
        with transaction():
            for task in tasks:
                registry.tick(move.agent, task.id)
        refused("registry_done", lambda: registry.untick(move.agent, first.id))
        assert len([subject for subject in steps_told(move.new.id) if "registr" in subject.lower()]) == 1
        admin = factories.actor_of(factories.make_staff(Role.ADMIN))
        refused("not_allowed", lambda: registry.tick(admin, first.id))
        done = select(AuditEntry).where(AuditEntry.action == "registry.ticked")
        assert len(list(session.scalars(done))) == 14  # seven ticks, on both accounts

    def test_what_is_overdue_and_what_is_open_for_an_account(self, clock: Clock) -> None:
        move, _tasks = self.executed()
        assert not registry.tasks_due(overdue=True)
        assert registry.open_domains(move.old.id) == registry.open_domains(move.new.id) == [(move.ref, "jasen.rs")]
        clock.advance(timedelta(days=30))
        assert len(registry.tasks_due(overdue=True)) == 6

    @pytest.mark.parametrize("reported", [False, True])
    def test_a_reversal_drops_what_the_registry_has_not_done(self, reported: bool) -> None:
        move, tasks = self.executed()
        with transaction():
            for task in tasks if reported else tasks[:1]:
                registry.tick(move.agent, task.id)
        reversal = TestReversal()
        back = reversal.back(move)
        reversal.ask(move, back)
        back.approve()
        back.execute()
        assert len(registry.tasks_of(back.migration())) == (6 if reported else 0)
        for task in (tasks[0], tasks[-1]) if reported else tasks[:1]:
            refused("reversed", partial(registry.untick, move.agent, task.id))
        assert all(task.ended_at for task in registry.tasks_of(move.migration()))

    @pytest.mark.both
    def test_nothing_is_unticked_while_a_reversal_is_executed(self, app: Flask, session: Session) -> None:
        """Else it would stay open for good: the reversal has dropped what was open, and nothing drops it later."""
        move, tasks = self.executed()
        task_id = tasks[0].id
        with transaction():
            registry.tick(move.agent, task_id)
        reversal = TestReversal()
        back = reversal.back(move)
        reversal.ask(move, back)
        back.approve()
        digest, answers = back.digest(), []

        def untick() -> None:
            with app.app_context():
                try:
                    with transaction():
                        registry.untick(move.agent, task_id)
                    answers.append("done")
                except Refusal as refusal:
                    answers.append(refusal.code)
                finally:
                    db.session.remove()

        other = threading.Thread(target=untick)
        with transaction():
            migrate.execute(back.billing, back.ref, digest, uuid4().hex)
            other.start()
            other.join(0.3)  # it waits for the reversal, or is done by then
        other.join()
        assert answers == ["reversed"]
        session.expire_all()
        assert all(task.ended_at for task in registry.tasks_of(move.migration()))
