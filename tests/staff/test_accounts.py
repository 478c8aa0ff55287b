"""Staff accounts: what an admin may change, and what a change ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.actor import SYSTEM, Actor
from console.core.errors import Conflict, Invalid, NotFound, Refusal
from console.core.passwords import password_matches
from console.core.transaction import transaction
from console.staff import passwords, sessions
from console.staff.models import Staff, StaffSession
from console.staff.queries import last_seen, live_sessions, staff_by_email
from console.staff.roles import Role
from console.staff.service import add_staff, change_staff, set_password
from tests import factories
from tests.staff.support import obligatory, open_sessions, password_proof

ActorOf = Callable[[Role | str], Actor]


@pytest.mark.both
def test_a_new_account_can_sign_in_and_is_on_the_record(session: Session, actor: ActorOf) -> None:
    admin = actor("admin")
    with transaction():
        made = add_staff(
            admin,
            email="  Nova@Example.TEST ",
            name=" Đorđe Šćepanović ",
            role=Role.BILLING,
            password_hash=factories.password_hash(),
        )
    found = staff_by_email("NOVA@example.test")
    assert found is made
    assert (found.email, found.name, found.role) == ("nova@example.test", "Đorđe Šćepanović", Role.BILLING)
    assert password_matches(found.password_hash, factories.PASSWORD)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "staff.added")).one()
    assert entry.subject == "nova@example.test"
    assert "argon2" not in str(entry.data)


@pytest.mark.parametrize("role", ["agent", "billing", "supervisor"])
def test_only_admins_manage_staff(session: Session, actor: ActorOf, role: str) -> None:
    other, member = actor(role), factories.make_staff()
    hashed = factories.password_hash()
    tries: list[Callable[[], object]] = [
        lambda: add_staff(other, email="x@example.test", name="X", role=Role.ADMIN, password_hash=hashed),
        lambda: change_staff(other, member.id, active=False),
        lambda: change_staff(other, other.id or 0, role=Role.ADMIN),
        lambda: set_password(other, member.id, "stolen"),
        lambda: sessions.revoke_others(other, member),
    ]
    for attempt in tries:
        with pytest.raises(NotFound), transaction():
            attempt()
    assert member.active
    assert member.password_hash == hashed


@pytest.mark.both
def test_an_email_serves_one_account(session: Session, actor: ActorOf) -> None:
    admin, taken = actor("admin"), factories.make_staff(email="zauzeta@example.test")
    other = factories.make_staff()
    with pytest.raises(Invalid) as refused, transaction():
        add_staff(admin, email="Zauzeta@example.test", name="X", role=Role.AGENT, password_hash="x")
    assert "email" in refused.value.fields
    with pytest.raises(Invalid), transaction():
        change_staff(admin, other.id, email=taken.email.upper())
    with transaction():  # one's own, written otherwise, is no conflict
        change_staff(admin, taken.id, email="ZAUZETA@example.test", name="Novo ime")
    assert taken.name == "Novo ime"


@pytest.mark.parametrize("change", [{"active": False}, {"role": Role.AGENT}])
def test_who_is_disabled_or_demoted_is_out_at_once(session: Session, actor: ActorOf, change: dict[str, Any]) -> None:
    admin, member = actor("admin"), factories.make_staff(Role.SUPERVISOR)
    untouched = factories.make_staff(Role.SUPERVISOR)
    open_sessions(member, 3)
    open_sessions(untouched, 1)
    with transaction():
        change_staff(admin, member.id, **change)
    assert live_sessions(member.id) == []
    assert len(live_sessions(untouched.id)) == 1


def test_a_new_name_ends_nothing(session: Session, actor: ActorOf) -> None:
    admin, member = actor("admin"), factories.make_staff()
    open_sessions(member, 1)
    with transaction():
        change_staff(admin, member.id, name="Drugo ime", role=member.role, active=True)
    assert len(live_sessions(member.id)) == 1
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "staff.changed")).one()
    assert entry.data["after"] == {"name": "Drugo ime"}


def test_nothing_changed_writes_nothing(session: Session, actor: ActorOf) -> None:
    admin, member = actor("admin"), factories.make_staff()
    with transaction():
        change_staff(admin, member.id, name=member.name, email=member.email)
    assert session.scalars(select(AuditEntry)).all() == []


@pytest.mark.parametrize("change", [{"active": False}, {"role": Role.SUPERVISOR}])
def test_an_admin_cannot_disable_or_demote_themselves(session: Session, actor: ActorOf, change: dict[str, Any]) -> None:
    admin = actor("admin")
    factories.make_staff(Role.ADMIN)
    with pytest.raises(Conflict) as refused, transaction():
        change_staff(admin, admin.id or 0, **change)
    assert refused.value.code == "own_account"


@pytest.mark.both
def test_the_last_active_admin_stays(session: Session) -> None:
    last = factories.make_staff(Role.ADMIN)
    factories.make_staff(Role.ADMIN, active=False)
    changes: list[dict[str, Any]] = [{"active": False}, {"role": Role.AGENT}]
    for change in changes:
        with pytest.raises(Conflict) as refused, transaction():
            change_staff(SYSTEM, last.id, **change)
        assert refused.value.code == "last_admin"
    factories.make_staff(Role.ADMIN)
    with transaction():
        change_staff(SYSTEM, last.id, active=False)
    assert not last.active


@pytest.mark.both
def test_two_admins_cannot_remove_each_other_at_the_same_time(app: Flask, session: Session) -> None:
    first, second = factories.make_staff(Role.ADMIN), factories.make_staff(Role.ADMIN)
    pairs = [(first.actor(), second.id), (second.actor(), first.id)]
    session.rollback()
    together, refused = threading.Barrier(2), []

    def disable(actor: Actor, target: int) -> None:
        with app.app_context():
            together.wait()
            try:
                with transaction():
                    change_staff(actor, target, active=False)
            except Refusal as refusal:
                refused.append(refusal.code)

    threads = [threading.Thread(target=disable, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["last_admin"]
    assert session.scalars(select(Staff).where(Staff.active, Staff.role == Role.ADMIN)).all().__len__() == 1


def test_a_new_password_ends_the_other_sessions(session: Session) -> None:
    member = factories.make_staff()
    current, _there = open_sessions(member, 2)
    with transaction():
        proof = password_proof(member)
        set_password(factories.actor_of(member), member.id, "new-hash", proof=proof, keep_session=current.id)
    assert [row.id for row in live_sessions(member.id)] == [current.id]
    assert member.password_hash == "new-hash"
    assert not member.password_temporary


def test_a_password_from_an_admin_is_temporary(session: Session, actor: ActorOf) -> None:
    member = factories.make_staff()
    open_sessions(member, 1)
    with transaction():
        set_password(actor("admin"), member.id, "new-hash", temporary=True)
    assert member.password_temporary
    assert live_sessions(member.id) == []
    assert not sessions.may_be_in(member)


@pytest.mark.both
def test_sessions_end_one_by_one_or_all_but_this(session: Session) -> None:
    member, stranger = factories.make_staff(), factories.make_staff()
    first, second, third = open_sessions(member, 3)
    with transaction():
        sessions.revoke_session(factories.actor_of(member), first.id)
        sessions.revoke_session(factories.actor_of(member), first.id)
    assert {row.id for row in live_sessions(member.id)} == {second.id, third.id}
    with pytest.raises(NotFound), transaction():
        sessions.revoke_session(factories.actor_of(stranger), second.id)
    with pytest.raises(NotFound), transaction():
        sessions.revoke_session(factories.actor_of(member), 999_999)
    with transaction():
        assert sessions.revoke_others(factories.actor_of(member), member, keep=third.id) == 1
    assert [row.id for row in live_sessions(member.id)] == [third.id]
    assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "staff.session_revoked")).all()) == 1


@pytest.mark.both
def test_last_seen_is_one_query_for_many(session: Session) -> None:
    seen, never = factories.make_staff(), factories.make_staff()
    rows = open_sessions(seen, 2)
    assert last_seen([seen.id, never.id]) == {seen.id: max(row.seen_at for row in rows)}
    assert session.scalars(select(StaffSession).where(StaffSession.staff_id == never.id)).all() == []


@pytest.mark.parametrize(
    ("password", "refused"),
    [
        ("kratka", True),
        ("a" * 201, True),
        ("aaaaaaaaaaaaaaaa", True),
        ("123456789012", True),
        ("210987654321", True),
        ("qwertyuiopas", True),
        ("Lozinka12345!", True),
        ("lozinkalozinka", True),
        ("Šifra!2026!!!!", True),
        ("Demo-lozinka-1", True),
        ("djordje.scepanovic@example.test", True),
        ("Đorđe2026!!!!", True),
        ("ĐorđeŠćepanović", True),
        ("tri jabuke i kruška", False),
        ("konj baterija spajalica", False),
        ("9f$Kq2!vB7xz", False),
    ],
)
def test_what_may_be_a_password(password: str, refused: bool) -> None:
    reason = passwords.complaint(password, email="djordje.scepanovic@example.test", name="Đorđe Šćepanović")
    assert (reason is not None) is refused


def test_temporary_passwords_are_long_and_never_twice_the_same() -> None:
    made = {passwords.temporary_password() for _ in range(200)}
    assert len(made) == 200
    assert all(passwords.complaint(password, email="a@example.test") is None for password in made)


def test_a_role_that_demands_the_second_step_keeps_out_who_lacks_it(app: Flask, session: Session) -> None:
    admin, agent = factories.make_staff(Role.ADMIN), factories.make_staff(Role.AGENT)
    obligatory(app, "admin")
    assert not sessions.may_be_in(admin)
    assert sessions.may_be_in(agent)
    admin.totp_secret = "sealed"
    assert sessions.may_be_in(admin)
    session.rollback()
