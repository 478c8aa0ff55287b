"""Several processes race for one service: one outcome, the books right, and the loser is told why."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.billing import periods
from console.billing.models import ACTIVE_STATUSES, BilledPeriod, Migration, MigrationState, Proforma, ProformaStatus
from console.billing.payments.models import Payment
from console.billing.renewals import generating
from console.core.settings import Settings
from console.hosting.models import Ownership, Service
from tests import factories
from tests.billing.ledger import check_books
from tests.billing.racer import Answer, Job, racers
from tests.factories import LineSpec
from tests.factories.migrations import Move, make_move

pytestmark = [pytest.mark.both, pytest.mark.long]
CLIENTS = 32
IN_MIGRATION = ("in_migration", "One of the services is already being migrated.")
STALE = ("stale_plan", "Nothing was changed because the data no longer matches the preview. Check the new preview.")
NO_MATCH = (
    "Check the services and the new owner. Every service must belong to the verified account, and the new owner needs "
    "an open account. If they have several, enter the account number."
)
NOT_THEIRS = ("no_match", NO_MATCH)
DECIDED = ("wrong_state", "The status of this migration has changed in the meantime. Nothing was done.")
BELONGS_TO_ANOTHER = "A service on this document belongs to another customer."
Race = Callable[[Sequence[Job]], list[Answer]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Automatic billing on."""
    return replace(settings, renewals=True)


@pytest.fixture
def race(session: Session, settings: Settings) -> Iterator[Race]:
    session.rollback()
    with racers(settings, 3) as race:
        yield race


def executing(move: Move) -> Job:
    return {"verb": "execute", "staff": move.billing.id, "ref": move.ref, "digest": move.digest()}


def requesting(move: Move) -> Job:
    (service_id,) = move.service_ids
    return {
        "verb": "request", "staff": move.agent.id, "service": service_id, "target": move.target,
        "verification": move.verification_id,
    }  # fmt: skip


def rival_of(move: Move) -> Move:
    """Return the same service's move to a third account."""
    return make_move(move.old, factories.make_customer(), move.services)


def owner(session: Session, move: Move) -> int:
    return session.get_one(Service, move.service_ids[0]).customer_id


def test_one_outcome_whoever_wins(
    race: Race,
    session: Session,
    samples: Callable[[int, int], int],
    rng: random.Random,
    proof: Callable[[str], None],
) -> None:
    rounds, outcomes = samples(40, 1), Counter[str]()
    for _ in range(rounds):
        for contest in (two_requests, a_request, a_payment, a_renewal, a_document):
            outcomes[contest(race, session, rng)] += 1
            session.rollback()
            check_books(session)
            session.rollback()
    summary = ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items()))
    proof(f"{rounds} races of each kind between three processes: {summary}; the books right, each loser told why")


def two_requests(race: Race, session: Session, _rng: random.Random) -> str:
    """A→B in parallel with A→C: one request is stored."""
    move = make_move(services=[], old=factories.make_customer())
    rival = rival_of(move)
    jobs = [requesting(move), requesting(rival)]
    session.rollback()
    answers = race(jobs)
    winner = next(place for place, (outcome, _) in enumerate(answers) if outcome == "done")
    assert answers[1 - winner] == IN_MIGRATION
    stored = select(Migration.to_customer_id).where(Migration.from_customer_id == move.old_id)
    assert list(session.scalars(stored)) == [(move, rival)[winner].new.id]
    return "A→B requested first:" if winner == 0 else "A→C requested first:"


def a_request(race: Race, session: Session, _rng: random.Random) -> str:
    """A→B is executed while A→C is requested: never both, and C is told whichever it was."""
    move = make_move(services=[], old=factories.make_customer()).to_approved()
    jobs = [requesting(rival_of(move)), executing(move)]
    session.rollback()
    requested, executed = race(jobs)
    assert executed == ("done", "executed")
    assert requested in (IN_MIGRATION, NOT_THEIRS)
    session.expire_all()
    assert owner(session, move) == move.new.id
    return f"A→C beside an execution, {requested[0]}:"


def a_payment(race: Race, session: Session, _rng: random.Random) -> str:
    """It was paid before and stays, or it moved and the payment waits in the queue, which says why."""
    hosting = factories.make_service(factories.make_customer())
    document = factories.make_proforma(hosting.customer, [LineSpec(hosting, period=periods.next_period(hosting))])
    until, document_id, total = hosting.paid_until, document.id, document.total
    move = make_move(hosting.customer, services=[hosting]).to_approved()
    paying = {"verb": "pay", "reference": document.reference, "amount": total}
    jobs = [executing(move), paying, executing(move)]
    session.rollback()
    first, paid, second = race(jobs)
    session.expire_all()
    status = session.get_one(Proforma, document_id).status
    if paid == ("done", "matched"):
        assert first == second == STALE
        assert (owner(session, move), status) == (move.old_id, ProformaStatus.PAID)
        return "paid before the move:"
    assert paid == ("done", "unmatched cancelled")
    assert sorted([first, second]) == [("done", "executed"), DECIDED]
    assert (owner(session, move), status) == (move.new.id, ProformaStatus.CANCELLED)
    assert session.get_one(Service, move.service_ids[0]).paid_until == until
    return "moved before the payment:"


