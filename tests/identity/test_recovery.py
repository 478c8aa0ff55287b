"""A lost device: 24 hours that anyone who is told can stop, then the second factors go and a hold begins."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.core import clock as core_clock
from console.core.actor import Actor
from console.core.errors import ConfirmationNeeded, Conflict, NotFound
from console.core.transaction import transaction
from console.customers.account import emails
from console.customers.models import Membership
from console.customers.queries import sessions_of
from console.customers.signin import CONFIRMED_FOR, PasswordProof
from console.identity.access import lock_person
from console.identity.models import DeviceRecovery, RecoveryEnd
from console.identity.queries import authenticator_of, open_recovery, passkeys_of
from console.identity.service import recovery
from console.identity.service import signin as steps
from console.identity.service.recovery import CANCEL, REMOVE, SERVES, WAIT
from console.mail import links
from console.mail.models import Mail
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock
from tests.staff.support import audit_text
from tests.support.client import ConsoleClient, sign_in

pytestmark = pytest.mark.only("sqlite")


@pytest.fixture
def user(session: Session) -> Membership:
    """A user of another's account, with every second factor there is."""
    member = factories.make_member(factories.make_customer())
    factories.make_passkey(member.person)
    return member


def ask(member: Membership) -> DeviceRecovery:
    with transaction():
        person = lock_person(member.person_id)
        return recovery.ask(factories.person_actor(person), person)


def tokens_of(session: Session, template: str, way: str) -> list[str]:
    found = []
    for mail in session.scalars(select(Mail).where(Mail.template == template).order_by(Mail.id)):
        text, _html = links.put_in(mail.text, mail.html, mail.sealed_links)
        found += re.findall(rf"{way}(\S+)$", text, re.MULTILINE)
    return found


def finish(token: str) -> None:
    with transaction():
        recovery.finish(token, None)


def test_a_new_address_ends_the_wait_whose_link_is_in_the_old_mailbox(session: Session, user: Membership) -> None:
    factories.switch_totp_on(user.person)
    ask(user)
    (token,) = tokens_of(session, "device_recovery", "/moj/recovery/(?!stop)")
    with transaction():
        emails.ask(factories.signed_in_actor(user.person), "nova@example.rs")
    for template in ("email_change_old", "email_change_new"):
        (link,) = tokens_of(session, template, "/moj/email/confirm/")
        with transaction():
            emails.confirm(link, None)
    with pytest.raises(NotFound):
        recovery.recovery_behind(token, REMOVE)
    assert open_recovery(user.person_id) is None and authenticator_of(user.person_id) is not None


def test_after_the_wait_the_link_removes_everything_once(session: Session, user: Membership, clock: Clock) -> None:
    factories.switch_totp_on(user.person)
    factories.make_person_session(user.person)
    row = ask(user)
    assert ask(user).id == row.id  # the second one mails nothing
    (token,) = tokens_of(session, "device_recovery", "/moj/recovery/(?!stop)")
    assert len(tokens_of(session, "device_recovery_notice", "/moj/recovery/stop/")) == 1
    with pytest.raises(Conflict):
        finish(token)
    clock.advance(WAIT)
    assert recovery.recovery_behind(token, REMOVE).is_ready(core_clock.now())
    finish(token)
    person = user.person
    session.refresh(person)
    assert authenticator_of(person.id) is None and not passkeys_of(person.id) and not sessions_of(person.id)
    assert person.is_held(core_clock.now() + timedelta(hours=71))
    assert not person.is_held(core_clock.now() + timedelta(hours=72))
    with pytest.raises(NotFound):
        finish(token)
    trail = audit_text()
    assert "person.recovery_done" in trail and "lost_device" in trail and token not in trail


def test_any_of_the_links_stops_it(session: Session, user: Membership, clock: Clock) -> None:
    factories.switch_totp_on(user.person)
    for template in ("device_recovery", "device_recovery_notice"):
        ask(user)
        cancel = tokens_of(session, template, "/moj/recovery/stop/")[-1]
        remove = tokens_of(session, "device_recovery", "/moj/recovery/(?!stop)")[-1]
        with transaction():
            recovery.cancel(cancel, None)
        assert open_recovery(user.person_id) is None
        clock.advance(WAIT)
        for token, purpose in ((cancel, CANCEL), (remove, REMOVE)):
            with pytest.raises(NotFound):
                recovery.recovery_behind(token, purpose)
    assert authenticator_of(user.person_id) is not None and len(passkeys_of(user.person_id)) == 1


def test_a_code_after_all_ends_it(session: Session, user: Membership) -> None:
    secret, _codes = factories.switch_totp_on(user.person)
    row = ask(user)
    proof = PasswordProof(user.person_id, user.person.password_hash or "")
    with transaction():
        steps.sign_in(proof, steps.Browser(None))
    assert open_recovery(user.person_id) is not None  # the password alone is what a thief has too
    with transaction():
        steps.sign_in(proof, steps.Browser(None), code=factories.code_at(secret))
    session.refresh(row)
    assert row.end is RecoveryEnd.SIGNED_IN and open_recovery(user.person_id) is None


