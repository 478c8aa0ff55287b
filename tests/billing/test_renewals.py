"""Renewals: billed ahead, once for each period whatever happens; reminders; expiry; suspension requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing import migration as migrate
from console.billing.issuing import cancelling
from console.billing.migration.scheduling import MOST_DAYS
from console.billing.models import BilledPeriod, Proforma, ProformaStatus, Storno
from console.billing.payments.service import correct_credit, use_credit
from console.billing.renewals import ending, generating, jobs, reminders, suspensions
from console.billing.renewals.models import ProformaReminder, SuspensionRequest, SuspensionState
from console.billing.service import today
from console.core.actor import SYSTEM
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.settings import Settings
from console.core.transaction import transaction
from console.customers.models import Customer, CustomerStatus
from console.hosting import service as hosting
from console.hosting.models import Service, ServiceStatus, SuspensionReason
from console.mail.models import Mail
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.factories.migrations import make_move

DAY = timedelta(days=1)
once_only = pytest.mark.only("sqlite")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Automatic billing on."""
    return replace(settings, renewals=True)


@pytest.fixture
def customer(session: Session) -> Customer:
    return factories.make_customer()


def ending_in(customer: Customer, days: int, **more: Any) -> Service:
    return factories.make_service(customer, paid_until=today() + timedelta(days=days), **more)


def proformas() -> list[Proforma]:
    db.session.expire_all()
    return list(db.session.scalars(select(Proforma).order_by(Proforma.id)))


def pay(proforma: Proforma) -> None:
    with transaction():
        correct_credit(SYSTEM, proforma.customer_id, proforma.currency, proforma.owed, "Uplata", uuid4().hex)
        use_credit(SYSTEM, proforma)


# Generating --------------------------------------------------------------------------------------------------------


@once_only
def test_what_is_due_is_billed_once_on_one_document_and_mailed(customer: Customer) -> None:
    one, two = ending_in(customer, 30), ending_in(customer, 30, price=500_000)
    later, off = ending_in(customer, 31), ending_in(customer, 10, auto_renew=False)
    sooner = ending_in(customer, 5)
    assert generating.generate() == 2
    assert generating.generate() == 0
    first, second = proformas()
    assert [line.service_id for line in first.lines] == [sooner.id]
    assert [line.service_id for line in second.lines] == [one.id, two.id]
    assert (second.due_on, second.net) == (one.paid_until, one.price + 500_000)
    line = second.lines[0]
    assert line.period_from == one.paid_until + DAY and one.label in line.description
    assert db.session.scalar(select(func.count()).where(Mail.template == "proforma_issued")) == 2
    billed = set(db.session.scalars(select(BilledPeriod.service_id)))
    assert billed == {one.id, two.id, sooner.id} and {later.id, off.id}.isdisjoint(billed)


@once_only
def test_paying_renews_and_the_next_period_follows(customer: Customer, clock: Clock) -> None:
    service = ending_in(customer, 10, period_months=1)
    generating.generate()
    (made,) = proformas()
    until = made.lines[0].period_to
    pay(made)
    assert db.session.get_one(Service, service.id).paid_until == until
    clock.advance(timedelta(days=31))
    assert generating.generate() == 1
    assert until and proformas()[1].lines[0].period_from == until + DAY


@once_only
def test_an_unpaid_period_is_not_followed_by_another(customer: Customer, clock: Clock) -> None:
    ending_in(customer, 3, period_months=1)
    generating.generate()
    clock.advance(timedelta(days=33))
    assert generating.generate() == 0


@once_only
def test_other_currencies_and_accounts_have_documents_of_their_own(customer: Customer, settings: Settings) -> None:
    ending_in(customer, 9), ending_in(customer, 9, currency="EUR"), ending_in(factories.make_customer(), 9)
    assert generating.generate() == 3
    due = [generating.Due(key, 1, "RSD", today()) for key in (1, 2)]
    assert len(generating.grouped(due, together=False)) == 2 and len(generating.grouped(due, together=True)) == 1
    assert settings.renewals_together


