"""The demo: what the contract names is there, whole or not at all, and the same every time."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session
from stdnum.rs import pib

from console.app import create_app
from console.audit import queries as audit_queries
from console.audit.models import AuditEntry
from console.audit.sealing import SEALED
from console.billing import migration as migrate
from console.billing.migration.plan_data import lock_migration
from console.billing.models import ACTIVE_STATUSES, Migration, MigrationState, Proforma, ProformaStatus, Storno
from console.chat import search as chat_search
from console.chat.models import Chat, ChatBlock, ChatMessage, ChatStatus
from console.chat.service.deadlines import sweep as chat_sweep
from console.core import clock
from console.core.context import sealer
from console.core.db import Base, db
from console.core.passwords import password_matches
from console.core.settings import DEMO_PASSWORD, Settings
from console.core.transaction import transaction
from console.customers.models import Customer, CustomerKind, CustomerStatus, MemberRole, Membership, Person, TaxStatus
from console.customers.service import CustomerData, MemberData, check_customer, check_member
from console.customers.verification.pins import current_pin
from console.customers.verification.service import verify
from console.demo import service as demo
from console.demo.ages import desk_now
from console.demo.chat_stories import PAST
from console.demo.cli import command
from console.demo.names import Names
from console.demo.ticket_crowd import RARE
from console.hosting.models import Domain, Service, SuspensionReason
from console.mail.links import MARK
from console.mail.models import Mail, MailState
from console.setup import prepare_database
from console.staff.models import Staff
from console.staff.roles import Role
from console.tickets.models import (
    NO_DUE,
    LinkKind,
    MessageKind,
    Priority,
    SavedView,
    Ticket,
    TicketAttachment,
    TicketDraft,
    TicketLink,
    TicketMessage,
    TicketRead,
    TicketSource,
    TicketStatus,
)
from console.tickets.reviews.models import Review, ReviewReason, ReviewState, TicketRating
from console.tickets.service import timeline
from console.tickets.sla import service as sla_targets
from console.tickets.sla.calendar import calendar
from console.tickets.sla.models import SlaTarget
from tests.conftest import Clock
from tests.demo.test_story import BROKEN
from tests.factories import novi
from tests.support import server

SECRETS = {
    "fingerprint", "raw_file", "reply_to", "size",  # of mail that came in: addresses in it are signed
    "sealed_links", "password_hash", "pin_secret", "message_id", "in_reply_to", "references", "token_digest", "key_id",
    "previous", "digest", "mac", "plan", "client_key", "last_step", "sealed", "sealed_key", "sealed_secret",
    "secret_digest",
}  # fmt: skip
FIRST = datetime.fromisoformat("2026-01-01T00:00:00+01:00")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The demo of seed 1 that served consoles are given, for all tests that only look."""
    folder = tmp_path_factory.mktemp("demo")
    server.copy_made(folder, demo=True)
    app = create_app(Settings(env="demo", database_url=f"sqlite:///{folder / 'console.sqlite3'}"))
    with app.app_context():
        yield db.session()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def copied(filled: Session, tmp_path: Path, make_app: Callable[[Settings], Flask]) -> Iterator[Session]:
    """A copy of the demo, to be changed."""
    path = tmp_path / "copied.sqlite3"
    filled.rollback()
    with closing(sqlite3.connect(str(filled.get_bind().engine.url.database))) as connection:
        connection.execute("VACUUM INTO ?", (str(path),))
    with make_app(Settings(env="demo", database_url=f"sqlite:///{path}")).app_context():
        yield db.session()
        db.session.remove()


@pytest.fixture
def opened(tmp_path: Path, make_app: Callable[[Settings], Flask]) -> Iterator[Session]:
    """A demo that was made on a Monday in working hours."""
    server.copy_made(tmp_path, demo=True, clock=server.MONDAY)
    with make_app(Settings(env="demo", database_url=f"sqlite:///{tmp_path / 'console.sqlite3'}")).app_context():
        yield db.session()
        db.session.remove()


def owner(session: Session, email: str) -> Membership:
    query = select(Membership).join(Person).where(Person.email == email, Membership.role == MemberRole.OWNER)
    return session.scalars(query).one()


def contents(session: Session) -> dict[str, list[tuple[object, ...]]]:
    """Return what is stored, but for what must differ: hashes, secrets and what hangs on them."""
    session.rollback()
    return {
        table.name: [
            tuple(_comparable(value) for value in row)
            for row in session.execute(
                select(*(column for column in table.columns if column.name not in SECRETS)).order_by(*table.primary_key)
            )
        ]
        for table in Base.metadata.sorted_tables
    }


