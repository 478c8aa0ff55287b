"""One-time and recovery codes: each serves once, also when two try at the same time."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from argon2 import PasswordHasher, Type
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core import clock as core_clock
from console.core import one_time_codes
from console.core.actor import Actor
from console.core.context import sealer
from console.core.errors import Conflict, Invalid, NotFound, SignInNeeded
from console.core.passwords import password_matches
from console.core.transaction import transaction
from console.staff import service, signin, totp
from console.staff.models import RecoveryCode
from console.staff.queries import live_sessions, lock_staff, recovery_codes_left
from console.staff.reauthentication import PasswordProof
from console.staff.roles import Role
from console.staff.signin import Browser, Need
from tests import factories
from tests.conftest import Clock
from tests.staff.support import audit_text, code_at, obligatory, open_sessions, password_proof, switch_totp_on

BROWSER = Browser("192.0.2.7", "Test")


def take(staff_id: int, code: str) -> str | None:
    with transaction():
        return totp.take_code(lock_staff(staff_id), code)


def test_published_vectors() -> None:
    """RFC 6238, appendix B, SHA-1, to six digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")):
        now = datetime.fromtimestamp(seconds, UTC)
        assert one_time_codes.matching_step(secret, code, now) == seconds // 30
        assert one_time_codes.matching_step(secret, code, now + timedelta(seconds=90)) is None


def test_the_secret_is_sealed_and_the_codes_are_digests(session: Session) -> None:
    staff = factories.make_staff()
    secret, codes = switch_totp_on(staff)
    assert staff.totp_secret is not None
    assert secret not in staff.totp_secret
    assert sealer().open(staff.totp_secret).decode() == secret
    assert len(set(codes)) == one_time_codes.RECOVERY_CODES == recovery_codes_left(staff.id)
    stored = " ".join(row.digest for row in session.scalars(select(RecoveryCode)))
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    trail = audit_text()
    assert "staff.totp_on" in trail
    assert secret not in trail
    assert not any(code in trail for code in codes)


def test_switching_on_ends_the_other_sessions_and_needs_a_right_code(session: Session) -> None:
    staff = factories.make_staff()
    current, _there = open_sessions(staff, 2)
    secret = one_time_codes.new_secret()
    wrong = f"{(int(code_at(secret)) + 1) % 1_000_000:06d}"
    with pytest.raises(Invalid), transaction():
        totp.confirm_totp(
            factories.actor_of(staff), staff.id, secret, wrong, proof=password_proof(staff), keep_session=current.id
        )
    assert staff.totp_secret is None
    assert len(live_sessions(staff.id)) == 2
    with transaction():
        totp.confirm_totp(
            factories.actor_of(staff),
            staff.id,
            secret,
            code_at(secret),
            proof=password_proof(staff),
            keep_session=current.id,
        )
    assert [row.id for row in live_sessions(staff.id)] == [current.id]
    assert take(staff.id, code_at(secret)) is None, "the confirming code must not serve again"
    with pytest.raises(Conflict), transaction():
        totp.confirm_totp(
            factories.actor_of(staff), staff.id, one_time_codes.new_secret(), "000000", proof=password_proof(staff)
        )


def test_nothing_serious_is_done_to_ones_own_account_without_its_present_password(session: Session) -> None:
    """Asked for by the verb, whoever calls it: that of another account or the one of before proves nothing."""
    staff, other = factories.make_staff(), factories.make_staff()
    mine, secret = factories.actor_of(staff), one_time_codes.new_secret()
    before = PasswordProof(staff.id, "the hash of the password before")
    for proof in (None, password_proof(other), before):
        for deed in (
            lambda proof=proof: totp.confirm_totp(mine, staff.id, secret, code_at(secret), proof=proof),
            lambda proof=proof: totp.renew_recovery_codes(mine, staff.id, proof=proof),
            lambda proof=proof: totp.disable_totp(mine, staff.id, proof=proof),
            lambda proof=proof: service.set_password(mine, staff.id, "stolen", proof=proof),
        ):
            with pytest.raises(Invalid) as refused, transaction():
                deed()
            assert refused.value.code == "present_password"
    assert staff.totp_secret is None and staff.password_hash != "stolen"