@once_only
@pytest.mark.parametrize("state", ["cancelled", "suspended", "closed", "long ago", "elsewhere", "billed by hand"])
def test_what_is_not_billed(customer: Customer, state: str) -> None:
    service = ending_in(customer, -100 if state == "long ago" else 5)
    if state == "elsewhere":
        document = factories.make_proforma(customer, [service])
        with transaction() as session:
            session.connection().execute(
                Proforma.__table__.update().where(Proforma.id == document.id).values(series="X")  # type: ignore[attr-defined]
            )
    elif state == "billed by hand":
        with transaction():
            assert generating.bill(generating.find_due())
    else:
        with transaction():
            service.status = {"cancelled": ServiceStatus.CANCELLED, "suspended": ServiceStatus.SUSPENDED}.get(
                state, ServiceStatus.ACTIVE
            )
            if state == "closed":
                customer.status = CustomerStatus.CLOSED
    assert generating.generate() == 0


@once_only
def test_nothing_happens_where_it_is_off(customer: Customer, app: Flask, make_app: Any, settings: Settings) -> None:
    ending_in(customer, 5)
    db.session.rollback()
    with make_app(replace(settings, renewals=False)).app_context():
        jobs.run()
    assert proformas() == []


@once_only
def test_a_crash_in_the_middle_bills_nothing_twice_and_leaves_the_rest(customer: Customer) -> None:
    ending_in(customer, 5), ending_in(customer, 6)
    first, second = generating.grouped(generating.find_due(), together=True)

    def crash(_document: Proforma) -> None:
        raise KeyboardInterrupt  # as when the process ends after the document got its number

    with pytest.raises(KeyboardInterrupt), transaction():
        generating.bill(first, crash)
    assert proformas() == [] and db.session.scalar(select(func.count()).select_from(Mail)) == 0
    with transaction():
        generating.bill(second)
    assert generating.generate() == 1
    assert [one.sequence for one in proformas()] == [1, 2]


