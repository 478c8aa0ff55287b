"""Applications, grants, codes and keys by their verbs: who may, each guard, the audit log, many at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.cli import restoring
from console.core import clock as core_clock
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import ConfirmationNeeded, Conflict, Invalid, NotFound
from console.core.ids import token_digest
from console.core.transaction import transaction
from console.customers import passwords
from console.customers.account.hooks import HandedOver, run_handed_over
from console.customers.models import Membership, Person
from console.customers.signin import PasswordProof
from console.identity.oidc import applications, families, grants, keys, tokens
from console.identity.oidc.applications import ApplicationData
from console.identity.oidc.models import SsoApplication, SsoCode, SsoGrant, SsoKey, SsoSwitch, SsoToken
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock

CALLBACK = "https://webmail.example.test/callback"
DATA = ApplicationData("Webmail", (CALLBACK,))
CHALLENGE = "x" * 43


@pytest.fixture
def owner(session: Session) -> Membership:
    return factories.owner_of(factories.make_customer())


def registered(data: ApplicationData = DATA) -> SsoApplication:
    with transaction():
        return applications.register(SYSTEM, data).application


def granted(owner: Membership, application: SsoApplication | None = None) -> SsoGrant:
    """Turn it on for the owner's account, and let an application in."""
    application = application or registered()
    current = factories.make_person_session(owner.person)
    mine = factories.person_actor(owner.person)
    with transaction():
        grants.turn(mine, current.id, owner.customer_id, on=True)
    with transaction():
        return grants.allow(mine, current.id, application, owner, ["openid"])


def code_of(grant: SsoGrant, code: str = "code") -> SsoCode:
    with transaction() as session:
        row = session.get_one(SsoGrant, grant.id)
        request = tokens.Request(CALLBACK, "openid offline_access", CHALLENGE)
        return tokens.issue_code(code, row, request, core_clock.now())


def kinds() -> list[str]:
    query = (
        select(AuditEntry.action).where(AuditEntry.action.regexp_match("^(sso|application)[.]")).order_by(AuditEntry.id)
    )
    return list(db.session.scalars(query))


def test_administrators_register_and_change_applications(session: Session, actor: Callable[[Role], Actor]) -> None:
    admin = actor(Role.ADMIN)
    with transaction():
        made = applications.register(admin, DATA)
    assert made.secret is not None and made.application.secret_digest == token_digest(made.secret)
    key, before = made.application.id, made.application.secret_digest
    with transaction():
        renewed = applications.renew_secret(admin, key)
    assert renewed.secret != made.secret and renewed.application.secret_digest != before
    with transaction():
        applications.change(admin, key, ApplicationData("Pošta", (CALLBACK,), active=False))
    assert applications.find(made.application.client_id) is None
    with transaction():
        public = applications.register(admin, ApplicationData("Telefon", (CALLBACK,), is_public=True))
    assert public.secret is None
    with pytest.raises(Conflict), transaction():
        applications.renew_secret(admin, public.application.id)
    written = " ".join(str(one.data) for one in session.scalars(select(AuditEntry)))
    assert str(made.secret) not in written and str(renewed.secret) not in written
    assert kinds() == [
        "application.registered", "application.secret_renewed", "application.changed", "application.registered",
    ]  # fmt: skip
    for role in (Role.AGENT, Role.BILLING, Role.SUPERVISOR):
        for tried in (
            lambda who: applications.register(who, DATA),
            lambda who: applications.change(who, key, DATA),
            lambda who: applications.renew_secret(who, key),
            lambda who: keys.rotate(who, ("kid", "sealed")),
        ):
            with pytest.raises(NotFound), transaction():
                tried(actor(role))


@pytest.mark.parametrize(
    "uri",
    [
        "http://webmail.example.test/", "https://", "https://a.test/#x", "https://*.a.test/", "ftp://a.test/",
        "https://user:pass@a.test/", "javascript:alert(1)", "//a.test/", "https://a.test/ b", "https://a.test:x/",
        "https://a.test/" + "x" * 500, "data:text/html,x", "https://a.test;form-action/", "https://ж.test/",
    ],
)  # fmt: skip
def test_what_is_no_address_to_send_anyone_to(uri: str) -> None:
    assert not applications.is_usable(uri)


def test_good_addresses_and_what_a_wrong_form_says(session: Session) -> None:
    for uri in (
        "https://a.test/",
        "https://a.test:8443/x?y=1",
        "http://127.0.0.1:8000/cb",
        "http://[::1]/",
        "http://localhost/",
    ):
        assert applications.is_usable(uri)
    with pytest.raises(Invalid) as refusal, transaction():
        applications.register(SYSTEM, ApplicationData(" ", (), ("http://x.test/",)))
    assert set(refusal.value.fields) == {"name", "redirect_uris", "post_logout_uris"}


def test_only_the_owner_has_the_switch_and_only_from_a_fresh_sign_in(owner: Membership, clock: Clock) -> None:
    mine, current = factories.person_actor(owner.person), factories.make_person_session(owner.person)
    other = factories.make_person()
    strange = factories.make_person_session(other)
    for who, key in ((factories.person_actor(other), strange.id), (SYSTEM, current.id), (mine, strange.id)):
        with pytest.raises(NotFound), transaction():
            grants.turn(who, key, owner.customer_id, on=True)
    with transaction():
        assert grants.turn(mine, current.id, owner.customer_id, on=True)
    with transaction():
        assert not grants.turn(mine, current.id, owner.customer_id, on=True)
    clock.advance(timedelta(minutes=11))
    for tried in (
        lambda: grants.turn(mine, current.id, owner.customer_id, on=False),
        lambda: grants.revoke(mine, current.id, 1),
    ):
        with pytest.raises(ConfirmationNeeded), transaction():
            tried()
    assert db.session.get(SsoSwitch, owner.customer_id) is not None


