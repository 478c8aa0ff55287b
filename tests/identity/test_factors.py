"""Two-factor authentication of customers' people: each code serves once, and changes take a fresh sign-in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core import one_time_codes
from console.core.actor import Actor
from console.core.context import sealer
from console.core.errors import ConfirmationNeeded, Conflict, Invalid, NotFound, SignInNeeded
from console.core.transaction import transaction
from console.customers import signin as passwords
from console.customers.models import Person
from console.customers.queries import sessions_of
from console.customers.signin import CONFIRMED_FOR, PasswordProof
from console.identity.access import lock_person
from console.identity.models import PersonRecoveryCode
from console.identity.queries import authenticator_of, recovery_codes_left
from console.identity.service import factors
from console.identity.service import signin as steps
from console.identity.service.signin import Browser
from console.mail.models import Mail
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.staff.support import audit_text

TRIES = 20
BROWSER = Browser("192.0.2.7")


@pytest.fixture
def person(session: Session) -> Person:
    return factories.make_person()


def take(person_id: int, code: str) -> str | None:
    with transaction():
        return factors.take_code(lock_person(person_id), code)


def notices(session: Session) -> list[str]:
    query = select(Mail).where(Mail.template == "security_notice").order_by(Mail.id)
    return [mail.to_address for mail in session.scalars(query)]


def test_it_is_switched_on_with_a_code_and_off_with_one(session: Session, person: Person) -> None:
    mine, current, secret = factories.person_actor(person), factories.make_person_session(person), "A" * 32
    factories.make_person_session(person)
    wrong = f"{(int(factories.code_at(secret)) + 1) % 1_000_000:06d}"
    with pytest.raises(Invalid), transaction():
        factors.switch_on(mine, current.id, secret, wrong)
    with transaction():
        codes = factors.switch_on(mine, current.id, secret, factories.code_at(secret))
    assert [one.id for one in sessions_of(person.id)] == [current.id]
    row = authenticator_of(person.id)
    assert row is not None and secret not in row.sealed_secret and sealer().open(row.sealed_secret).decode() == secret
    assert len(set(codes)) == one_time_codes.RECOVERY_CODES == recovery_codes_left(person.id)
    stored = " ".join(one.digest for one in session.scalars(select(PersonRecoveryCode)))
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    assert take(person.id, factories.code_at(secret)) is None, "the confirming code must not serve again"
    with pytest.raises(Conflict), transaction():
        factors.switch_on(mine, current.id, secret, factories.code_at(secret, ahead=1))
    with pytest.raises(Invalid), transaction():
        factors.switch_off(mine, current.id, factories.code_at(secret))
    with transaction():
        factors.switch_off(mine, current.id, codes[0])
    assert authenticator_of(person.id) is None and recovery_codes_left(person.id) == 0
    with pytest.raises(Conflict), transaction():
        factors.switch_off(mine, current.id, codes[1])
    assert notices(session) == [person.email] * 2
    trail = audit_text()
    assert "person.totp_on" in trail and "person.totp_off" in trail
    assert secret not in trail and not any(code in trail for code in codes)


def test_new_codes_replace_the_old_ones(session: Session, person: Person) -> None:
    secret, codes = factories.switch_totp_on(person)
    mine, current = factories.person_actor(person), factories.make_person_session(person)
    with transaction():
        fresh = factors.renew_codes(mine, current.id, factories.code_at(secret))
    assert take(person.id, codes[0]) is None
    assert take(person.id, fresh[0].upper().replace("-", " ")) == "recovery"
    assert take(person.id, fresh[0]) is None
    assert recovery_codes_left(person.id) == one_time_codes.RECOVERY_CODES - 1


def test_only_ones_own_from_a_fresh_sign_in(
    session: Session, person: Person, actor: Callable[[Role | str], Actor], clock: Clock
) -> None:
    secret, codes = factories.switch_totp_on(person)
    other = factories.make_person()
    current, theirs = factories.make_person_session(person), factories.make_person_session(other)
    mine = factories.person_actor(person)
    for who, session_id in (
        (actor("supervisor"), current.id),
        (factories.person_actor(other), current.id),
        (mine, theirs.id),
        (mine, 0),
    ):
        for verb in (factors.switch_off, factors.renew_codes):
            with pytest.raises(NotFound), transaction():
                verb(who, session_id, codes[0])
    clock.advance(CONFIRMED_FOR)
    for deed in (
        lambda: factors.switch_off(mine, current.id, factories.code_at(secret)),
        lambda: factors.renew_codes(mine, current.id, factories.code_at(secret)),
        lambda: factors.switch_on(factories.person_actor(other), theirs.id, secret, factories.code_at(secret)),
    ):
        with pytest.raises(ConfirmationNeeded), transaction():
            deed()
    assert recovery_codes_left(person.id) == one_time_codes.RECOVERY_CODES


def test_a_password_alone_opens_nothing_whoever_calls(session: Session, person: Person) -> None:
    proof = PasswordProof(person.id, person.password_hash or "")
    secret, _codes = factories.switch_totp_on(person)
    with pytest.raises(SignInNeeded), transaction():
        passwords.sign_in(proof, address=None, user_agent=None)
    with transaction():
        outcome = steps.sign_in(proof, BROWSER)
        assert outcome.token is None and outcome.pending is not None
        pending = outcome.pending
        assert steps.go_on(pending, BROWSER, "000000").wrong_code
    assert "person.code_refused" in audit_text()
    with transaction():
        assert steps.go_on(pending, BROWSER, factories.code_at(secret)).token
    with transaction():
        person.password_hash = "another"
    with pytest.raises(SignInNeeded), transaction():
        steps.go_on(pending, BROWSER, factories.code_at(secret, ahead=1))


def test_a_step_lapses(session: Session, person: Person, clock: Clock) -> None:
    secret, _codes = factories.switch_totp_on(person)
    with transaction():
        pending = steps.sign_in(PasswordProof(person.id, person.password_hash or ""), BROWSER).pending
    assert pending is not None and steps.still_pending(pending) is not None
    clock.advance(steps.STEP_LASTS)
    assert steps.still_pending(pending) is None
    with pytest.raises(SignInNeeded), transaction():
        steps.go_on(pending, BROWSER, factories.code_at(secret))


@pytest.mark.both
def test_one_code_of_twenty_at_once_serves_once(app: Flask, session: Session, clock: Clock) -> None:
    """Each with a sign-in of its own, as from twenty browsers."""
    person = factories.make_person()
    secret, codes = factories.switch_totp_on(person)
    proof = PasswordProof(person.id, person.password_hash or "")
    for code in (factories.code_at(secret), codes[0]):
        session.rollback()
        together = threading.Barrier(TRIES)
        tokens: list[str | None] = []

        def attempt(code: str = code, gate: Any = together, tokens: list[Any] = tokens) -> None:
            with app.app_context():
                gate.wait()
                with transaction():
                    tokens.append(steps.sign_in(proof, BROWSER, code=code).token)

        threads = [threading.Thread(target=attempt) for _ in range(TRIES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(tokens) == TRIES and len([token for token in tokens if token]) == 1
    clock.advance(timedelta(seconds=30))
    assert take(person.id, factories.code_at(secret)) == "totp"