@pytest.mark.both
def test_two_workers_at_once_bill_each_period_once(
    app: Flask, session: Session, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    customers = [factories.make_customer() for _ in range(4)]
    for customer in customers:
        ending_in(customer, 5), ending_in(customer, 5), ending_in(customer, 8)
    session.rollback()

    def work() -> None:
        with app.app_context():
            try:
                generating.generate()
            finally:
                db.session.remove()

    in_threads(work, 4)
    made = proformas()
    assert [one.sequence for one in made] == list(range(1, 9))
    periods = session.execute(select(BilledPeriod.service_id, func.count()).group_by(BilledPeriod.service_id)).all()
    assert len(periods) == 12 and {count for _service, count in periods} == {1}


@once_only
def test_a_service_in_a_migration_waits_and_its_owner_then_is_billed(session: Session) -> None:
    old = factories.make_customer()
    service = ending_in(old, 10)
    move = make_move(old, None, [service]).to_approved()
    assert generating.generate() == 0
    digest = move.digest()
    assert generating.generate() == 0 and move.digest() == digest  # what was previewed is still what would be done
    move.execute(digest=digest)
    assert generating.generate() == 1
    (made,) = [one for one in proformas() if one.migration_id is None and one.lines[0].period_from]
    assert made.customer_id == move.new.id


@once_only
def test_a_service_that_waited_long_for_its_day_is_billed_then(
    session: Session, clock: Clock, settings: Settings
) -> None:
    """It is neither billed nor does it expire while it waits: forgotten then, it would be served for nothing."""
    service = ending_in(factories.make_customer(), 20, period_months=1)
    move = make_move(service.customer, None, [service]).to_approved()
    on = today() + timedelta(days=MOST_DAYS)
    digest = migrate.plan_for(move.migration(), on).digest
    with transaction():
        migrate.schedule(move.billing, move.ref, digest, on, uuid4().hex)
    clock.set(datetime.combine(on, time(12), tzinfo=settings.zone))  # of that day, whatever the time is now
    jobs.run()
    assert migrate.execute_due() == 1
    assert generating.generate() == 1
    assert proformas()[-1].customer_id == move.new.id
    clock.advance(timedelta(days=7))
    jobs.run()
    assert db.session.get_one(Service, service.id).status is ServiceStatus.ACTIVE, "its bill is not overdue yet"


@once_only
def test_credit_is_used_first_where_the_customer_wants_it(customer: Customer) -> None:
    service = ending_in(customer, 10)
    with transaction():
        correct_credit(SYSTEM, customer.id, "RSD", 10_000_000, "Poklon", uuid4().hex)
        customer.credit_first = True
    before = service.paid_until
    generating.generate()
    assert proformas()[0].status is ProformaStatus.PAID
    assert db.session.get_one(Service, service.id).paid_until > before


# Reminders ---------------------------------------------------------------------------------------------------------


def reminded() -> list[int | None]:
    return list(db.session.scalars(select(ProformaReminder.step).order_by(ProformaReminder.id)))


@once_only
def test_each_reminder_is_sent_once_and_missed_ones_are_not_piled_up(customer: Customer, clock: Clock) -> None:
    ending_in(customer, 20)
    generating.generate()
    sent = []
    for days in (12, 1, 0, 6, 1, 3, 1, 14, 30):  # until 8, 7, 7, 1, 0 days before it is due, then 3, 4, 18, 48 after
        clock.advance(timedelta(days=days))
        reminders.remind_due()
        sent.append(reminded())
    assert sent == [[], [-7], [-7], [-7, -1], [-7, -1], [-7, -1, 3], [-7, -1, 3], [-7, -1, 3], [-7, -1, 3]]
    assert db.session.scalar(select(func.count()).where(Mail.template == "proforma_reminder")) == 3


@once_only
def test_what_is_paid_is_not_reminded_of(customer: Customer, clock: Clock) -> None:
    ending_in(customer, 20)
    generating.generate()
    pay(proformas()[0])
    clock.advance(timedelta(days=13))
    assert reminders.remind_due() == 0


@once_only
def test_a_person_reminds_at_most_once_a_day(customer: Customer) -> None:
    made = factories.make_proforma(customer, issued_days_ago=10, due_in_days=5)
    billing, agent = factories.make_staff(Role.BILLING).actor(), factories.make_staff(Role.AGENT).actor()
    with pytest.raises(NotFound), transaction():
        reminders.remind(agent, made.id)
    with transaction():
        reminders.remind(billing, made.id)
    with pytest.raises(Conflict) as caught, transaction():
        reminders.remind(billing, made.id)
    assert caught.value.code == "reminded"
    with transaction():
        reminders.send_again(billing, made.id)
    actions = set(db.session.scalars(select(AuditEntry.action).where(AuditEntry.subject == made.number)))
    assert {"proforma.reminded", "proforma.sent"} <= actions


@pytest.mark.both
def test_two_workers_remind_once(
    app: Flask, session: Session, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    for _ in range(3):
        factories.make_proforma(factories.make_customer(), issued_days_ago=20, due_in_days=15)  # 5 days overdue
    session.rollback()

    def work() -> None:
        with app.app_context():
            try:
                reminders.remind_due()
            finally:
                db.session.remove()

    in_threads(work, 4)
    assert reminded() == [3, 3, 3]


# Expiry and suspension ---------------------------------------------------------------------------------------------


@once_only
def test_a_service_expires_after_its_grace_and_paying_brings_it_back(customer: Customer, clock: Clock) -> None:
    service = ending_in(customer, 10)
    not_renewed = ending_in(customer, 10, auto_renew=False)
    generating.generate()
    clock.advance(timedelta(days=40))
    assert ending.expire_due() == 0
    clock.advance(DAY)
    assert ending.expire_due() == 2
    assert {service.status, not_renewed.status} == {ServiceStatus.EXPIRED}
    pay(proformas()[0])
    assert db.session.get_one(Service, service.id).status is ServiceStatus.ACTIVE


@once_only
def test_what_was_never_billed_does_not_expire(session: Session, clock: Clock) -> None:
    old = factories.make_customer()
    service = ending_in(old, 2)
    move = make_move(old, None, [service])
    move.request()
    clock.advance(timedelta(days=29))
    jobs.run()
    assert service.status is ServiceStatus.ACTIVE and proformas() == []
    clock.advance(timedelta(days=10))
    from console.billing.migration import expire_due

    with transaction():
        expire_due()
    jobs.run()
    (made,) = proformas()
    assert made.due_on > today() and service.status is ServiceStatus.ACTIVE
    clock.advance(timedelta(days=30))
    assert ending.expire_due() == 0  # as long after the document was due as any other
    clock.advance(timedelta(days=10))
    assert ending.expire_due() == 1


@once_only
def test_a_suspension_is_asked_for_once_and_decided_by_a_person(customer: Customer, clock: Clock) -> None:
    one, two = ending_in(customer, 10), ending_in(customer, 10)
    generating.generate()
    clock.advance(timedelta(days=26))
    assert ending.request_suspensions() == 2 and ending.request_suspensions() == 0
    first, second = db.session.scalars(select(SuspensionRequest).order_by(SuspensionRequest.service_id))
    billing, agent = factories.make_staff(Role.BILLING).actor(), factories.make_staff(Role.AGENT).actor()
    with pytest.raises(NotFound), transaction():
        suspensions.carry_out(agent, first.id)
    with pytest.raises(NotFound), transaction():
        suspensions.decline(agent, first.id, "Ne")
    with transaction():
        suspensions.carry_out(billing, first.id)
    assert (one.status, one.suspension) == (ServiceStatus.SUSPENDED, SuspensionReason.UNPAID)
    with pytest.raises(Conflict), transaction():
        suspensions.carry_out(billing, first.id)
    with pytest.raises(Invalid), transaction():
        suspensions.decline(billing, second.id, " ")
    with transaction():
        suspensions.decline(billing, second.id, "Dogovoreno produženje")
    assert two.status is ServiceStatus.ACTIVE and ending.request_suspensions() == 0
    pay(proformas()[0])
    assert db.session.get_one(Service, one.id).status is ServiceStatus.ACTIVE


@once_only
def test_a_suspension_by_mistake_is_undone_by_a_person(customer: Customer, clock: Clock) -> None:
    service = ending_in(customer, 10)
    generating.generate()
    clock.advance(timedelta(days=26))
    ending.request_suspensions()
    key = db.session.scalars(select(SuspensionRequest.id)).one()
    billing, agent = factories.make_staff(Role.BILLING).actor(), factories.make_staff(Role.AGENT).actor()
    with pytest.raises(Conflict), transaction():
        suspensions.restore(billing, key, "Zabuna")
    with transaction():
        suspensions.carry_out(billing, key)
    with pytest.raises(NotFound), transaction():
        suspensions.restore(agent, key, "Zabuna")
    with pytest.raises(Invalid), transaction():
        suspensions.restore(billing, key, " ")
    with transaction():
        request = suspensions.restore(billing, key, "Zabuna")
    assert (service.status, service.suspension) == (ServiceStatus.ACTIVE, None)
    assert (request.state, request.reason) == (SuspensionState.DECLINED, "Zabuna")
    assert ending.request_suspensions() == 0, "the same document does not ask again"
    restored = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "service.restored")).one()
    assert (restored.subject, restored.actor_id) == (service.number, billing.id)
    with transaction():
        hosting.suspend(SYSTEM, service, SuspensionReason.ABUSE)
    with pytest.raises(Conflict), transaction():
        suspensions.restore(billing, key, "Zabuna")


