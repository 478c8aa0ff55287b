"""A migration by its rules: what it does, what it refuses, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.billing import migration as migrate
from console.billing.models import (
    Migration,
    MigrationItem,
    MigrationState,
    NumberSeries,
    Proforma,
    ProformaStatus,
    Storno,
)
from console.core.actor import SYSTEM
from console.core.errors import Conflict, NotFound, Refusal, Reused
from console.core.transaction import transaction
from console.customers import holds
from console.customers.models import (
    Customer,
    CustomerStatus,
    MemberRole,
    Membership,
    TaxStatus,
    Verification,
    VerificationKind,
)
from console.customers.rights import Right
from console.hosting import service as hosting
from console.hosting.models import Ownership, Service, ServiceStatus
from console.mail.models import Mail
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.factories import LineSpec
from tests.factories.migrations import Move, make_move

pytestmark = pytest.mark.usefixtures("session")


def refused(code: str, call: Callable[[], Any]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        call()
    assert caught.value.code == code
    return caught.value


# --- what it does ---------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_a_mixed_document_is_cancelled_and_made_again_for_both(session: Session) -> None:
    move = make_move().to_approved()
    (source,) = session.scalars(select(Proforma).where(Proforma.customer_id == move.old.id))
    answer = move.execute()

    session.expire_all()
    storno = session.scalars(select(Storno)).one()
    assert source.status is ProformaStatus.CANCELLED
    assert (storno.proforma_id, storno.total, storno.reason) == (source.id, -source.total, move.ref)
    theirs = session.scalars(select(Proforma).where(Proforma.customer_id == move.new.id)).one()
    rest = session.scalars(
        select(Proforma).where(Proforma.customer_id == move.old.id, Proforma.source_id.is_not(None))
    ).one()
    assert [line.service_id for line in theirs.lines] == [move.services[0].id]
    assert (theirs.net, rest.net) == (990_000, 450_050)
    assert (theirs.buyer["number"], rest.buyer["number"]) == (move.new.number, move.old.number)
    assert theirs.due_on == rest.due_on == source.due_on
    assert answer == {
        "migration": {"ref": move.ref, "state": "executed"},
        "cancelled": [
            {
                "number": source.number,
                "storno": storno.number,
                "customer": move.old.number,
                "total": source.total,
                "currency": "RSD",
            }
        ],
        "issued": [
            {
                "number": document.number,
                "customer": document.buyer["number"],
                "total": document.total,
                "currency": "RSD",
                "due_on": document.due_on.isoformat(),
            }
            for document in (theirs, rest)
        ],
        "credit": [],
    }


@pytest.mark.both
def test_the_service_its_domain_and_its_history_move(session: Session) -> None:
    move = make_move().to_approved()
    move.execute()
    service = session.get_one(Service, move.services[0].id)
    assert service.customer_id == move.new.id
    spells = list(session.scalars(select(Ownership).where(Ownership.service_id == service.id).order_by(Ownership.id)))
    assert [spell.customer_id for spell in spells] == [move.old.id, move.new.id]
    assert spells[0].to_at == spells[1].from_at
    assert (spells[1].to_at, spells[1].cause) == (None, move.ref)


def test_both_owners_are_mailed_and_learn_nothing_of_each_other(session: Session) -> None:
    move = make_move().to_approved()
    answer = move.execute()
    mails = {
        mail.customer_id: mail.text
        for mail in session.scalars(select(Mail).where(Mail.template == "migration_executed"))
    }
    theirs, rest = (row["number"] for row in answer["issued"])
    cancelled = answer["cancelled"][0]["number"]
    assert cancelled in mails[move.old.id]
    assert rest in mails[move.old.id]
    assert theirs not in mails[move.old.id]
    assert theirs in mails[move.new.id]
    assert cancelled not in mails[move.new.id]
    assert rest not in mails[move.new.id]


@pytest.mark.both
def test_each_step_is_on_the_record(session: Session) -> None:
    move = make_move().to_approved()
    move.execute()
    steps = (
        select(AuditEntry.action, AuditEntry.customer_id).where(AuditEntry.subject == move.ref).order_by(AuditEntry.id)
    )
    assert session.execute(steps).all() == [
        ("migration.requested", move.old.id),
        ("migration.approved", move.old.id),
        ("migration.executed", move.old.id),
        ("migration.executed", move.new.id),
    ]


def test_an_overdue_document_gets_a_new_term(session: Session, clock: Clock) -> None:
    move = make_move()
    clock.advance(timedelta(days=20))
    with transaction():
        verification = session.get_one(Verification, move.verification_id)
        verification.expires_at = clock.now() + timedelta(minutes=30)
    move.to_approved()
    plan = migrate.plan_for(move.migration())
    assert plan.steps[0].overdue
    move.execute()
    dues = set(session.scalars(select(Proforma.due_on).where(Proforma.migration_id.is_not(None))))
    assert dues == {factories.today() + timedelta(days=8)}


@pytest.mark.parametrize(
    ("status", "tax", "note"),
    [(TaxStatus.DOMESTIC, 198_000, None), (TaxStatus.ABROAD, 0, "abroad"), (TaxStatus.EXEMPT, 0, "exempt")],
)
def test_tax_follows_the_new_buyer(session: Session, status: TaxStatus, tax: int, note: str | None) -> None:
    move = make_move(new=factories.make_customer(tax_status=status)).to_approved()
    move.execute()
    theirs = session.scalars(select(Proforma).where(Proforma.customer_id == move.new.id)).one()
    assert (theirs.net, theirs.tax, theirs.tax_note) == (990_000, tax, note)


def exempt_document(old: Customer, services: list[Service]) -> Proforma:
    """Two lines of 9.900,00 without PDV, issued while their buyer was exempt."""
    return factories.make_proforma(old, [LineSpec(service, 990_000) for service in services])


def test_what_stays_is_copied_to_the_para(session: Session) -> None:
    old = factories.make_customer(tax_status=TaxStatus.EXEMPT)
    services = [factories.make_service(old), factories.make_service(old)]
    exempt_document(old, services)
    with transaction():  # since then the buyer is charged PDV; the document that was issued is not
        session.get_one(Customer, old.id).tax_status = TaxStatus.DOMESTIC
    make_move(old, services=services[:1]).to_approved().execute()
    rest = session.scalars(
        select(Proforma).where(Proforma.customer_id == old.id, Proforma.source_id.is_not(None))
    ).one()
    assert (rest.net, rest.tax, rest.total, rest.tax_note) == (990_000, 0, 990_000, "exempt")


def test_a_lost_exemption_is_previewed_and_needs_its_own_yes(session: Session) -> None:
    old = factories.make_customer(tax_status=TaxStatus.EXEMPT)
    services = [factories.make_service(old), factories.make_service(old)]
    document = exempt_document(old, services)
    move = make_move(old, services=services[:1])
    move.request()
    (change,) = migrate.plan_for(move.migration()).tax_changes
    assert (change.number, change.before.service_id) == (document.number, services[0].id)
    assert (change.before.total, change.after.total) == (990_000, 1_188_000)
    assert (change.note_before, change.note_after) == ("exempt", None)
    assert (change.status_before, change.status_after) == ("exempt", "domestic")

    before = state_of(session)
    error = refused("exemption_lost", lambda: move.approve(lose_exemption=False))
    assert error.details == {"concerns": [document.number]}
    assert state_of(session) == before
    move.approve()
    refused("exemption_lost", lambda: move.execute(lose_exemption=False))
    stale = move.digest()
    factories.make_proforma(old, [LineSpec(services[0], 5_000)])
    refused("stale_plan", lambda: move.execute(digest=stale))  # the yes was for what was seen, not for this
    move.execute()
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "migration.executed"))
    assert all(document.number in entry.data["exemption_lost"] for entry in entries)


def test_an_exemption_is_lost_where_the_pdv_rounds_to_nothing_too(session: Session) -> None:
    old = factories.make_customer(tax_status=TaxStatus.EXEMPT)
    service = factories.make_service(old)
    factories.make_proforma(old, [LineSpec(service, 2)])  # of 0,02 a fifth is less than half a para
    move = make_move(old, services=[service])
    move.request()
    assert move.migration() and migrate.plan_for(move.migration()).tax_changes[0].after.tax == 0
    refused("exemption_lost", lambda: move.approve(lose_exemption=False))


def test_an_exemption_that_goes_on_needs_no_yes(session: Session) -> None:
    """Between two buyers of one status, and where PDV falls away, nothing is lost."""
    for old_status, new_status in ((TaxStatus.EXEMPT, TaxStatus.EXEMPT), (TaxStatus.DOMESTIC, TaxStatus.EXEMPT)):
        old, new = (factories.make_customer(tax_status=status) for status in (old_status, new_status))
        service = factories.make_service(old)
        exempt_document(old, [service])
        move = make_move(old, new, [service])
        move.request()
        assert len(migrate.plan_for(move.migration()).tax_changes) == (old_status is not new_status)
        move.approve(lose_exemption=False)
        move.execute(lose_exemption=False)
        theirs = session.scalars(select(Proforma).where(Proforma.customer_id == new.id)).one()
        assert (theirs.tax, theirs.tax_note) == (0, "exempt")


def test_paid_and_cancelled_documents_stay_as_they_are(session: Session) -> None:
    old = factories.make_customer()
    service = factories.make_service(old)
    paid = factories.make_proforma(old, [service], paid=-1)
    cancelled = factories.make_proforma(old, [service], cancelled=True)
    move = make_move(old, services=[service]).to_approved()
    answer = move.execute()
    assert (answer["cancelled"], answer["issued"]) == ([], [])
    assert session.get_one(Proforma, paid.id).status is ProformaStatus.PAID
    assert session.get_one(Proforma, cancelled.id).status is ProformaStatus.CANCELLED


def test_a_document_with_only_moving_lines_leaves_nothing_behind(session: Session) -> None:
    old = factories.make_customer()
    services = [factories.make_service(old), factories.make_service(old)]
    factories.make_proforma(old, services)
    move = make_move(old, services=services).to_approved()
    answer = move.execute()
    assert [row["customer"] for row in answer["issued"]] == [move.new.number]


def test_an_imported_document_is_made_again_in_our_series(session: Session) -> None:
    old = factories.make_customer()
    service = factories.make_service(old)
    with transaction():
        from console.billing.service import LineDraft, draft_document

        external = draft_document(old, [LineDraft("Hosting", 500_00, service_id=service.id)], currency="EUR",
                                  due_on=factories.today())  # fmt: skip
        external.series, external.year, external.number, external.reference = "X", 2026, "2026/17-A", "17"
        session.add(external)
    move = make_move(old, services=[service]).to_approved()
    answer = move.execute()
    assert [row["number"] for row in answer["cancelled"]] == ["2026/17-A"]
    assert answer["issued"][0]["number"].startswith("PR-")
    assert answer["issued"][0]["currency"] == "EUR"


# --- what hangs together --------------------------------------------------------------------------------------------


def hosting_with(old: Customer) -> tuple[Service, Service, Service]:
    """A hosting, and the domain and the certificate hosted with it."""
    host = factories.make_service(old)
    return host, factories.make_service(old, hosted_with=host), factories.make_service(old, hosted_with=host)


@pytest.mark.both
@pytest.mark.parametrize("chosen", [0, 1], ids=["the host", "one hosted with it"])
def test_what_hangs_together_comes_along(session: Session, chosen: int) -> None:
    old = factories.make_customer()
    together = hosting_with(old)
    factories.make_proforma(old, [together[2]])
    move = make_move(old, services=[together[chosen]])
    answer = move.request()
    numbers = [service.number for service in together]
    assert answer["services"] == numbers
    assert answer["along"] == [number for number in numbers if number != together[chosen].number]
    assert answer["left_behind"] == []
    plan = migrate.plan_for(move.migration())
    assert [(service.number, service.along) for service in plan.services] == [
        (service.number, service is not together[chosen]) for service in together
    ]
    move.approve()
    assert len(move.execute()["issued"]) == 1, "its document went with it"
    session.expire_all()
    assert {service.customer_id for service in together} == {move.new.id}
    assert [service.hosted_with_id for service in together] == [None, together[0].id, together[0].id]


@pytest.mark.parametrize("left", [0, 1], ids=["the host", "one hosted with it"])
def test_staying_behind_is_asked_for_and_cuts_the_link(session: Session, left: int) -> None:
    old = factories.make_customer()
    host, first, second = hosting_with(old)
    stays, moves, moved = (host, first, {first}) if left == 0 else (first, host, {host, second})
    move = make_move(old, services=[moves])
    answer = move.request(leave=(stays.id,))
    assert answer["left_behind"] == [stays.number]
    assert set(answer["services"]) == {service.number for service in moved}
    (cut,) = migrate.plan_for(move.migration()).cuts
    assert (cut.hosted, cut.host, cut.stays) == (first.number, host.number, stays.number)
    move.approve()
    move.execute()
    session.expire_all()
    assert {service for service in (host, first, second) if service.customer_id == move.new.id} == moved
    assert first.hosted_with_id is None
    assert second.hosted_with_id == host.id, "what did not part hangs together still"
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "service.parted")).one()
    assert (entry.subject, entry.data["host"], entry.customer_id) == (first.number, host.number, move.old.id)
    mails = {
        mail.customer_id: mail.text
        for mail in session.scalars(select(Mail).where(Mail.template == "migration_executed"))
    }
    line = f"- {stays.product.name} · {stays.label}\n"
    assert line in mails[old.id].partition("Ovo ostaje kod Vas")[2]
    assert line not in mails[move.new.id]


def test_what_comes_along_is_held_to_the_same_rules(session: Session) -> None:
    old = factories.make_customer()
    host, first, second = hosting_with(old)
    with transaction():
        hosting.lock_transfer(factories.actor_of(factories.make_staff(Role.BILLING)), second, locked=True)
    move = make_move(old, services=[first])
    assert refused("transfer_locked", move.request).details == {"concerns": [second.number]}
    move.request(leave=(second.id,))
    assert {item.service_id for item in move.migration().items} == {host.id, first.id}


def test_a_service_hosted_since_the_request_is_not_torn_off(session: Session) -> None:
    move = make_move(factories.make_customer(), services=None).to_approved()
    late = factories.make_service(move.old, hosted_with=session.get_one(Service, move.service_ids[0]))
    assert refused("hosted_together", move.execute).details == {"concerns": [late.number]}
    with transaction():
        migrate.reject(move.billing, move.ref, "Pridružena je još jedna usluga")
    move.to_approved().execute()
    session.expire_all()
    assert late.customer_id == move.new.id


def test_no_verb_hosts_a_service_with_another_accounts(session: Session) -> None:
    host = factories.make_service(factories.make_customer())
    other = factories.make_customer()
    with pytest.raises(Conflict):
        factories.make_service(other, hosted_with=host)
    service = factories.make_service(other)
    with pytest.raises(IntegrityError), transaction():  # nor does any other way in
        service.hosted_with_id = host.id


# --- what it refuses ------------------------------------------------------------------------------------------------


def state_of(session: Session) -> list[Any]:
    """Everything a refused attempt must leave alone."""
    session.expire_all()
    tables = (Proforma, Storno, Migration, MigrationItem, Ownership, AuditEntry, Mail, NumberSeries)
    counts = [session.scalar(select(func.count()).select_from(table)) for table in tables]
    return [*counts, *session.execute(select(Service.id, Service.customer_id).order_by(Service.id))]


def test_without_a_verification_there_is_no_migration(session: Session) -> None:
    move = make_move()
    before = state_of(session)
    refused("unverified", lambda: move.request(verification=move.verification_id + 1_000))
    assert state_of(session) == before


def test_an_ended_or_expired_verification_counts_no_more(session: Session, clock: Clock) -> None:
    move = make_move()
    clock.advance(timedelta(minutes=31))
    refused("unverified", move.request)
    clock.advance(timedelta(minutes=-31))
    with transaction():
        session.get_one(Verification, move.verification_id).ended_at = clock.now()
    refused("unverified", move.request)


def test_a_colleagues_verification_is_not_mine() -> None:
    move = make_move()
    move.agent = factories.actor_of(factories.make_staff(Role.AGENT))
    refused("unverified", move.request)


def test_an_override_opens_no_migration() -> None:
    move = make_move()
    supervisor = factories.make_staff(Role.SUPERVISOR)
    override = factories.make_verification(supervisor, factories.owner_of(move.old), kind=VerificationKind.OVERRIDE)
    move.agent = factories.actor_of(supervisor)
    refused("unverified", lambda: move.request(verification=override.id))


def test_a_person_without_the_right_starts_nothing() -> None:
    move = make_move()
    everything_else = set(Right) - {Right.TRANSFER}
    user = factories.make_member(move.old, MemberRole.USER, rights=everything_else)
    agent = factories.make_staff(Role.AGENT)
    verification = factories.make_verification(agent, user)
    move.agent = factories.actor_of(agent)
    refused("no_right", lambda: move.request(verification=verification.id))


def test_a_right_taken_away_later_stops_approval_and_execution(session: Session) -> None:
    move = make_move()
    user = factories.make_member(move.old, MemberRole.USER, rights=[Right.TRANSFER])
    agent = factories.make_staff(Role.AGENT)
    verification = factories.make_verification(agent, user)
    move.agent, move.verification_id = factories.actor_of(agent), verification.id
    move.request()
    move.approve()
    with transaction():
        user.rights = []
    refused("no_right", move.execute)


@pytest.mark.parametrize("step", ["request", "approve", "execute"])
def test_a_security_hold_stops_every_step(session: Session, step: str) -> None:
    move = make_move()
    owner = factories.owner_of(move.old)
    steps = ["request", "approve", "execute"]
    for done in steps[: steps.index(step)]:
        getattr(move, done)()
    with transaction():
        holds.begin(SYSTEM, owner.person, "password_reset")
    refused("held", getattr(move, step))


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.ADMIN])
def test_only_billing_decides(role: Role) -> None:
    move = make_move()
    move.request()
    move.billing = factories.actor_of(factories.make_staff(role))
    with pytest.raises(NotFound):
        move.approve()
    with pytest.raises(NotFound):
        move.execute()


def test_an_admin_asks_for_nothing() -> None:
    move = make_move()
    move.agent = factories.actor_of(factories.make_staff(Role.ADMIN))
    with pytest.raises(NotFound):
        move.request()


def test_a_foreign_service_and_an_unknown_owner_are_one_answer(session: Session) -> None:
    """With either, the answer would tell whether an address owns an account here; each such try is on the record."""
    move = make_move()
    foreign = factories.make_service(factories.make_customer()).id
    known, twice, closed = (factories.owner_of(factories.make_customer()).person for _ in range(3))
    factories.make_customer(owner=twice)
    with transaction():
        session.scalars(
            select(Customer).join(Membership).where(Membership.person == closed)
        ).one().status = CustomerStatus.CLOSED
    own, stranger = move.services[0].id, "niko@example.test"
    tries = [
        *[((service,), to) for service in (foreign, 999_999_999) for to in (known.email, stranger)],
        *[((own,), to) for to in (stranger, twice.email, closed.email, "K-99999")],
        ((own, foreign), known.email),
    ]
    answers = {str(refused("no_match", lambda: move.request(services=s, to_customer=to))) for s, to in tries}  # noqa: B023
    assert len(answers) == 1
    noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "migration.refused")).all()
    assert [entry.data["to"] for entry in noted] == [to for _services, to in tries]
    assert {entry.customer_id for entry in noted} == {move.old.id} and not session.scalars(select(Migration)).all()


@pytest.mark.parametrize("target", ["K-99999", "K-", "", "K-10001; DROP", "niko@example.test", "K-999999999999", "Ж"])
def test_an_unknown_target_is_refused(target: str) -> None:
    move = make_move()
    refused("no_match", lambda: move.request(to_customer=target))


@pytest.mark.both
def test_the_target_may_be_named_by_its_owners_address() -> None:
    move = make_move()
    move.request(to_customer=factories.owner_of(move.new).person.email.upper())
    assert move.migration().to_customer_id == move.new.id


def test_the_same_owner_is_refused() -> None:
    move = make_move()
    refused("same_owner", lambda: move.request(to_customer=move.old.number))


@pytest.mark.parametrize("status", [CustomerStatus.CLOSED, CustomerStatus.SUSPENDED])
def test_a_closed_target_is_refused_at_every_step(session: Session, status: CustomerStatus) -> None:
    move = make_move()

    def set_status(value: CustomerStatus) -> None:
        with transaction():
            session.get_one(Customer, move.new.id).status = value

    set_status(status)
    refused("closed_target", move.request)
    set_status(CustomerStatus.ACTIVE)
    move.request()
    set_status(status)
    refused("closed_target", move.approve)
    set_status(CustomerStatus.ACTIVE)
    move.approve()
    set_status(status)
    refused("closed_target", move.execute)


def test_abuse_and_the_owners_lock_hold_a_service(session: Session) -> None:
    old = factories.make_customer()
    abuser, locked, ended = factories.make_abuser(old), factories.make_locked(old), factories.make_service(old)
    with transaction():
        ended.status = ServiceStatus.CANCELLED
    for service, code in ((abuser, "abuse"), (locked, "transfer_locked"), (ended, "cancelled_service")):
        move = make_move(old, services=[service])
        error = refused(code, move.request)
        assert error.details == {"concerns": [service.number]}


def test_a_lock_set_after_the_request_stops_the_execution(session: Session) -> None:
    move = make_move().to_approved()
    with transaction():
        hosting.lock_transfer(move.billing, session.get_one(Service, move.services[0].id), locked=True)
    refused("transfer_locked", move.execute)


@pytest.mark.both
def test_a_service_is_in_one_migration_at_a_time() -> None:
    move = make_move()
    move.request()
    refused("in_migration", move.request)
    with transaction():
        migrate.withdraw(move.agent, move.ref, "Predomislio se")
    move.request()


def test_a_payment_between_preview_and_execution_stops_it(session: Session) -> None:
    move = make_move().to_approved()
    digest = move.digest()
    with transaction():
        document = session.scalars(select(Proforma).where(Proforma.customer_id == move.old.id)).one()
        factories.pay_proforma(document, document.total)
    refused("stale_plan", lambda: move.execute(digest=digest))


@pytest.mark.both
@pytest.mark.parametrize("change", ["new document", "buyer", "service renamed", "next day"])
def test_a_stale_preview_is_refused(session: Session, clock: Clock, change: str) -> None:
    move = make_move().to_approved()
    digest = move.digest()
    before = state_of(session)
    if change == "new document":
        factories.make_proforma(move.old, [LineSpec(move.services[0], 5_000)])
    elif change == "next day":
        clock.advance(timedelta(days=1))
    else:
        with transaction():
            if change == "buyer":
                session.get_one(Customer, move.new.id).address = "Nova adresa 7"
            else:
                session.get_one(Service, move.services[0].id).label = "drugo.example.rs"
    error = refused("stale_plan", lambda: move.execute(digest=digest))
    assert isinstance(error, Conflict)
    if change != "new document":
        assert state_of(session) == before
    move.execute()


@pytest.mark.both
def test_nothing_is_executed_before_its_approval_or_twice() -> None:
    move = make_move()
    move.request()
    refused("wrong_state", move.execute)
    move.approve()
    refused("wrong_state", move.approve)
    move.execute()
    refused("wrong_state", move.execute)


def test_a_rejected_request_is_over_and_the_owner_reads_why(session: Session) -> None:
    move = make_move()
    move.request()
    with transaction():
        migrate.reject(move.billing, move.ref, "Dugovanje u sporu")
    refused("wrong_state", move.approve)
    mail = session.scalars(select(Mail).where(Mail.template == "migration_rejected")).one()
    assert "Dugovanje u sporu" in mail.text
    assert not any(item.open for item in move.migration().items)


@pytest.mark.both
def test_a_request_expires_when_nobody_decides(session: Session, clock: Clock) -> None:
    move = make_move()
    move.request()
    clock.advance(timedelta(days=31))
    refused("expired", move.approve)
    with transaction():
        assert migrate.expire_due() == 1
    with transaction():
        assert migrate.expire_due() == 0
    assert move.migration().state is MigrationState.EXPIRED
    assert not any(item.open for item in move.migration().items)


def test_withdrawing_is_for_whoever_asked_and_for_billing() -> None:
    move = make_move()
    move.request()
    stranger = factories.actor_of(factories.make_staff(Role.AGENT))
    with pytest.raises(NotFound), transaction():
        migrate.withdraw(stranger, move.ref, "Nije moje")
    with transaction():
        migrate.withdraw(move.billing, move.ref, "Vlasnik odustao")
    assert move.migration().state is MigrationState.WITHDRAWN


@pytest.mark.parametrize("ref", ["M-9999", "M-", "", "x", "M-1'--", "M-99999999999999", "M-٣"])
def test_an_unknown_migration_is_not_there(ref: str, actor: Callable[[str], Any]) -> None:
    with pytest.raises(NotFound), transaction():
        migrate.execute(actor("billing"), ref, "0" * 64, "key")


# --- idempotency ----------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_a_repeated_call_gets_the_first_answer(session: Session) -> None:
    move = make_move().to_approved()
    digest = move.digest()
    first = move.execute(digest=digest, key="one")
    after = state_of(session)
    assert move.execute(digest=digest, key="one") == first
    assert state_of(session) == after


@pytest.mark.both
def test_a_key_serves_one_request_only() -> None:
    move = make_move().to_approved()
    digest = move.digest()
    move.execute(digest=digest, key="one")
    error = refused("conflict", lambda: move.execute(digest="f" * 64, key="one"))
    assert isinstance(error, Reused)


@pytest.mark.parametrize("key", ["", "k" * 101, "line\nbreak"])
def test_a_key_must_be_one(key: str) -> None:
    move = make_move().to_approved()
    refused("key_missing", lambda: move.request(key=key))


@pytest.mark.both
def test_a_refused_attempt_does_not_use_its_key_up(session: Session) -> None:
    move = make_move().to_approved()
    key = uuid4().hex
    refused("stale_plan", lambda: move.execute(digest="0" * 64, key=key))
    assert move.execute(key=key)["migration"]["state"] == "executed"


def test_moves_compare_by_person_not_by_name() -> None:
    """Two owners of one name stay two: parties are compared by account."""
    one, two = factories.make_customer(name="Isto Ime"), factories.make_customer(name="Isto Ime")
    move: Move = make_move(one, two)
    assert move.to_approved().execute()["migration"]["state"] == "executed"