def test_a_grant_is_never_of_anothers_account_or_where_it_is_off(owner: Membership, clock: Clock) -> None:
    application, other = registered(), factories.owner_of(factories.make_customer())
    granted(other, application)
    current = factories.make_person_session(owner.person)
    for membership in (owner, other):
        with pytest.raises(NotFound), transaction():
            grants.allow(factories.person_actor(owner.person), current.id, application, membership, ["openid"])
    grant = granted(owner, application)
    clock.advance(timedelta(minutes=11))
    with transaction():
        assert (
            grants.allow(factories.person_actor(owner.person), current.id, application, owner, ["openid"]).id
            == grant.id
        )
    with pytest.raises(ConfirmationNeeded), transaction():
        grants.allow(factories.person_actor(owner.person), current.id, application, owner, ["openid", "email"])


def test_a_handover_turns_it_off_and_a_new_password_ends_the_tokens(owner: Membership) -> None:
    grant = granted(owner)
    code = code_of(grant)
    with transaction():
        tokens.store(db.session.get_one(SsoCode, code.id), "access", "openid", is_refresh=False)
    assert tokens.find_access("access") is not None
    proof = PasswordProof(owner.person_id, owner.person.password_hash or "")
    current = factories.make_person_session(owner.person)
    with transaction():
        passwords.change_password(factories.person_actor(owner.person), proof, "hash", keep_session=current.id)
    assert tokens.find_access("access") is None
    assert db.session.get_one(SsoGrant, grant.id).ended_at is None, "what was allowed is remembered"
    new = factories.make_person()
    with transaction():
        person = db.session.get_one(Person, owner.person_id)
        run_handed_over(SYSTEM, HandedOver(owner.customer, person, new, keeps_sign_in=True))
    assert db.session.get_one(SsoGrant, grant.id).end_reason == "handover"
    assert db.session.get(SsoSwitch, owner.customer_id) is None


def test_an_application_that_is_switched_off_holds_nothing(owner: Membership) -> None:
    application = registered()
    code = code_of(granted(owner, application))
    with transaction():
        tokens.store(db.session.get_one(SsoCode, code.id), "access", "openid", is_refresh=False)
    with transaction():
        applications.change(SYSTEM, application.id, ApplicationData("Webmail", (CALLBACK,), active=False))
    assert tokens.find_access("access") is None
    with transaction():
        applications.change(SYSTEM, application.id, DATA)
    assert tokens.find_access("access") is None, "what ended stays ended"


@pytest.mark.both
def test_of_many_at_once_one_exchanges_a_code(
    app: Flask, owner: Membership, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    grant = granted(owner)
    code_of(grant)
    application_id, exchanged = grant.application_id, []
    db.session.remove()

    def exchange() -> None:
        with app.app_context():
            with transaction():
                row = tokens.find_code(SYSTEM, "code", application_id)
                if row is not None:
                    tokens.use_code(row)
                    exchanged.append(tokens.store(row, "refresh", row.scope, is_refresh=True).id)
            db.session.remove()

    in_threads(exchange, 8)
    assert len(exchanged) == 1
    assert db.session.scalars(select(SsoToken.ended_at)).one() is not None, "the others were a second time"
    assert kinds().count("sso.reused") == 7


@pytest.mark.both
def test_of_many_at_once_one_makes_the_first_key(
    app: Flask, session: Session, in_threads: Callable[[Callable[[], None], int], None]
) -> None:
    kids = []
    db.session.remove()

    def sign() -> None:
        with app.app_context():
            kids.append(keys.signing_key().kid)
            db.session.remove()

    in_threads(sign, 4)
    assert len(set(kids)) == 1 and db.session.scalar(select(func.count()).select_from(SsoKey)) == 1


def test_what_expired_is_deleted_with_its_code_last(owner: Membership, clock: Clock) -> None:
    code = code_of(granted(owner))
    with transaction():
        tokens.store(db.session.get_one(SsoCode, code.id), "refresh", "openid", is_refresh=True)

    def left() -> list[int]:
        with transaction():
            families.clear(core_clock.now() - timedelta(days=1))
        return [db.session.scalar(select(func.count()).select_from(one)) or 0 for one in (SsoCode, SsoToken)]

    clock.advance(timedelta(days=2))
    assert left() == [1, 1], "a code is known as long as its tokens are"
    clock.advance(timedelta(days=30))
    assert left() == [0, 0]


def test_a_restored_copy_lets_no_application_in(owner: Membership) -> None:
    code = code_of(granted(owner))
    with transaction():
        tokens.store(db.session.get_one(SsoCode, code.id), "access", "openid", is_refresh=False)
    with transaction():
        assert restoring.end_all(SYSTEM).grants == 1
    assert tokens.find_access("access") is None and db.session.scalars(select(SsoGrant.end_reason)).one() == "restore"
    with transaction():
        assert tokens.find_code(SYSTEM, "code", db.session.scalars(select(SsoApplication.id)).one()) is None