@pytest.mark.both
def test_a_code_serves_once(session: Session, clock: Clock) -> None:
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    code = code_at(secret)
    assert take(staff.id, f" {code[:3]} {code[3:]} ") == "totp"
    assert take(staff.id, code) is None
    assert take(staff.id, code_at(secret, ahead=-1)) is None, "an older code must not serve after a newer one"
    clock.advance(timedelta(seconds=30))
    assert take(staff.id, code) is None
    assert take(staff.id, code_at(secret)) == "totp"


def test_the_telephone_keeps_its_time_when_a_demo_moves_its_clock(session: Session) -> None:
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    at_hand = pyotp.TOTP(secret).at(int(core_clock.now().timestamp()))
    core_clock.start_at(core_clock.now() + timedelta(days=3))
    assert take(staff.id, at_hand) == "totp"


@pytest.mark.parametrize("code", ["", "abc", "12345", "1234567", "000 000 0", "١٢٣٤٥٦", "' OR 1=1 --"])
def test_what_is_no_code_does_not_serve(session: Session, code: str) -> None:
    staff = factories.make_staff()
    switch_totp_on(staff)
    assert take(staff.id, code) is None


def test_a_code_of_another_account_does_not_serve(session: Session) -> None:
    mine, theirs = factories.make_staff(), factories.make_staff()
    _secret, codes = switch_totp_on(theirs)
    switch_totp_on(mine)
    assert take(mine.id, codes[0]) is None
    assert take(theirs.id, codes[0]) == "recovery"


@pytest.mark.both
def test_a_recovery_code_serves_once_and_new_ones_replace_the_old(session: Session) -> None:
    staff = factories.make_staff()
    _secret, codes = switch_totp_on(staff)
    assert take(staff.id, codes[0].upper().replace("-", " ")) == "recovery"
    assert take(staff.id, codes[0]) is None
    assert recovery_codes_left(staff.id) == one_time_codes.RECOVERY_CODES - 1
    with transaction():
        fresh = totp.renew_recovery_codes(factories.actor_of(staff), staff.id, proof=password_proof(staff))
    assert recovery_codes_left(staff.id) == one_time_codes.RECOVERY_CODES
    assert take(staff.id, codes[1]) is None
    assert take(staff.id, fresh[0]) == "recovery"


@pytest.mark.both
@pytest.mark.parametrize("kind", ["totp", "recovery"])
def test_two_parallel_tries_with_one_code_pass_once(app: Flask, session: Session, kind: str) -> None:
    staff = factories.make_staff()
    secret, codes = switch_totp_on(staff)
    key, code = staff.id, code_at(secret) if kind == "totp" else codes[0]
    session.rollback()
    tries = 8
    together, results = threading.Barrier(tries), []

    def attempt() -> None:
        with app.app_context():
            together.wait()
            results.append(take(key, code))

    threads = [threading.Thread(target=attempt) for _ in range(tries)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results, key=str) == [None] * (tries - 1) + [kind]


def test_only_the_owner_sets_it_up_and_an_admin_may_reset_it(
    session: Session, actor: Callable[[Role | str], Actor]
) -> None:
    staff = factories.make_staff()
    secret = one_time_codes.new_secret()
    admin = actor("admin")
    with pytest.raises(NotFound), transaction():
        totp.confirm_totp(admin, staff.id, secret, code_at(secret), proof=password_proof(staff))
    switch_totp_on(staff)
    with pytest.raises(NotFound), transaction():
        totp.renew_recovery_codes(admin, staff.id, proof=password_proof(staff))
    with pytest.raises(NotFound), transaction():
        totp.disable_totp(actor("supervisor"), staff.id)
    open_sessions(staff, 1)
    with transaction():
        totp.disable_totp(admin, staff.id)
    assert staff.totp_secret is None
    assert recovery_codes_left(staff.id) == 0
    assert live_sessions(staff.id) == []
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "staff.totp_off")).one()
    assert entry.actor_id == admin.id


def test_a_lost_key_keeps_out_and_is_reported(app: Flask, session: Session, caplog: pytest.LogCaptureFixture) -> None:
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    with transaction():
        lock_staff(staff.id).totp_secret = "gAAAAAB-from-another-installation"
    assert take(staff.id, code_at(secret)) is None
    assert "CONSOLE_SEAL_KEYS" in caplog.text


