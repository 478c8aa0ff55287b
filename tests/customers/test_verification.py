"""Verification: what it opens, for whom, until when; and who hears of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.audit.sealing import data_of
from console.core import clock as core_clock
from console.core.actor import Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound, TooMany
from console.core.transaction import transaction
from console.customers.models import MemberRole, Membership, Verification, VerificationKind
from console.customers.queries import live_verification, locked_out_people, opened_rights, verifications_of
from console.customers.rights import ALL_RIGHTS, READING_RIGHTS, Right
from console.customers.service import suspend_customer
from console.customers.verification.guards import ALLOWED, SOURCE_ALLOWED
from console.customers.verification.pins import renew_pin
from console.customers.verification.service import end, verify
from console.customers.verification.supervision import override, unlock
from console.mail.models import Mail
from console.staff.models import Staff
from console.staff.roles import Role
from tests import factories
from tests.conftest import Clock

CHANNELS = ["phone", "mail", "chat:42", "chat:3f2a-Q_9", "ticket:T-19877", "ticket:7"]
NO_CHANNELS = ["", "fax", "chat", "chat:", "chat: 1", "ticket:", "phone:1", "chat:../1", "override", "chat:" + "9" * 41]


def agent() -> Actor:
    return factories.actor_of(factories.make_staff())


def supervisor() -> Actor:
    return factories.actor_of(factories.make_staff(Role.SUPERVISOR))


def attempt(actor: Actor, member: Membership, pin: str | None = None, channel: str = "phone") -> Verification | None:
    pin = pin or factories.pin_of(member)
    email = member.person.email
    with transaction():
        return verify(actor, email=email, pin=pin, channel=channel)


def wrong_pin(member: Membership) -> str:
    return f"{(int(factories.pin_of(member)) + 1) % 1_000_000:06d}"


def fail(actor: Actor, member: Membership, times: int) -> None:
    pin = wrong_pin(member)
    for _ in range(times):
        assert attempt(actor, member, pin) is None


def mails(template: str) -> list[Mail]:
    return list(db.session.scalars(select(Mail).where(Mail.template == template)))


def trail(action: str) -> list[AuditEntry]:
    return list(db.session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))


# --- success ---------------------------------------------------------------------------------------------------------


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("channel", CHANNELS)
def test_it_names_who_for_which_account_how_by_whom_and_until_when(session: Session, channel: str) -> None:
    member = factories.owner_of(factories.make_customer())
    actor = agent()
    done = attempt(actor, member, channel=channel)
    assert done is not None and done.kind is VerificationKind.PIN
    assert (done.membership_id, done.customer_id, done.staff_id, done.channel) == (
        member.id,
        member.customer_id,
        actor.id,
        channel,
    )
    assert done.expires_at - done.started_at == timedelta(minutes=30)
    assert done.opened_rights() == ALL_RIGHTS
    (entry,) = trail("verification.started")
    assert (entry.actor_id, entry.customer_id, entry.data["channel"]) == (actor.id, member.customer_id, channel)
    (mail,) = mails("verification")
    assert mail.to_address == member.person.email and actor.name in mail.text


def test_who_is_verified_already_stays_so_and_the_owner_is_told_once(session: Session, clock: Clock) -> None:
    customer = factories.make_customer()
    member, actor = factories.owner_of(customer), agent()
    first = attempt(actor, member)
    clock.advance(timedelta(minutes=10))
    again = attempt(actor, member)
    assert again is not None and first is not None
    assert (again.id, again.expires_at) == (first.id, first.started_at + timedelta(minutes=30)), "as the mail said"
    assert (len(mails("verification")), len(trail("verification.started"))) == (1, 1)
    assert [entry.data["verification"] for entry in trail("verification.repeated")] == [first.id]
    # Another channel, another colleague, another person, other rights, and one that is over are others.
    other = factories.make_member(customer, rights=frozenset({Right.DOMAINS}))
    made = [first, attempt(actor, member, channel="mail"), attempt(agent(), member), attempt(actor, other)]
    with transaction():
        other.rights = [Right.INVOICES.value]
    made.append(attempt(actor, other))
    with transaction():
        end(actor, first.id)
    made.append(attempt(actor, member))
    assert len({one.id for one in made if one is not None}) == len(made) == len(mails("verification"))


@pytest.mark.only("sqlite")
def test_an_override_sent_twice_is_one(session: Session) -> None:
    customer, actor = factories.make_customer(), supervisor()
    with transaction():
        first = override(actor, customer, "Vlasnik je u bolnici")
        assert override(actor, customer, " Vlasnik je  u bolnici ").id == first.id
        assert override(actor, customer, "Sasvim drugi razlog").id != first.id
    assert (len(mails("override")), len(trail("verification.overridden"))) == (2, 2)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("channel", NO_CHANNELS)
def test_another_channel_is_refused_before_anything_is_tried(session: Session, channel: str) -> None:
    member = factories.owner_of(factories.make_customer())
    actor = agent()
    with pytest.raises(Invalid) as refusal:
        attempt(actor, member, channel=channel)
    assert list(refusal.value.fields) == ["channel"]
    assert trail("verification.failed") == []


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "spoken", ["{} {} {} {} {} {}", "{}{}{} {}{}{}", "{}{}-{}{}-{}{}", " {}{}.{}{}{}{} ", "{}{}{} – {}{}{}"]
)
def test_a_pin_may_be_typed_as_it_is_said(session: Session, spoken: str) -> None:
    member = factories.owner_of(factories.make_customer())
    assert attempt(agent(), member, spoken.format(*factories.pin_of(member)))


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "pin", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "123456" + " " * 40 + "1", "12_456", "+12345"]
)
def test_what_is_no_pin_is_not_tried(session: Session, pin: str) -> None:
    member = factories.owner_of(factories.make_customer())
    actor = agent()
    with pytest.raises(Invalid) as refusal, transaction():
        verify(actor, email=member.person.email, pin=pin, channel="phone")
    assert list(refusal.value.fields) == ["pin"]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "email", ["", "ana", "@x", "ana@", "a\0na@example.test", "a" * 250 + "@example.test", "a b@example.test"]
)
def test_what_is_no_email_is_not_tried(session: Session, email: str) -> None:
    actor = agent()
    with pytest.raises(Invalid) as refusal, transaction():
        verify(actor, email=email, pin="123456", channel="phone")
    assert list(refusal.value.fields) == ["email"]


@pytest.mark.both
def test_the_email_is_compared_without_case_and_edges(session: Session) -> None:
    member = factories.owner_of(factories.make_customer())
    pin, email = factories.pin_of(member), f"  {member.person.email.upper()} "
    actor = agent()
    with transaction():
        assert verify(actor, email=email, pin=pin, channel="phone")


def test_each_role_of_a_person_opens_its_own_rights(session: Session) -> None:
    customer = factories.make_customer()
    user = factories.make_member(customer, MemberRole.USER, rights=[Right.PRODUCTS, Right.DOMAINS])
    bookkeeper = factories.make_member(customer, MemberRole.CONTACT, rights=[Right.INVOICES])
    outsider = factories.make_member(customer, MemberRole.CONTACT)
    for member, rights in ((user, {Right.PRODUCTS, Right.DOMAINS}), (bookkeeper, {Right.INVOICES}), (outsider, set())):
        actor = agent()
        assert attempt(actor, member)
        assert opened_rights(actor, customer.id) == rights
    # The owner hears of each, in the owner's own mail.
    assert {mail.to_address for mail in mails("verification")} == {factories.owner_of(customer).person.email}
    assert len(mails("verification")) == 3


def test_it_opens_for_the_agent_who_asked_and_for_that_account(session: Session) -> None:
    person = factories.make_person()
    first, second = (factories.owner_of(factories.make_customer(owner=person)) for _ in range(2))
    requester, other = agent(), agent()
    assert attempt(requester, first)
    assert opened_rights(requester, first.customer_id) == ALL_RIGHTS
    assert opened_rights(other, first.customer_id) == frozenset()
    assert opened_rights(requester, second.customer_id) == frozenset()
    # A customer's person with the same number as the agent is not the agent.
    assert live_verification(Actor(kind="person", id=requester.id, name="x"), first.customer_id) is None


@pytest.mark.both
def test_it_ends_with_its_time(session: Session, clock: Clock) -> None:
    member, actor = factories.owner_of(factories.make_customer()), agent()
    assert attempt(actor, member)
    clock.advance(timedelta(minutes=29))
    assert opened_rights(actor, member.customer_id) == ALL_RIGHTS
    clock.advance(timedelta(minutes=1, seconds=1))
    assert opened_rights(actor, member.customer_id) == frozenset()


def test_it_is_ended_by_hand_by_whom_it_is(session: Session) -> None:
    member, actor, other = factories.owner_of(factories.make_customer()), agent(), agent()
    done = attempt(actor, member)
    assert done is not None
    for stranger in (other, supervisor(), Actor(kind="person", id=actor.id, name="x", permissions=actor.permissions)):
        with pytest.raises(NotFound), transaction():
            end(stranger, done.id)
    assert live_verification(actor, member.customer_id) is not None
    for _ in range(2):  # twice is no error, and on the record once
        with transaction():
            end(actor, done.id)
    assert live_verification(actor, member.customer_id) is None
    assert len(trail("verification.ended")) == 1
    with pytest.raises(NotFound), transaction():
        end(actor, 999)


def test_who_was_demoted_has_nothing_open(session: Session) -> None:
    staff = factories.make_staff(Role.SUPERVISOR)
    customer = factories.make_customer()
    with transaction():
        override(factories.actor_of(staff), customer, "Sumnja na preuzet nalog")
    assert live_verification(factories.actor_of(staff), customer.id) is not None
    for role in (Role.AGENT, Role.ADMIN):
        with transaction():
            db.session.get_one(Staff, staff.id).role = role
        assert live_verification(factories.actor_of(staff), customer.id) is None
    factories.make_verification(staff, factories.owner_of(customer))
    assert live_verification(factories.actor_of(staff), customer.id) is None  # an admin verifies nobody


def test_roles_that_do_not_verify_cannot(session: Session) -> None:
    member = factories.owner_of(factories.make_customer())
    pin = factories.pin_of(member)
    actors = [
        factories.actor_of(factories.make_staff(Role.ADMIN)),
        Actor(kind="person", id=member.person_id, name="x"),
        Actor(kind="visitor", id=None, name=""),
        Actor(kind="system", id=None, name="console"),
    ]
    for actor in actors:
        with pytest.raises(NotFound):
            attempt(actor, member, pin)


def test_a_closed_account_verifies_nobody_and_a_suspended_one_does(session: Session) -> None:
    member = factories.owner_of(factories.make_customer())
    pin = factories.pin_of(member)
    with transaction():
        suspend_customer(factories.SYSTEM, member.customer, "nije plaćeno")
    assert attempt(agent(), member, pin)
    with transaction():
        factories.close_customer(factories.SYSTEM, member.customer, "na zahtev")
    assert attempt(agent(), member, pin) is None


@pytest.mark.both
def test_success_forgets_the_failures_before_it(session: Session) -> None:
    member, actor = factories.owner_of(factories.make_customer()), agent()
    for _ in range(3):
        fail(actor, member, ALLOWED - 1)
        assert attempt(actor, member)
    db.session.refresh(member)
    assert member.pin_failures == 0


# --- lock ------------------------------------------------------------------------------------------------------------


@pytest.mark.both
def test_five_failures_lock_and_tries_under_lock_count_for_nothing(session: Session, clock: Clock) -> None:
    member, actor = factories.owner_of(factories.make_customer()), agent()
    pin = factories.pin_of(member)
    fail(actor, member, ALLOWED)
    assert attempt(actor, member, pin) is None  # the right one too
    fail(actor, member, 12)
    db.session.refresh(member)
    assert member.pin_failures == ALLOWED and member.pin_burned_at is None
    clock.advance(timedelta(minutes=14, seconds=50))
    assert attempt(actor, member, pin) is None
    clock.advance(timedelta(seconds=15))  # twelve tries under lock have not prolonged it
    assert attempt(actor, member, pin)


@pytest.mark.both
def test_failures_far_apart_do_not_lock(session: Session, clock: Clock) -> None:
    member, actor = factories.owner_of(factories.make_customer()), agent()
    pin = factories.pin_of(member)
    for _ in range(3):
        fail(actor, member, 3)
        clock.advance(timedelta(minutes=15, seconds=1))
    assert attempt(actor, member, pin)


@pytest.mark.both
def test_the_lock_is_one_persons_on_all_accounts_and_nobody_elses(session: Session) -> None:
    person = factories.make_person()
    first, second = (factories.owner_of(factories.make_customer(owner=person)) for _ in range(2))
    colleague = factories.make_member(first.customer)
    pin = factories.pin_of(second)
    fail(agent(), first, ALLOWED)
    assert attempt(agent(), second, pin) is None
    assert attempt(agent(), colleague)


def test_the_person_is_mailed_and_supervisors_see_it(session: Session, clock: Clock) -> None:
    member = factories.owner_of(factories.make_customer())
    actor = agent()
    fail(actor, member, ALLOWED)
    (mail,) = mails("pin_locked")
    assert mail.to_address == member.person.email and factories.pin_of(member) not in mail.text
    (locked,) = locked_out_people()
    assert locked.person.id == member.person_id
    assert [customer.id for customer in locked.customers] == [member.customer_id]
    (entry,) = trail("pin.locked")
    assert (entry.customer_id, entry.actor_id) == (member.customer_id, actor.id)
    clock.advance(timedelta(minutes=15, seconds=1))
    assert locked_out_people() == []


def test_nobody_is_mailed_and_nothing_is_kept_of_an_unknown_address(session: Session) -> None:
    actor = agent()
    for _ in range(ALLOWED + 2):
        with transaction():
            assert verify(actor, email="niko@example.test", pin="123456", channel="phone") is None
    assert db.session.scalar(select(Mail.id)) is None
    assert locked_out_people() == []
    recorded = [entry.subject + str(entry.data) for entry in trail("verification.failed") + trail("pin.locked")]
    assert len(recorded) == ALLOWED + 3
    assert "niko" not in "".join(recorded)


def test_a_supervisor_unlocks_and_an_agent_does_not(session: Session) -> None:
    member, actor = factories.owner_of(factories.make_customer()), agent()
    fail(actor, member, ALLOWED)
    with pytest.raises(NotFound), transaction():
        unlock(actor, member)
    boss = supervisor()
    with transaction():
        unlock(boss, member.person)
    assert locked_out_people() == []
    assert attempt(actor, member)
    (entry,) = trail("pin.unlocked")
    assert (entry.actor_id, entry.customer_id) == (boss.id, member.customer_id)


def test_a_new_pin_unlocks_but_looking_at_one_does_not(session: Session, clock: Clock) -> None:
    member, actor = factories.owner_of(factories.make_customer()), agent()
    factories.pin_of(member)
    clock.advance(timedelta(minutes=55))
    fail(actor, member, ALLOWED)
    clock.advance(timedelta(minutes=6))
    pin_shown = factories.pin_of(member)  # the last one is over, so the portal made another
    assert attempt(actor, member, pin_shown) is None
    with transaction():
        pin, _ = renew_pin(Actor(kind="person", id=member.person_id, name="x"), member)
    assert attempt(actor, member, pin)


def test_an_owner_gets_no_further_guesses_at_a_contacts_other_accounts(session: Session) -> None:
    contact = factories.make_member(factories.make_customer(), MemberRole.CONTACT)
    elsewhere = factories.make_member(factories.make_customer(), MemberRole.CONTACT, person=contact.person)
    factories.pin_of(elsewhere)
    actor = agent()
    fail(actor, contact, ALLOWED)
    owner = factories.owner_of(contact.customer)
    with transaction():
        pin, _ = renew_pin(Actor(kind="person", id=owner.person_id, name="x"), contact)
    assert attempt(actor, contact, pin) is None
    assert len(locked_out_people()) == 1


# --- slowing the source ----------------------------------------------------------------------------------------------


@pytest.mark.both
def test_an_agent_who_guesses_is_slowed_for_known_and_unknown_alike(session: Session, clock: Clock) -> None:
    member, actor, other = factories.owner_of(factories.make_customer()), agent(), agent()
    pin = factories.pin_of(member)
    for number in range(SOURCE_ALLOWED):
        with transaction():
            assert verify(actor, email=f"niko{number}@example.test", pin="123456", channel="phone") is None
    waits = []
    for _ in range(4):
        with pytest.raises(TooMany) as known:
            attempt(actor, member, pin)
        with pytest.raises(TooMany) as unknown, transaction():
            verify(actor, email="niko@example.test", pin="123456", channel="phone")
        assert 0 <= known.value.retry_after - unknown.value.retry_after <= 1
        waits.append(known.value.retry_after)
        clock.advance(timedelta(seconds=known.value.retry_after + 1))
        with transaction():
            assert verify(actor, email="niko@example.test", pin="123456", channel="phone") is None
    assert waits == sorted(waits) and waits[-1] > 3 * waits[0]
    assert attempt(other, member)  # a colleague goes on working
    clock.advance(timedelta(hours=2))
    assert attempt(actor, member)


def test_a_refused_source_counts_nothing(session: Session) -> None:
    member, actor = factories.owner_of(factories.make_customer()), agent()
    pin = wrong_pin(member)
    for number in range(SOURCE_ALLOWED):
        with transaction():
            verify(actor, email=f"niko{number}@example.test", pin="123456", channel="phone")
    for _ in range(10):
        with pytest.raises(TooMany):
            attempt(actor, member, pin)
    db.session.refresh(member)
    assert member.pin_failures == 0


# --- override --------------------------------------------------------------------------------------------------------


def test_an_override_reads_with_a_reason_and_the_owner_is_told(session: Session) -> None:
    customer = factories.make_customer()
    boss = supervisor()
    with transaction():
        done = override(boss, customer, "  Sumnja na \n preuzet nalog ")
    assert (done.kind, done.membership_id, done.reason) == (VerificationKind.OVERRIDE, None, "Sumnja na preuzet nalog")
    opened = opened_rights(boss, customer.id)
    assert opened == READING_RIGHTS
    assert not opened & {Right.TRANSFER, Right.ORDERS, Right.MANAGE_PRODUCTS, Right.MANAGE_DOMAINS, Right.PRODUCT_SSO}
    assert opened_rights(supervisor(), customer.id) == frozenset()
    (mail,) = mails("override")
    assert mail.to_address == factories.owner_of(customer).person.email and "Sumnja na preuzet nalog" in mail.text
    (entry,) = trail("verification.overridden")
    assert data_of(entry)["reason"] == "Sumnja na preuzet nalog" and "Sumnja" not in str(entry.data)
    assert [row.verification.id for row in verifications_of(customer.id)] == [done.id]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("reason", ["", "kratko", " " * 40, "a        b", "x" * 1_001])
def test_an_override_without_a_real_reason_is_none(session: Session, reason: str) -> None:
    customer, boss = factories.make_customer(), supervisor()
    with pytest.raises(Invalid), transaction():
        override(boss, customer, reason)
    assert live_verification(boss, customer.id) is None


def test_only_a_supervisor_overrides_and_never_a_closed_account(session: Session) -> None:
    customer = factories.make_customer()
    for role in (Role.AGENT, Role.BILLING, Role.ADMIN):
        with pytest.raises(NotFound), transaction():
            override(factories.actor_of(factories.make_staff(role)), customer, "Sumnja na preuzet nalog")
    closed = factories.make_customer(status=factories.CustomerStatus.CLOSED)
    with pytest.raises(Conflict), transaction():
        override(supervisor(), closed, "Sumnja na preuzet nalog")


@pytest.mark.both
def test_the_newest_verification_counts(session: Session) -> None:
    """Whoever was verified last is who is asking, also with fewer rights than the one before."""
    customer = factories.make_customer()
    bookkeeper = factories.make_member(customer, MemberRole.CONTACT, rights=[Right.INVOICES])
    actor = agent()
    assert attempt(actor, factories.owner_of(customer))
    assert attempt(actor, bookkeeper)
    assert opened_rights(actor, customer.id) == {Right.INVOICES}


def test_a_frozen_clock_is_not_needed(session: Session) -> None:
    """A verification that ends this instant opens nothing any more."""
    staff, member = factories.make_staff(), factories.owner_of(factories.make_customer())
    factories.make_verification(staff, member, expires_at=core_clock.now())
    assert live_verification(factories.actor_of(staff), member.customer_id) is None