def _comparable(value: object) -> object:
    """Return a value without marks, and without what the audit log has sealed in its data."""
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if name != SEALED}
    return MARK.sub("", value) if isinstance(value, str) else value


# --- what the contract names ---


def test_staff_of_every_role_sign_in_with_the_one_password(filled: Session) -> None:
    roles = dict(filled.execute(select(Staff.email, Staff.role)).all())
    assert roles == {
        "agent@example.test": Role.AGENT,
        "agent2@example.test": Role.AGENT,
        "billing@example.test": Role.BILLING,
        "supervisor@example.test": Role.SUPERVISOR,
        "admin@example.test": Role.ADMIN,
    }
    hashes = set(filled.scalars(select(Staff.password_hash)))
    hashes |= set(filled.scalars(select(Person.password_hash).where(Person.password_hash.is_not(None))))
    assert len(hashes) == 1
    assert password_matches(hashes.pop(), DEMO_PASSWORD)


def test_the_three_customers(filled: Session) -> None:
    ana, firma, novi = (owner(filled, f"{name}@example.test").customer for name in ("ana", "firma", "novi"))
    assert (ana.kind, firma.kind, novi.kind) == (CustomerKind.PERSON, CustomerKind.COMPANY, CustomerKind.PERSON)
    assert filled.scalars(select(Service).where(Service.customer_id == novi.id)).all() == []
    roles = {member.role for member in firma.members}
    assert roles == {MemberRole.OWNER, MemberRole.USER, MemberRole.CONTACT}
    with_password = {member.role for member in firma.members if member.person.password_hash}
    assert with_password == {MemberRole.OWNER, MemberRole.USER}


def test_anas_first_service_can_be_migrated_and_shares_an_open_document(filled: Session) -> None:
    ana, novi = owner(filled, "ana@example.test"), owner(filled, "novi@example.test")
    first, second = filled.scalars(
        select(Service).where(Service.customer_id == ana.customer_id).order_by(Service.id).limit(2)
    ).all()
    documents = [
        document
        for document in filled.scalars(select(Proforma).where(Proforma.customer_id == ana.customer_id))
        if document.status in ACTIVE_STATUSES and first.id in {line.service_id for line in document.lines}
    ]
    (shared,) = documents
    others = {line.service_id for line in shared.lines} - {first.id}
    assert others
    assert shared.due_on >= clock.local_date(clock.now(), Settings().zone)
    assert second.customer_id == ana.customer_id
    agent = filled.scalars(select(Staff).where(Staff.email == "agent@example.test")).one().actor()
    billing = filled.scalars(select(Staff).where(Staff.email == "billing@example.test")).one().actor()
    with pytest.raises(RuntimeError, match="only looking"), transaction():
        pin, _until = current_pin(ana)
        verification = verify(agent, email="ana@example.test", pin=pin, channel="phone")
        assert verification is not None
        request = migrate.Request((first.id,), "novi@example.test", verification.id, "Prodato")
        ref = migrate.request_migration(agent, request, "test")["ref"]
        plan = migrate.plan_for(lock_migration(ref))
        assert plan.obstacles == ()
        migrate.approve(billing, ref, plan.digest, "approve")
        answer = migrate.execute(billing, ref, plan.digest, "execute")
        assert [row["number"] for row in answer["cancelled"]] == [shared.number]
        assert {row["customer"] for row in answer["issued"]} == {ana.customer.number, novi.customer.number}
        raise RuntimeError("only looking")


def test_each_rule_has_its_example(filled: Session) -> None:
    assert filled.scalar(select(func.count()).where(Service.suspension == SuspensionReason.ABUSE)) == 1
    assert filled.scalar(select(func.count()).where(Service.suspension == SuspensionReason.UNPAID)) == 1
    assert filled.scalar(select(func.count()).where(Service.transfer_locked)) == 1
    assert filled.scalar(select(func.count()).where(Proforma.status == ProformaStatus.PART_PAID)) == 1
    assert filled.scalar(select(func.count()).where(Proforma.currency == "EUR")) == 1
    assert set(filled.scalars(select(Customer.tax_status))) == set(TaxStatus)
    assert set(filled.scalars(select(Customer.status))) == set(CustomerStatus)
    assert set(filled.scalars(select(Proforma.tax_note))) == {None, "abroad", "exempt"}
    assert filled.scalar(select(func.count()).where(Storno.migration_id.is_(None))) == 2  # one with a correction
    overdue = select(func.count()).where(
        Proforma.status == ProformaStatus.OPEN, Proforma.due_on < clock.local_date(clock.now(), Settings().zone)
    )
    assert (filled.scalar(overdue) or 0) > 3


