"""Another sign-in address: two mailboxes confirm it, and no answer tells who is known."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from console.core.errors import Conflict, Invalid, NotFound, TooMany
from console.core.transaction import transaction
from console.customers import holds, passwords
from console.customers.account import emails
from console.customers.account.models import EmailChangeState
from console.customers.models import MemberRole, Membership
from console.tokens.models import OneTimeToken
from tests import factories
from tests.conftest import Clock
from tests.customers.account.support import actor_of, audited, mails, token_in

NEW = "nova@example.rs"


@pytest.fixture
def member(session: Session) -> Membership:
    return factories.owner_of(factories.make_customer())


def ask(member: Membership, email: str = NEW) -> tuple[str, str | None]:
    """Ask and return the tokens in the old mailbox and in the new one."""
    with transaction():
        emails.ask(actor_of(member), email)
    old = token_in(mails("email_change_old")[-1], "/moj/email/confirm/")
    sent = mails("email_change_new")
    return old, token_in(sent[-1], "/moj/email/confirm/") if sent else None


def confirm(token: str | None) -> None:
    assert token is not None
    with transaction():
        emails.confirm(token, None)


@pytest.mark.both
@pytest.mark.parametrize("first", [0, 1])
def test_with_both_links_the_address_is_another_and_everything_old_ends(
    member: Membership, clock: Clock, first: int
) -> None:
    second = factories.make_member(factories.make_customer(), MemberRole.USER, person=member.person)
    pins = {one.id: factories.pin_of(one) for one in (member, second)}
    verification = factories.make_verification(factories.make_staff(), member)
    before = member.person.email
    with transaction():
        passwords.ask(before, None)
    links = ask(member)
    confirm(links[first])
    assert member.person.email == before and not member.person.is_held(clock.now())
    confirm(links[1 - first])
    person = member.person
    assert person.email == NEW and person.is_held(clock.now())
    assert not person.is_held(clock.now() + holds.LASTS)
    assert all(factories.pin_of(one) != pins[one.id] for one in (member, second))
    assert verification.ended_at is not None and audited("person.email_changed")
    assert {mail.to_address for mail in mails("email_changed")} == {before, NEW}
    reset = token_in(mails("person_password_reset")[-1], "/moj/reset/")
    with pytest.raises(NotFound):
        passwords.person_behind(reset)
    with pytest.raises(NotFound):
        confirm(links[0])


def test_a_known_address_is_answered_the_same_and_only_its_mailbox_learns_it(member: Membership) -> None:
    known = factories.make_person(email="zauzeta@example.rs", sign_in=False)
    old, new = ask(member, known.email)
    assert new is None
    (mail,) = mails("email_change_known")
    assert mail.to_address == known.email and not mail.sealed_links
    confirm(old)
    assert member.person.email != known.email


def test_an_address_that_became_known_in_the_meantime_is_not_taken(member: Membership) -> None:
    old, new = ask(member)
    factories.make_person(email=NEW)
    confirm(new)
    before = member.person.email
    confirm(old)
    assert member.person.email == before and not mails("email_changed")
    assert mails("email_change_known")[-1].to_address == NEW
    assert emails.open_change(member.person_id) is None


def test_links_are_stored_hashed_serve_once_and_expire(member: Membership, session: Session, clock: Clock) -> None:
    old, new = ask(member)
    assert new is not None
    stored = {row.digest for row in session.query(OneTimeToken)}
    assert stored and not stored & {old, new}
    confirm(old)
    with pytest.raises(NotFound):
        confirm(old)
    clock.advance(emails.LASTS)
    with pytest.raises(NotFound):
        confirm(new)
    with transaction():
        assert (emails.expire_due(), emails.expire_due()) == (1, 0)


def test_a_new_request_makes_the_links_of_the_last_void(member: Membership) -> None:
    links = ask(member)
    ask(member, "treca@example.rs")
    for link in links:
        with pytest.raises(NotFound):
            confirm(link)
    with transaction():
        emails.withdraw(actor_of(member))
    assert emails.open_change(member.person_id) is None
    assert audited("person.email_change_withdrawn")


def test_what_is_refused(member: Membership, clock: Clock) -> None:
    for wrong in ("nije adresa", member.person.email.upper()):
        with pytest.raises(Invalid):
            ask(member, wrong)
    with pytest.raises(NotFound), transaction():
        emails.ask(factories.make_staff().actor(), NEW)
    links = ask(member)
    with transaction():
        holds.begin(actor_of(member), member.person, "password_reset")
    with pytest.raises(Conflict) as held:
        ask(member)
    assert held.value.code == "held"
    with pytest.raises(Conflict):  # what was asked before is held too
        confirm(links[0])
    clock.advance(holds.LASTS)
    for _ in range(3):
        ask(member)
    with pytest.raises(TooMany):
        ask(member)
    clock.advance(timedelta(hours=1))
    ask(member)
    change = emails.open_change(member.person_id)
    assert change is not None and change.state is EmailChangeState.WAITING
