"""Passkeys: what a device answers is checked in each part, its challenge serves once and in one browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from console.core.errors import ConfirmationNeeded, Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.customers.models import Person
from console.customers.signin import CONFIRMED_FOR
from console.identity.models import Passkey
from console.identity.queries import passkeys_of
from console.identity.service import passkeys
from console.identity.service.passkeys import CONFIRM, LASTS, SECOND_STEP, SIGN_IN, relying_party
from tests import factories
from tests.conftest import Clock
from tests.identity.device import Device
from tests.staff.support import audit_text

pytestmark = pytest.mark.only("sqlite")
HOLDER = passkeys.browser_holder("a" * 32)


def device(**more: Any) -> Device:
    return Device(**{"origin": relying_party().origin, "rp_id": relying_party().id, **more})


def add(person: Person, key: Device, name: str = "Telefon") -> Passkey:
    mine, current = factories.person_actor(person), factories.make_person_session(person)
    with transaction():
        options = passkeys.registration_options(mine, current.id)
    with transaction():
        return passkeys.register(mine, current.id, name, key.create(options))


def request_options(purpose: str = SIGN_IN, holder: str = HOLDER, person: Person | None = None) -> dict[str, Any]:
    with transaction():
        return passkeys.options(purpose, holder, person.id if person else None)


def taken(answer: str, purpose: str = SIGN_IN, holder: str = HOLDER, person: Person | None = None) -> int | None:
    with transaction():
        return passkeys.take(purpose, holder, answer, None, person.id if person else None)


@pytest.fixture
def person(session: Session) -> Person:
    return factories.make_person()


def test_it_signs_in_without_telling_who_is_here(person: Person) -> None:
    key = device()
    add(person, key)
    options = request_options()
    assert options["allowCredentials"] == [] and options["userVerification"] == "required"
    answer = key.get(options)
    assert taken(answer) == person.id
    assert taken(answer) is None, "a challenge serves once"
    (row,) = passkeys_of(person.id)
    assert row.sign_count == 1 and row.used_at is not None


def test_what_is_wrong_is_refused(person: Person, clock: Clock) -> None:
    key, other = device(), factories.make_person()
    add(person, key)
    wrong: dict[str, Callable[[], int | None]] = {
        "another browser": lambda: taken(key.get(request_options()), holder=passkeys.browser_holder("b" * 32)),
        "another purpose": lambda: taken(key.get(request_options(SECOND_STEP, person=person))),
        "another person": lambda: taken(key.get(request_options(SECOND_STEP)), SECOND_STEP, person=other),
        "not verified": lambda: taken(_with(key, verifies=False).get(request_options())),
        "another origin": lambda: taken(_with(key, origin="https://evil.example").get(request_options())),
        "another site": lambda: taken(_with(key, rp_id="evil.example").get(request_options())),
        "another handle": lambda: taken(_with(key, handle="AAAA").get(request_options())),
        "another key": lambda: taken(_with(key, key=device().key).get(request_options())),
        "unknown": lambda: taken(device(handle=key.handle).get(request_options())),
        "counter that stands": lambda: taken(_with(key, count=0).get(request_options(), step=0)),
        "no challenge of ours": lambda: taken(key.get({"challenge": "AAAA"})),
    }
    assert taken(key.get(request_options())) == person.id  # the counter is above nothing now
    for what, attempt in wrong.items():
        assert attempt() is None, what
    options = request_options()
    clock.advance(LASTS)
    assert taken(key.get(options)) is None, "too old"
    assert audit_text().count("person.passkey_refused") == 6
    assert taken(key.get(request_options())) == person.id


JUNK = '{"id":"a","rawId":"=","type":"public-key","response":{}}'


@pytest.mark.parametrize("junk", ["", "{}", "[]", "null", "[" * 9_000, JUNK])
def test_junk_is_refused(person: Person, junk: str) -> None:
    assert taken(junk) is None
    whole = json.loads(device(handle="AA").get({"challenge": "AAAA"}))
    for name in ("clientDataJSON", "authenticatorData", "signature"):
        assert taken(json.dumps(whole | {"response": whole["response"] | {name: "AA"}})) is None
    mine, current = factories.person_actor(person), factories.make_person_session(person)
    with pytest.raises(Invalid), transaction():
        passkeys.register(mine, current.id, "Telefon", junk)


def test_as_a_second_step_it_need_not_check_who_holds_it(person: Person) -> None:
    key = device(verifies=False)
    add(person, key)
    options = request_options(SECOND_STEP, person=person)
    assert [one["id"] for one in options["allowCredentials"]] == [passkeys_of(person.id)[0].credential_id]
    assert taken(key.get(options), SECOND_STEP, person=person) == person.id
    assert taken(key.get(request_options(CONFIRM, person=person)), CONFIRM, person=person) is None


def test_adding_and_removing(person: Person, clock: Clock, session: Session) -> None:
    key = device()
    first = add(person, key)
    mine, current = factories.person_actor(person), factories.make_person_session(person)
    with transaction():
        options = passkeys.registration_options(mine, current.id)
    assert [one["id"] for one in options["excludeCredentials"]] == [first.credential_id]
    answer = key.create(options)
    with pytest.raises(Conflict), transaction():
        passkeys.register(mine, current.id, "Isti", answer)
    with pytest.raises(Invalid), transaction():
        passkeys.register(mine, current.id, " ", answer)
    second = add(person, device(), "Ključ")
    assert second.user_handle == first.user_handle
    other = factories.make_person()
    theirs = factories.make_person_session(other)
    with pytest.raises(NotFound), transaction():
        passkeys.remove(factories.person_actor(other), theirs.id, first.id)
    with transaction():
        passkeys.remove(mine, current.id, first.id)
    assert [one.id for one in passkeys_of(person.id)] == [second.id]
    assert taken(key.get(request_options())) is None
    clock.advance(CONFIRMED_FOR)
    for deed in (
        lambda: passkeys.registration_options(mine, current.id),
        lambda: passkeys.register(mine, current.id, "Kasno", answer),
        lambda: passkeys.remove(mine, current.id, second.id),
    ):
        with pytest.raises(ConfirmationNeeded), transaction():
            deed()
    trail = audit_text()
    assert trail.count("person.passkey_added") == 2 and trail.count("person.passkey_removed") == 1


def test_no_more_than_so_many(person: Person) -> None:
    for _ in range(passkeys.MOST):
        factories.make_passkey(person)
    mine, current = factories.person_actor(person), factories.make_person_session(person)
    with pytest.raises(Conflict), transaction():
        passkeys.registration_options(mine, current.id)


def _with(original: Device, **changed: Any) -> Device:
    values = {name: getattr(original, name) for name in ("origin", "rp_id", "verifies", "count", "handle", "key")}
    return Device(**{**values, "credential_id": original.credential_id, **changed})


def test_who_has_no_sign_in_any_more_is_not_let_in(person: Person) -> None:
    key = device()
    add(person, key)
    with transaction():
        person.password_hash = None
    assert taken(key.get(request_options())) is None