def test_a_migration_stands_in_each_state(filled: Session) -> None:
    assert set(filled.scalars(select(Migration.state))) == set(MigrationState)


def test_data_is_valid_and_names_are_ours(filled: Session) -> None:
    letters = set("".join(filled.scalars(select(Customer.name))))
    assert set("čćšžđ") <= letters
    for customer in filled.scalars(select(Customer)):
        if customer.kind is CustomerKind.COMPANY and customer.country == "RS":
            assert pib.is_valid(customer.pib or "")
    assert filled.scalar(select(func.count(func.distinct(Customer.pib)))) == filled.scalar(
        select(func.count(Customer.pib))
    )
    for name in filled.scalars(select(Domain.name)):
        assert name.endswith(".example.rs")
    for email in filled.scalars(select(Person.email)):
        assert email.endswith("@example.test")


def test_numbers_follow_the_days_and_nothing_lies_ahead(filled: Session) -> None:
    ours = select(Proforma.issued_on).where(Proforma.sequence.is_not(None))
    days = list(filled.scalars(ours.order_by(Proforma.year, Proforma.sequence)))
    assert days == sorted(days)
    assert max(filled.scalars(select(Proforma.issued_at))) <= clock.now()
    entries = list(filled.scalars(select(AuditEntry.at).order_by(AuditEntry.id)))
    # The last hour has three tellers: mail as of the full hour, chats and sign-ins as of the minute.
    before = [at for at in entries if at < desk_now() - timedelta(hours=1)]
    assert before == entries[: len(before)] == sorted(before)
    assert max(entries) <= clock.now()
    assert list(audit_queries.verify(filled, sealer())) == []


# --- the desk ---


def test_the_desk_has_tickets_in_every_state(filled: Session) -> None:
    tickets = list(filled.scalars(select(Ticket)))
    assert 40 <= len(tickets) <= 60
    assert {ticket.status for ticket in tickets} == set(TicketStatus)
    assert {ticket.priority for ticket in tickets} == set(Priority)
    assert {ticket.source for ticket in tickets} == set(TicketSource)
    assert {ticket.department.key for ticket in tickets} == {"technical", "accounting", "sales", "abuse"}
    assert {ticket.language for ticket in tickets} == {"sr_Latn", "en"}
    assert any(ticket.customer_id is None and ticket.is_open for ticket in tickets)
    assert any(ticket.assignee_id is None and ticket.is_open for ticket in tickets)
    assert any(ticket.merged_into_id is not None for ticket in tickets)
    assert set(filled.scalars(select(TicketLink.kind))) == set(LinkKind)
    assert set(filled.scalars(select(TicketMessage.kind))) == set(MessageKind)
    assert filled.scalar(select(func.count()).where(TicketRead.mention_seq > TicketRead.seq))
    assert len(filled.scalars(select(TicketAttachment.id)).all()) >= 10
    assert filled.scalar(select(func.count()).select_from(TicketDraft)) == 2
    assert set(filled.scalars(select(SavedView.shared))) == {True, False}


def test_whenever_it_is_made_some_are_late_and_some_nearly(filled: Session) -> None:
    made_at = desk_now()
    due = [ticket.due_at for ticket in filled.scalars(select(Ticket).where(Ticket.is_open)) if ticket.due_at < NO_DUE]
    open_now = calendar().add(made_at, timedelta(hours=1)) or made_at
    assert any(when < made_at for when in due)
    assert any(made_at <= when <= open_now for when in due)
    assert any(when > open_now for when in due)
    assert max(filled.scalars(select(TicketMessage.created_at))) <= made_at


def test_what_came_of_them_is_there_too(filled: Session) -> None:
    assert set(filled.scalars(select(Mail.state))) == set(MailState)
    assert {1, 2, 5} <= set(filled.scalars(select(TicketRating.score)))
    assert set(filled.scalars(select(Review.state))) == {ReviewState.WAITING, ReviewState.DONE}
    assert {ReviewReason.RATING, ReviewReason.PICKED, ReviewReason.OVERRIDE} <= set(
        filled.scalars(select(Review.reason))
    )
    assert filled.scalar(select(func.count()).where(Review.answered))
    assert set(filled.scalars(select(SlaTarget.broken_at.is_not(None)))) == {True, False}
    masked = filled.scalars(select(TicketMessage.body).where(TicketMessage.body.contains("••••••"))).all()
    assert len(masked) == 1