def a_renewal(race: Race, session: Session, _rng: random.Random) -> str:
    """Two workers bill what is due while the service moves: once, and the owner of that day."""
    hosting = factories.make_service(factories.make_customer(), paid_until=factories.today() + timedelta(days=9))
    move = make_move(hosting.customer, services=[hosting]).to_approved()
    jobs: list[Job] = [executing(move), {"verb": "renew"}, {"verb": "renew"}]
    session.rollback()
    executed, one, other = race(jobs)
    assert executed == ("done", "executed"), "a renewal waits for an open migration"
    assert (one[0], other[0]) == ("done", "done")
    billed = one[1] + other[1]
    assert billed + generating.generate() == 1
    session.expire_all()
    (period,) = session.scalars(select(BilledPeriod).where(BilledPeriod.service_id == move.service_ids[0]))
    assert period.line.proforma.customer_id == owner(session, move) == move.new.id
    return f"renewals beside a move, {'in the race' if billed else 'after it'}:"


def a_document(race: Race, session: Session, _rng: random.Random) -> str:
    """It is made before, and the preview no longer holds; or the service has gone, and whoever makes it is told."""
    move = make_move(services=[], old=factories.make_customer()).to_approved()
    (service_id,) = move.service_ids
    issuing = {"verb": "issue", "customer": move.old_id, "service": service_id}
    jobs = [issuing, executing(move)]
    session.rollback()
    issued, executed = race(jobs)
    session.expire_all()
    if executed == ("done", "executed"):
        assert issued == ("conflict", BELONGS_TO_ANOTHER)
        assert owner(session, move) == move.new.id
        return "moved before the document:"
    assert executed == STALE
    assert issued[0] == "done"
    assert owner(session, move) == move.old_id
    session.rollback()
    assert move.migration().state is MigrationState.APPROVED
    left = select(func.count(Proforma.id)).where(
        Proforma.customer_id == move.old_id, Proforma.status.in_(ACTIVE_STATUSES)
    )
    assert session.scalar(left) == 1
    return "document before the move:"


def test_a_random_schedule_leaves_the_books_right(
    race: Race,
    session: Session,
    samples: Callable[[int, int], int],
    rng: random.Random,
    proof: Callable[[str], None],
) -> None:
    """Whatever three processes do at once with one service and its documents, each is done or told why not."""
    rounds, outcomes = samples(150, 3), Counter[str]()
    owner_ = factories.make_customer()
    hosting = factories.make_service(owner_, paid_until=factories.today() + timedelta(days=9))
    service_id = hosting.id
    move = make_move(owner_, services=[hosting]).to_approved()
    for _ in range(rounds):
        service = session.get_one(Service, service_id)
        if move.migration().state is not MigrationState.APPROVED:
            target = factories.make_customer()
            move = make_move(service.customer, target, [service]).to_approved()
        jobs = [rng.choice(mixed(session, move)) for _ in range(3)]
        session.rollback()
        answers = race(jobs)
        session.expire_all()
        for job, (code, outcome) in zip(jobs, answers, strict=True):
            assert outcome is not None and (code == "done" or outcome)
            outcomes[f"{job['verb']} {'done' if code == 'done' else 'refused'}"] += 1
        check_books(session)
        open_spells = select(Ownership.customer_id).where(Ownership.service_id == service_id, Ownership.to_at.is_(None))
        assert session.scalars(open_spells).all() == [session.get_one(Service, service_id).customer_id]
    summary = ", ".join(f"{name} {count}" for name, count in sorted(outcomes.items()))
    proof(f"{rounds} seeded schedules of three processes on one service: the books right after each ({summary})")


def mixed(session: Session, move: Move) -> list[Job]:
    """Return what may be done next about the service that moves: paid, billed, moved, cancelled, split, undone."""
    (service_id,) = move.service_ids
    documents = list(session.scalars(select(Proforma).order_by(Proforma.id.desc()).limit(3)))
    payments = list(session.scalars(select(Payment.id).order_by(Payment.id.desc()).limit(3)))
    numbers = ", ".join(one.number for one in documents)
    return [
        executing(move),
        requesting(rival_of(move)),
        {"verb": "renew"},
        {"verb": "issue", "customer": move.old_id, "service": service_id},
        *({"verb": "pay", "reference": one.reference, "amount": one.owed or one.total} for one in documents),
        *({"verb": "storno", "document": one.id} for one in documents),
        *({"verb": "split", "payment": one, "numbers": numbers} for one in payments),
        *({"verb": "undo", "payment": one} for one in payments),
    ]


@pytest.mark.full  # its sample is in tests/core/test_transaction.py
def test_numbers_drawn_by_many_clients(
    session: Session,
    settings: Settings,
    samples: Callable[[int, int], int],
    proof: Callable[[str], None],
) -> None:
    """None twice, none missing; a document that was not issued after all gives its number back."""
    processes, count = 8, samples(10_000, CLIENTS)
    key = factories.make_customer().id
    session.rollback()
    job = {"verb": "draw", "customer": key, "clients": CLIENTS // processes, "count": -(-count // CLIENTS)}
    with racers(settings, processes) as race:
        answers = race([job] * processes)
    drawn = sum(issued for _done, issued in answers)
    assert drawn >= count
    sequences = list(session.scalars(select(Proforma.sequence).order_by(Proforma.sequence)))
    assert sequences == list(range(1, drawn + 1))
    proof(f"{drawn} numbers drawn by {CLIENTS} clients in {processes} processes: none twice, none missing")
