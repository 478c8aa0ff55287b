"""Verbs on a domain's records: who may, on which version, and what each save leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from random import Random

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.core.actor import SYSTEM, Actor
from console.core.db import db
from console.core.errors import Conflict, Invalid, NotFound
from console.core.transaction import transaction
from console.customers.models import MemberRole, Membership, VerificationKind
from console.customers.rights import MailCategory, Right
from console.hosting.dns import service
from console.hosting.dns.models import Cause, Publication, RecordType, Version, Zone
from console.hosting.dns.queries import all_records, find_zone, list_records, records_at
from console.hosting.dns.rules import RecordData, RecordInput
from console.hosting.dns.saving import Change, check
from console.hosting.models import Domain, ProductKind, Service, ServiceStatus, SuspensionReason
from console.hosting.service import suspend
from console.mail.models import Mail
from tests import factories
from tests.billing.test_migration_concurrency import at_once
from tests.conftest import Clock
from tests.customers.test_people import actor_of
from tests.factories.migrations import make_move

pytestmark = pytest.mark.both

WWW = RecordInput("www", "A", "3600", "203.0.113.10")


@pytest.fixture
def owner(session: Session) -> Membership:
    return factories.owner_of(factories.make_customer())


@pytest.fixture
def domain(owner: Membership) -> Domain:
    return domain_of(owner)


def domain_of(owner: Membership, name: str | None = None) -> Domain:
    return factories.make_domain(
        factories.make_service(owner.customer, factories.make_product(ProductKind.DOMAIN)), name
    )


def add(actor: Actor, domain: Domain, typed: RecordInput, version: int) -> Change:
    with transaction():
        return service.add_record(actor, domain.id, typed, version)


def records(domain: Domain) -> set[tuple[str, str, int, str]]:
    return {(one.name, one.type.value, one.ttl, one.value) for _key, one in all_records(find_zone(domain.name).zone)}


def every_verb(by: Actor, domain: Domain, record_id: int, version: int) -> list[Callable[[], Change]]:
    """Return each verb, to be called on a version."""
    key = domain.id
    return [
        partial(service.add_record, by, key, replace(WWW, name="x"), version),
        partial(service.change_record, by, key, record_id, replace(WWW, ttl="60"), version),
        partial(service.delete_record, by, key, record_id, version),
        partial(service.replace_zone, by, key, [], version),
        partial(service.restore_version, by, key, 0, version),
    ]


def test_each_save_is_a_version_with_who_when_and_what(owner: Membership, domain: Domain, clock: Clock) -> None:
    by = actor_of(owner)
    first = add(by, domain, WWW, 0)
    assert (first.version, first.difference.added) == (1, [RecordData("www", RecordType.A, 3600, "203.0.113.10")])
    with transaction():
        changed = service.change_record(by, domain.id, first.record_id or 0, replace(WWW, value="203.0.113.11"), 1)
    assert changed.record_id == first.record_id
    with transaction():
        service.delete_record(by, domain.id, first.record_id or 0, 2)
    assert records(domain) == set()
    with transaction():
        undone = service.restore_version(by, domain.id, 2, 3)
    assert records(domain) == {("www", "A", 3600, "203.0.113.11")}
    versions = db.session.scalars(select(Version).order_by(Version.number)).all()
    assert [one.cause for one in versions] == [Cause.ADDED, Cause.CHANGED, Cause.DELETED, Cause.RESTORED]
    assert (versions[-1].restored, undone.version, versions[0].actor_name) == (2, 4, by.name)
    serials = [one.serial for one in versions]
    assert serials == sorted(set(serials)) and all(str(one).startswith("20") for one in serials)
    zone = db.session.scalars(select(Zone)).one()
    now = [one for _key, one in all_records(zone)]
    assert [len(records_at(zone, number, now)) for number in range(5)] == [0, 1, 1, 0, 1]
    publication = db.session.get_one(Publication, zone.id)
    assert (publication.version, publication.published_version) == (4, 0) and publication.due_at is not None
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("dns."))).all()
    assert [one.action.removeprefix("dns.") for one in entries] == [
        "record_added", "record_changed", "record_deleted", "version_restored",
    ]  # fmt: skip
    assert {(one.subject, one.customer_id) for one in entries} == {(domain.name, owner.customer_id)}
    assert db.session.scalars(select(Mail).where(Mail.template == "dns_changed")).all() == []


def test_serials_grow_past_a_day_and_follow_the_day(owner: Membership, domain: Domain, clock: Clock) -> None:
    by = actor_of(owner)
    add(by, domain, WWW, 0)
    with transaction():
        db.session.scalars(select(Zone)).one().serial = int(f"{clock.now():%Y%m%d}99")
    second = add(by, domain, replace(WWW, name="a"), 1)
    assert second.zone.serial == int(f"{clock.now():%Y%m%d}99") + 1
    clock.advance(timedelta(days=2))
    assert add(by, domain, replace(WWW, name="b"), 2).zone.serial == int(f"{clock.now():%Y%m%d}00")


def test_an_old_version_changes_nothing(owner: Membership, domain: Domain) -> None:
    by = actor_of(owner)
    record_id = add(by, domain, WWW, 0).record_id or 0
    for attempt in every_verb(by, domain, record_id, 0):
        with pytest.raises(Conflict) as refusal, transaction():
            attempt()
        assert (refusal.value.code, refusal.value.details) == ("version", {"version": 1})
    assert records(domain) == {("www", "A", 3600, "203.0.113.10")}
    assert find_zone(domain.name).version == 1


def test_who_does_not_manage_domains_changes_nothing(owner: Membership, domain: Domain) -> None:
    reader = factories.make_member(owner.customer, rights=[Right.DOMAINS])
    manager = factories.make_member(owner.customer, rights=[Right.MANAGE_DOMAINS])
    stranger = factories.owner_of(factories.make_customer())
    record_id = add(actor_of(manager), domain, WWW, 0).record_id or 0
    for member in (reader, stranger):
        for attempt in every_verb(actor_of(member), domain, record_id, 1):
            with pytest.raises(NotFound), transaction():
                attempt()
    with pytest.raises(NotFound), transaction():
        service.add_record(SYSTEM, 999_999, WWW, 0)


def test_staff_change_it_for_a_caller_and_the_owner_is_told(owner: Membership, domain: Domain) -> None:
    staff = factories.make_staff()
    agent = factories.actor_of(staff)
    with pytest.raises(NotFound):
        add(agent, domain, WWW, 0)
    override = factories.make_verification(staff, owner, kind=VerificationKind.OVERRIDE)
    with pytest.raises(NotFound):
        add(agent, domain, WWW, 0)
    with transaction():
        db.session.delete(override)
    factories.make_verification(staff, factories.make_member(owner.customer, rights=[Right.MANAGE_DOMAINS]))
    add(agent, domain, WWW, 0)
    (mail,) = db.session.scalars(select(Mail).where(Mail.template == "dns_changed")).all()
    assert mail.to_address == owner.person.email
    assert "www 3600 IN A 203.0.113.10" in mail.text and agent.name in mail.text
    contact = factories.make_member(owner.customer, MemberRole.CONTACT)
    with transaction():
        contact.mail = [MailCategory.DOMAIN.value]
    add(agent, domain, replace(WWW, name="x"), 1)
    receivers = db.session.scalars(
        select(Mail.to_address).where(Mail.template == "dns_changed", Mail.id > mail.id)
    ).all()
    assert sorted(receivers) == sorted([owner.person.email, contact.person.email])


@pytest.mark.parametrize("how", ["abuse", "cancelled", "unpaid"])
def test_a_domain_suspended_for_abuse_is_not_changed(owner: Membership, domain: Domain, how: str) -> None:
    with transaction():
        if how == "cancelled":
            domain.service.status = ServiceStatus.CANCELLED
        else:
            suspend(SYSTEM, domain.service, SuspensionReason(how))
    if how == "unpaid":
        assert add(actor_of(owner), domain, WWW, 0).version == 1
        return
    with pytest.raises(Conflict) as refusal:
        add(actor_of(owner), domain, WWW, 0)
    assert refusal.value.code == "suspended"


def test_a_whole_draft_keeps_the_rows_that_stay(owner: Membership, domain: Domain) -> None:
    by = actor_of(owner)
    record_id = add(by, domain, WWW, 0).record_id
    add(by, domain, replace(WWW, name="old"), 1)
    draft = [
        RecordData("www", RecordType.A, 300, "203.0.113.10"),
        RecordData("@", RecordType.TXT, 3600, '"v=spf1 -all"'),
    ]
    difference = service.preview(by, find_zone(domain.name), draft)
    with transaction():
        change = service.replace_zone(by, domain.id, draft, 2)
    assert change.difference == difference and (len(difference.added), len(difference.removed)) == (2, 2)
    rows = list_records(change.zone).records
    assert [(one.name, one.ttl) for one in rows] == [("@", 3600), ("www", 300)] and rows[1].id == record_id
    with transaction():
        again = service.replace_zone(by, domain.id, draft, 3)
    assert again.version == 3 and not again.difference


def test_a_wrong_draft_changes_nothing(owner: Membership, domain: Domain) -> None:
    by = actor_of(owner)
    add(by, domain, WWW, 0)
    wrong = [
        RecordData("www", kind, 60, value)
        for kind, value in ((RecordType.A, "203.0.113.1"), (RecordType.CNAME, "a.b."))
    ]
    with pytest.raises(Invalid) as refusal, transaction():
        service.replace_zone(by, domain.id, wrong, 1)
    assert "text" in refusal.value.fields
    assert records(domain) == {("www", "A", 3600, "203.0.113.10")}


def test_a_ttl_is_that_of_all_records_with_one_name_and_type(owner: Membership, domain: Domain) -> None:
    by = actor_of(owner)
    add(by, domain, WWW, 0)
    change = add(by, domain, replace(WWW, value="203.0.113.11", ttl="300"), 1)
    assert {ttl for _name, _type, ttl, _value in records(domain)} == {300}
    assert len(change.difference.added) == 2


@pytest.mark.only("sqlite")
def test_one_record_is_checked_as_the_whole_zone_would_be(
    owner: Membership, domain: Domain, samples: Callable[[int, int], int], rng: Random
) -> None:
    """What is read for a change of one record is enough to find everything that is wrong with it."""
    by, outcomes = actor_of(owner), set()
    names = ("@", "www", "ns", "deo", "ns.deo", "a.deo", "b.a.deo")
    values = {
        "A": ("203.0.113.1", "203.0.113.2"),
        "CNAME": (f"www.{domain.name}.", "drugde.example."),
        "NS": tuple(f"{name}.{domain.name}." for name in ("ns", "ns.deo", "www")),
        "MX": ("0 .", "10 posta.example."),
    }
    for _step in range(samples(5_000, 60)):
        before = all_records(db.session.scalar(select(Zone).where(Zone.domain_id == domain.id)))
        now = find_zone(domain.name).version
        kind = rng.choice(list(values))
        at = rng.choice(names[1:] if kind == "CNAME" else names)  # one at the domain itself is refused as it is read
        typed = RecordInput(at, kind, rng.choice(("60", "3600")), rng.choice(values[kind]))
        one = RecordData(typed.name, RecordType(kind), int(typed.ttl), typed.value)
        key = rng.choice(before)[0] if before and rng.random() < 0.6 else None
        removes = key is not None and rng.random() < 0.5
        others = [row for row in before if row[0] != key]
        after = [row for _key, row in others] + ([] if removes else [one])
        try:
            expected: set[RecordData] | set[str] = set(check(after, domain.name, None if removes else one))
        except Invalid as refusal:
            expected = set(refusal.fields)
        try:
            with transaction():
                if key is None:
                    service.add_record(by, domain.id, typed, now)
                elif removes:
                    service.delete_record(by, domain.id, key, now)
                else:
                    service.change_record(by, domain.id, key, typed, now)
            found: set[RecordData] | set[str] = {row for _key, row in all_records(find_zone(domain.name).zone)}
        except Invalid as refusal:
            found = set(refusal.fields)
        assert found == expected, (before, typed, key)
        outcomes.add((kind, removes, "value" in found or "name" in found or "text" in found))
    assert len(outcomes) >= 8


def test_a_migrated_domain_takes_its_zone_along(session: Session) -> None:
    old, new = factories.owner_of(factories.make_customer()), factories.owner_of(factories.make_customer())
    domain = domain_of(old)
    add(actor_of(old), domain, WWW, 0)
    move = make_move(old.customer, new.customer, [domain.service]).to_approved()
    move.execute()
    db.session.expire_all()
    assert db.session.get_one(Service, domain.service_id).customer_id == new.customer_id
    with pytest.raises(NotFound):
        add(actor_of(old), domain, replace(WWW, name="x"), 1)
    assert find_zone(domain.name, [new.customer_id]).version == 1
    with pytest.raises(NotFound):
        find_zone(domain.name, [old.customer_id])
    add(actor_of(new), domain, replace(WWW, name="x"), 1)
    assert len(records(domain)) == 2
    factories.make_member(new.customer, MemberRole.USER)


def test_of_two_at_once_one_is_saved_and_the_other_learns_of_it(app: Flask, owner: Membership, domain: Domain) -> None:
    """The zone has no row yet: both would make it."""
    by, key = actor_of(owner), domain.id
    db.session.rollback()

    def save(name: str) -> int:
        with transaction():
            return service.add_record(by, key, replace(WWW, name=name), 0).version

    results = at_once(app, [partial(save, "one"), partial(save, "two")])
    refusal = next(one for one in results if isinstance(one, Conflict))
    assert (refusal.code, [one for one in results if one is not refusal]) == ("version", [1])
    db.session.expire_all()
    assert len(records(domain)) == 1