def test_the_chat_desk_has_a_past(filled: Session) -> None:
    chats = list(filled.scalars(select(Chat).where(Chat.ended_at.is_not(None)).order_by(Chat.id)))
    assert len(chats) == len(PAST)
    assert {chat.status for chat in chats} == {ChatStatus.CLOSED, ChatStatus.TICKETED}
    assert {chat.language for chat in chats} == {"sr_Latn", "en"}
    assert {chat.department.key for chat in chats} >= {"technical", "accounting", "sales"}
    assert {2, 5} <= {chat.rating or 0 for chat in chats} and any(chat.rating is None for chat in chats)
    ana = next(chat for chat in chats if chat.email == "ana@example.test")
    assert ana.customer_id == owner(filled, "ana@example.test").customer_id and ana.verified_until is None
    for chat in chats:
        assert chat.ended_at is not None and chat.created_at < chat.ended_at + timedelta(seconds=1)
        assert (chat.ticket_id is not None) is (chat.status is ChatStatus.TICKETED)
        numbers = filled.scalars(
            select(ChatMessage.seq).where(ChatMessage.chat_id == chat.id).order_by(ChatMessage.seq)
        )
        assert list(numbers) == list(range(1, chat.last_seq + 1))
    whys = {message.data.get("why") for message in filled.scalars(select(ChatMessage)) if message.data}
    assert {"unclaimed", "closing", "closed_hours", "agent"} <= whys
    masked = select(func.count()).where(ChatMessage.body.contains("••••••"))
    assert filled.scalar(masked) == 1
    assert filled.scalar(select(func.count()).select_from(ChatBlock)) == 1


def test_while_it_is_open_somebody_waits_in_the_chat(opened: Session) -> None:
    session = opened
    made_at = session.scalar(select(func.max(AuditEntry.at)))
    assert made_at is not None
    clock.start_at(made_at)
    chats = list(session.scalars(select(Chat).where(Chat.ended_at.is_(None)).order_by(Chat.id)))
    assert [chat.status for chat in chats] == [ChatStatus.ACTIVE, ChatStatus.QUEUED, ChatStatus.QUEUED]
    for chat in chats:
        if chat.status is ChatStatus.ACTIVE:
            assert chat.assignee is not None and chat.assignee.email == "agent@example.test"
            assert chat.unanswered_since is not None and chat.first_answered_at is not None
        else:
            assert timedelta(0) < clock.now() - chat.waits_since < timedelta(minutes=4)
    assert chat_sweep() == 0
    assert list(audit_queries.verify(session, sealer())) == []


# --- how it is made ---


@pytest.mark.parametrize(
    "first",
    [BROKEN[0], *(pytest.param(one, marks=pytest.mark.full) for one in BROKEN[1:])],
    ids=[str(one) for one in BROKEN],
)
def test_any_instant_and_any_seed_fill_it(
    first: datetime,
    tmp_path: Path,
    make_app: Callable[[Settings], Flask],
    samples: Callable[[int, int], int],
    proof: Callable[[str], None],
    clock: Clock,
) -> None:
    rng = random.Random(first.isoformat())  # noqa: S311
    count = samples(20, 1)
    instants = [first, *(FIRST + timedelta(minutes=rng.randrange(3 * 365 * 24 * 60)) for _ in range(count - 1))]
    for number, now in enumerate(instants):
        seed = rng.randrange(1_000_000)
        clock.set(now)
        app = make_app(Settings(env="demo", clock=now, database_url=f"sqlite:///{tmp_path}/{number}.sqlite3"))
        with app.app_context():
            prepare_database()
            demo.fill(seed, customers=20)
            session = db.session()
            assert set(session.scalars(select(Migration.state))) == set(MigrationState), f"seed {seed} at {now}"
            latest = [
                select(func.max(column)) for column in (AuditEntry.at, Proforma.issued_at, TicketMessage.created_at)
            ]
            assert all((session.scalar(one) or now) <= clock.now() for one in latest), f"seed {seed} at {now}"
            assert list(audit_queries.verify(session, sealer())) == []
            live = session.scalars(select(Chat.id).where(Chat.ended_at.is_(None))).all()
            assert live == [] or calendar().is_open(now), f"somebody waits while it is closed: {now}"
            db.session.remove()
            db.engine.dispose()
    proof(f"{count} instants of three years filled, each with a seed of its own")