def test_an_obligatory_second_step_cannot_be_switched_off_by_oneself(
    app: Flask, session: Session, actor: Callable[[Role | str], Actor]
) -> None:
    obligatory(app, "billing")
    staff = factories.make_staff(Role.BILLING)
    switch_totp_on(staff)
    with pytest.raises(Conflict), transaction():
        totp.disable_totp(factories.actor_of(staff), staff.id, proof=password_proof(staff))
    assert staff.totp_secret is not None
    with transaction():
        totp.disable_totp(actor("admin"), staff.id)  # a lost telephone; the next sign-in sets it up anew
    assert staff.totp_secret is None


@pytest.mark.both
def test_the_steps_of_a_sign_in(app: Flask, session: Session, clock: Clock) -> None:
    obligatory(app, "agent")
    staff = factories.make_staff(Role.AGENT, password_temporary=True)
    pending = signin.check_password(staff.email, factories.PASSWORD)
    assert pending is not None
    with transaction():
        outcome = signin.sign_in(pending, BROWSER)
    assert (outcome.token, outcome.need) == (None, Need.NEW_PASSWORD)
    with pytest.raises(SignInNeeded), transaction():
        signin.set_up_totp(outcome.pending, BROWSER, one_time_codes.new_secret(), "000000")  # not its turn
    with transaction():
        outcome = signin.replace_password(outcome.pending, BROWSER, factories.password_hash())
    assert (outcome.token, outcome.need) == (None, Need.TOTP_SETUP)
    assert live_sessions(staff.id) == []
    with pytest.raises(SignInNeeded), transaction():
        signin.sign_in(pending, BROWSER)  # what stood on the temporary password is void
    secret = one_time_codes.new_secret()
    with transaction():
        outcome, codes = signin.set_up_totp(outcome.pending, BROWSER, secret, code_at(secret))
    assert outcome.token
    assert len(codes) == one_time_codes.RECOVERY_CODES
    assert len(live_sessions(staff.id)) == 1


def test_a_pending_sign_in_lapses(session: Session, clock: Clock) -> None:
    staff = factories.make_staff()
    secret, _codes = switch_totp_on(staff)
    pending = signin.check_password(staff.email, factories.PASSWORD)
    assert pending is not None
    clock.advance(signin.STEP_LASTS - timedelta(seconds=1))
    assert signin.still_pending(pending) is not None
    clock.advance(timedelta(seconds=1))
    assert signin.still_pending(pending) is None
    with pytest.raises(SignInNeeded), transaction():
        signin.sign_in(pending, BROWSER, code=code_at(secret))
    assert take(staff.id, code_at(secret)) == "totp", "a lapsed try must not use the code up"


@pytest.mark.parametrize("change", ["active", "role", "password"])
def test_a_pending_sign_in_is_void_when_the_account_changes(session: Session, change: str) -> None:
    staff = factories.make_staff()
    pending = signin.check_password(staff.email, factories.PASSWORD)
    assert pending is not None
    with transaction():
        if change == "active":
            staff.active = False
        elif change == "role":
            staff.role = Role.ADMIN
        else:
            staff.password_hash = "another"
    with pytest.raises(SignInNeeded), transaction():
        signin.sign_in(pending, BROWSER)
    assert live_sessions(staff.id) == []


def test_an_old_hash_is_renewed_at_sign_in(
    session: Session, monkeypatch: pytest.MonkeyPatch, strong_hasher: PasswordHasher
) -> None:
    assert (strong_hasher.type, strong_hasher.memory_cost, strong_hasher.time_cost) == (Type.ID, 65_536, 3)  # KiB
    monkeypatch.setattr("console.core.passwords.HASHER", strong_hasher)
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(factories.PASSWORD)
    staff = factories.make_staff()
    with transaction():
        staff.password_hash = weak
    pending = signin.check_password(staff.email, factories.PASSWORD)
    assert pending is not None
    with transaction():
        assert signin.sign_in(pending, BROWSER).token
    assert staff.password_hash != weak and not strong_hasher.check_needs_rehash(staff.password_hash)
    assert signin.check_password(staff.email, factories.PASSWORD) is not None


def test_unknown_disabled_and_wrong_do_the_same_work(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    staff, gone = factories.make_staff(), factories.make_staff(active=False)
    compared: list[bool] = []

    def counting(stored: str | None, password: str) -> bool:
        compared.append(True)
        return password_matches(stored, password)

    monkeypatch.setattr("console.core.passwords.password_matches", counting)
    for email, password in ((staff.email, "wrong"), ("nobody@example.test", "wrong"), (gone.email, factories.PASSWORD)):
        compared.clear()
        assert signin.check_password(email, password) is None
        assert compared == [True]