@once_only
@pytest.mark.parametrize("reason", [SuspensionReason.UNPAID, SuspensionReason.REQUEST])
def test_a_service_that_came_suspended_is_restored_by_a_person(customer: Customer, reason: SuspensionReason) -> None:
    service = factories.make_suspended(customer, reason)
    assert suspensions.suspended_without_request(5) == [service]
    billing, agent = factories.make_staff(Role.BILLING).actor(), factories.make_staff(Role.AGENT).actor()
    with pytest.raises(NotFound), transaction():
        suspensions.restore_service(agent, service.id, "Prodavac javio")
    with pytest.raises(Invalid), transaction():
        suspensions.restore_service(billing, service.id, " ")
    with transaction():
        suspensions.restore_service(billing, service.id, "Prodavac javio")
    assert (service.status, service.suspension) == (ServiceStatus.ACTIVE, None)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "service.restored")).one()
    assert entry.data == {"reason": "Prodavac javio", "was": reason.value}
    with pytest.raises(Conflict), transaction():
        suspensions.restore_service(billing, service.id, "Prodavac javio")
    assert suspensions.suspended_without_request(5) == []


@once_only
def test_one_suspended_for_abuse_is_restored_by_a_supervisor_alone(customer: Customer) -> None:
    service = factories.make_abuser(customer)
    assert suspensions.suspended_without_request(5) == []
    billing = factories.make_staff(Role.BILLING).actor()
    supervisor = factories.make_staff(Role.SUPERVISOR).actor()
    with pytest.raises(NotFound), transaction():
        suspensions.restore_service(billing, service.id, "Očišćen")
    with transaction():
        suspensions.restore_service(supervisor, service.id, "Očišćen")
    assert service.status is ServiceStatus.ACTIVE
    for again in (supervisor, billing):
        with pytest.raises(Conflict), transaction():
            suspensions.restore_service(again, service.id, "Očišćen")