def test_two_databases_of_one_seed_are_alike_and_of_another_are_not(
    filled: Session, tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
) -> None:
    others = set(filled.scalars(select(Customer.name)))  # of seed 1
    made, names = [], set[str]()
    # The desk's ages count from the full hour, the open chats' from the minute: it stands, however long a fill takes.
    now = datetime.fromisoformat("2026-11-25T13:10:00+01:00")
    for number in range(2):
        path = tmp_path_factory.mktemp("seed") / f"{number}.sqlite3"
        other = create_app(Settings(database_url=f"sqlite:///{path}"))
        with other.app_context(), clock.standing_at(now):
            prepare_database()
            demo.fill(3, customers=30)
            made.append(contents(db.session()))
            names |= set(db.session.scalars(select(Customer.name)))
            db.session.remove()
            db.engine.dispose()
    assert made[0] == made[1]
    assert "hook failed" not in caplog.text  # nothing that follows a commit leans on what an import let go of
    assert len(others - names) > 5


def test_the_clock_that_was_set_is_the_day_it_ends_on(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    set_to = datetime.fromisoformat("2026-11-25T16:59:50+01:00")
    clock.start_at(set_to)
    assert demo.story_day() == date(2026, 11, 23)
    monkeypatch.setattr(demo, "settings", lambda: Settings(clock=set_to))
    assert demo.story_day() == date(2026, 11, 25)


@pytest.mark.parametrize(
    ("now", "ends"), [("2026-11-23T08:00:00+01:00", "2026-11-16"), ("2026-11-29T23:00:00+01:00", "2026-11-23")]
)
@pytest.mark.only("sqlite")
def test_it_ends_on_a_monday_that_is_over(session: Session, now: str, ends: str) -> None:
    clock.start_at(datetime.fromisoformat(now))
    assert demo.story_day() == date.fromisoformat(ends)


def test_the_crowd_is_as_large_as_asked_and_checked_like_everyone(copied: Session) -> None:
    session = copied
    before = session.scalar(select(func.count()).select_from(Customer)) or 0
    session.rollback()
    with transaction():
        from console.demo.crowd import fill
        from console.hosting.models import Product

        hosting, domain = session.scalars(
            select(Product).where(Product.code.in_(["hosting-s", "domen-rs"])).order_by(Product.id)
        )
        fill(session, 60, seed=1, today=demo.story_day(), products=[hosting], domain_product=domain)
    assert session.scalar(select(func.count()).select_from(Customer)) == before + 60
    added = list(session.scalars(select(Customer).where(Customer.external_id.is_not(None))))
    for customer in added:
        fields = {name: getattr(customer, name) for name in CustomerData.__dataclass_fields__}
        check_customer(CustomerData(**fields))
        check_member(MemberData(email=customer.members[0].person.email, name=customer.members[0].person.name))
    services = session.scalar(select(func.count()).where(Service.customer_id.in_([c.id for c in added]))) or 0
    theirs = Proforma.customer_id.in_([customer.id for customer in added])
    documents = session.scalar(select(func.count()).where(Proforma.series == "X", theirs))
    assert services == documents
    assert 30 <= services <= 90


@pytest.mark.both
def test_the_crowds_are_what_the_verbs_would_have_left(app: Flask, session: Session) -> None:
    answer = app.test_cli_runner().invoke(command, ["--tickets", "60", "--chats", "40"])
    assert answer.exit_code == 0, answer.output
    check_tickets(session)
    check_chats(session)
    assert list(audit_queries.verify(session, sealer())) == []


def check_tickets(session: Session) -> None:
    crowd = list(session.scalars(select(Ticket).where(Ticket.id <= 60).order_by(Ticket.id)))
    assert [ticket.id for ticket in crowd] == list(range(1, 61))
    assert [ticket.created_at for ticket in crowd] == sorted(ticket.created_at for ticket in crowd)
    later = session.scalar(select(func.min(Ticket.created_at)).where(Ticket.id > 60))
    assert later is not None
    assert crowd[-1].created_at < later
    counts = dict(
        session.execute(
            select(TicketMessage.ticket_id, func.count())
            .where(TicketMessage.ticket_id <= 60)
            .group_by(TicketMessage.ticket_id)
        ).all()
    )
    assert sorted(counts.values()) == [1] * 48 + [3] * 12
    assert {ticket.id: ticket.last_seq for ticket in crowd} == counts
    columns = ("kind", "goal", "started_at", "due_at", "risk_at", "met_at", "broken_at", "paused_since", "spent")
    session.rollback()
    with pytest.raises(RuntimeError, match="only looking"), transaction():
        for ticket in session.scalars(select(Ticket).where(Ticket.id <= 60)).all():
            query = select(SlaTarget).where(SlaTarget.ticket_id == ticket.id).order_by(SlaTarget.started_at)
            before = [[getattr(row, name) for name in columns] for row in session.scalars(query)]
            due, found = ticket.due_at, words_of(session, ticket)
            sla_targets.recalculate(ticket, desk_now())
            timeline.index(ticket)
            assert [[getattr(row, name) for name in columns] for row in session.scalars(query)] == before
            assert ticket.due_at == due
            assert words_of(session, ticket) == found
        raise RuntimeError("only looking")


def check_chats(session: Session) -> None:
    crowd = list(session.scalars(select(Chat).where(Chat.id <= 40).order_by(Chat.id)))
    assert [chat.id for chat in crowd] == list(range(1, 41))
    assert [chat.created_at for chat in crowd] == sorted(chat.created_at for chat in crowd)
    later = session.scalar(select(func.min(Chat.created_at)).where(Chat.id > 40))
    assert later is not None and crowd[-1].created_at < later
    assert {chat.rating is None for chat in crowd} == {chat.customer_id is None for chat in crowd} == {True, False}
    for chat in crowd:
        messages = session.scalars(
            select(ChatMessage).where(ChatMessage.chat_id == chat.id).order_by(ChatMessage.seq)
        ).all()
        assert len(messages) == chat.last_seq and [one.at for one in messages] == sorted(one.at for one in messages)
    hits = chat_search.CHAT_SEARCH.matches(session, Chat.id, RARE)
    assert hits is not None
    assert session.scalars(select(Chat.id).where(hits)).all() == [21]
    session.rollback()
    # The index holds what the verb would have put there.
    words = {key: index_row(session, "search_chats", key) for key in (1, 21, 40)}
    with pytest.raises(RuntimeError, match="only looking"), transaction():
        for key in words:
            chat_search.index(session.get_one(Chat, key))
        assert {key: index_row(session, "search_chats", key) for key in words} == words
        raise RuntimeError("only looking")


def words_of(session: Session, ticket: Ticket) -> str:
    """Return a ticket's row of the index."""
    return index_row(session, "search_tickets", ticket.id)


def index_row(session: Session, table: str, place: int) -> str:
    """Return a row of an index, whatever the database."""
    key = "rowid" if session.get_bind().dialect.name == "sqlite" else "id"
    column = "title || ' / ' || words" if key == "rowid" else "words::text"
    query = f"SELECT {column} FROM {table} WHERE {key} = :key"
    row: str = session.execute(text(query), {"key": place}).scalar_one()
    return row


# --- where it is not made ---


@pytest.mark.only("sqlite")
def test_not_in_production(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "settings", lambda: Settings(env="production"))
    with pytest.raises(demo.DemoRefusedError, match="not for production"):
        demo.fill(1)
    assert demo.is_empty()


@pytest.mark.both
def test_not_over_something(app: Flask, session: Session) -> None:
    novi()
    run = app.test_cli_runner()
    before = contents(session)
    refused = run.invoke(command, [])
    assert refused.exit_code == 1
    assert "The database is not empty" in refused.output
    passed = run.invoke(command, ["--if-empty"])
    assert passed.exit_code == 0
    assert "stays as it is" in passed.output
    assert contents(session) == before


@pytest.mark.only("sqlite")
def test_when_it_breaks_in_the_middle_nothing_is_there(session: Session) -> None:
    happened = count(1)

    def breaks(_what: str, _count: int) -> None:
        if next(happened) == 250:  # of more than 500
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        demo.fill(1, progress=breaks)
    session.rollback()
    assert demo.is_empty()


def test_names_are_drawn_alike() -> None:
    one, other = (Names(Random(5)) for _ in range(2))  # noqa: S311
    assert [one.person() for _ in range(5)] == [other.person() for _ in range(5)]
    assert (one.number(), one.number()) == (1, 2)