def test_it_is_stopped_in_a_session_that_is_open(session: Session, user: Membership, clock: Clock) -> None:
    factories.switch_totp_on(user.person)
    current, mine = factories.make_person_session(user.person), factories.person_actor(user.person)
    ask(user)
    clock.advance(CONFIRMED_FOR)
    with pytest.raises(ConfirmationNeeded), transaction():
        recovery.stop(mine, current.id)
    current = factories.make_person_session(user.person)
    with transaction():
        recovery.stop(mine, current.id)
    assert open_recovery(user.person_id) is None
    with pytest.raises(NotFound), transaction():
        recovery.stop(mine, current.id)


def test_the_owner_of_an_account_stops_it_for_its_people_and_no_one_else_does(
    session: Session, user: Membership
) -> None:
    factories.switch_totp_on(user.person)
    row = ask(user)
    owner, colleague = factories.owner_of(user.customer), factories.make_member(user.customer)
    stranger = factories.owner_of(factories.make_customer())
    for other in (colleague, stranger):
        current = factories.make_person_session(other.person)
        with pytest.raises(NotFound), transaction():
            recovery.stop(factories.person_actor(other.person), current.id, row.id)
    current = factories.make_person_session(owner.person)
    with transaction():
        recovery.stop(factories.person_actor(owner.person), current.id, row.id)
    assert open_recovery(user.person_id) is None and authenticator_of(user.person_id) is not None
    notice = session.scalar(select(Mail).where(Mail.template == "security_notice").order_by(Mail.id.desc()))
    assert notice is not None and notice.to_address == user.person.email


def test_it_expires(session: Session, user: Membership, clock: Clock) -> None:
    factories.switch_totp_on(user.person)
    row = ask(user)
    (token,) = tokens_of(session, "device_recovery", "/moj/recovery/(?!stop)")
    clock.advance(WAIT + SERVES)
    with pytest.raises(NotFound):
        finish(token)
    assert ask(user).id != row.id
    session.refresh(row)
    assert row.end is RecoveryEnd.EXPIRED


def test_supervisors_are_mailed_and_see_all_that_wait_in_one_list(
    session: Session, user: Membership, client: ConsoleClient
) -> None:
    factories.switch_totp_on(user.person)
    supervisor = sign_in(client, Role.SUPERVISOR)
    row = ask(user)
    assert ask(user).id == row.id  # asked again: nothing is mailed again
    mails = select(Mail.to_address).where(Mail.template == "device_recovery_review")
    assert list(session.scalars(mails)) == [supervisor.email]
    (item,) = client.get_json("/console/recoveries/").json["items"]
    assert (item["person"], item["customers"]) == (user.person.name, [user.customer.number])
    assert client.get_json("/console/").json["needs"]["recoveries"]["count"] == "1"
    address = f"/console/customers/{user.customer.number}/recovery"
    done = client.submit(address, recovery=row.id, decision="allow", back="list")
    assert done.status_code == 303 and done.location.endswith("/console/recoveries/")
    assert "recoveries" not in client.get_json("/console/").json["needs"]
    assert supervisor.name in client.get("/console/recoveries/").text
    client.submit(address, recovery=row.id, decision="refuse", back="list")
    assert client.get_json("/console/recoveries/").json["items"] == []


def test_a_supervisor_refuses_it_or_lets_it_go_on_and_no_one_else(
    session: Session, user: Membership, actor: Callable[[Role | str], Actor], clock: Clock
) -> None:
    factories.switch_totp_on(user.person)
    row, account = ask(user), user.customer_id
    for role in ("agent", "billing", "admin"):
        with pytest.raises(NotFound), transaction():
            recovery.review(actor(role), row.id, account, refuse=True)
    supervisor = actor("supervisor")
    with pytest.raises(NotFound), transaction():
        recovery.review(supervisor, row.id, factories.make_customer().id, refuse=True)
    ready = row.ready_at
    with transaction():
        recovery.review(supervisor, row.id, account, refuse=False)
    assert row.reviewed_by_id == supervisor.id and row.ready_at == ready and open_recovery(user.person_id) is not None
    with transaction():
        recovery.review(supervisor, row.id, account, refuse=True)
    assert row.end is RecoveryEnd.REFUSED
    with pytest.raises(Conflict), transaction():
        recovery.review(supervisor, row.id, account, refuse=True)
    clock.advance(WAIT)
    (token,) = tokens_of(session, "device_recovery", "/moj/recovery/(?!stop)")
    with pytest.raises(NotFound):
        finish(token)
    trail = audit_text()
    assert "person.recovery_refused" in trail and "person.recovery_allowed" in trail