@once_only
def test_a_service_restored_on_its_own_page_settles_its_request(customer: Customer, clock: Clock) -> None:
    service = ending_in(customer, 10)
    generating.generate()
    clock.advance(timedelta(days=26))
    ending.request_suspensions()
    billing = factories.make_staff(Role.BILLING).actor()
    key = db.session.scalars(select(SuspensionRequest.id)).one()
    with transaction():
        suspensions.carry_out(billing, key)
    assert suspensions.suspended_without_request(5) == []
    with transaction():
        suspensions.restore_service(billing, service.id, "Zabuna")
    request = db.session.get_one(SuspensionRequest, key)
    assert (request.state, request.reason) == (SuspensionState.DECLINED, "Zabuna")
    assert ending.request_suspensions() == 0


@once_only
def test_a_request_closes_when_it_was_paid(customer: Customer, clock: Clock) -> None:
    ending_in(customer, 10)
    generating.generate()
    clock.advance(timedelta(days=26))
    ending.request_suspensions()
    pay(proformas()[0])
    ending.request_suspensions()
    closed = db.session.scalars(select(SuspensionRequest)).one()
    assert (closed.state, closed.reason) == (SuspensionState.DECLINED, ""), "a worker has no reader's language"


@once_only
def test_a_suspended_service_whose_bill_was_cancelled_gets_another_and_is_restored_by_it(customer: Customer) -> None:
    """Else it has nothing to pay, and stays suspended for ever."""
    service = ending_in(customer, 10)
    generating.generate()
    billing = factories.make_staff(Role.BILLING).actor()
    with transaction():
        hosting.suspend(SYSTEM, service, SuspensionReason.UNPAID)
    assert generating.generate() == 0
    with transaction():
        cancelling.storno(billing, proformas()[0].id, "Pogrešna cena", uuid4().hex)
    assert generating.generate() == 1
    pay(proformas()[1])
    assert db.session.get_one(Service, service.id).status is ServiceStatus.ACTIVE


# Renewals that are void --------------------------------------------------------------------------------------------


@once_only
def test_a_renewal_goes_with_its_service_and_the_rest_stays(customer: Customer) -> None:
    gone, stays = ending_in(customer, 10), ending_in(customer, 10, price=700_000)
    generating.generate()
    (first,) = proformas()
    with transaction():
        correct_credit(SYSTEM, customer.id, "RSD", 100_000, "Uplata", uuid4().hex)
        use_credit(SYSTEM, first, 100_000)
        gone.status = ServiceStatus.CANCELLED
    jobs.run()
    first, second = proformas()
    assert first.status is ProformaStatus.CANCELLED and gone.number in db.session.scalars(select(Storno)).one().reason
    assert [line.service_id for line in second.lines] == [stays.id] and second.source_id == first.id
    assert (second.net, second.due_on, second.paid) == (700_000, first.due_on, 100_000)
    assert second.lines[0].source_line_id == first.lines[1].id
    periods = db.session.execute(select(BilledPeriod.service_id, BilledPeriod.proforma_line_id)).all()
    assert periods == [(stays.id, second.lines[0].id)]
    mail = db.session.scalars(select(Mail).where(Mail.template == "proforma_cancelled")).one()
    assert second.number in mail.text
    jobs.run()
    assert len(proformas()) == 2


@once_only
def test_a_renewal_that_is_void_whole_is_cancelled_alone(customer: Customer) -> None:
    service = ending_in(customer, 10)
    generating.generate()
    with transaction():
        service.status = ServiceStatus.CANCELLED
    assert ending.cancel_void() == 1 and ending.cancel_void() == 0
    assert [one.status for one in proformas()] == [ProformaStatus.CANCELLED]


@once_only
def test_the_storno_of_a_void_renewal_gives_its_reason_in_its_own_language(customer: Customer) -> None:
    with transaction():
        customer.language = "en"
    service = ending_in(customer, 10)
    generating.generate()
    with transaction():
        service.status = ServiceStatus.CANCELLED
    ending.cancel_void()
    assert "no longer on this account" in db.session.scalars(select(Storno)).one().reason


@once_only
def test_after_a_storno_by_hand_the_period_is_billed_again(customer: Customer) -> None:
    ending_in(customer, 10)
    generating.generate()
    billing = factories.make_staff(Role.BILLING).actor()
    with transaction():
        cancelling.storno(billing, proformas()[0].id, "Pogrešna cena", uuid4().hex)
    assert generating.generate() == 1
    assert [one.status for one in proformas()] == [ProformaStatus.CANCELLED, ProformaStatus.OPEN]
