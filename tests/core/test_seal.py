"""Sealed secrets: what opens, what does not, and turning keys over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from console.cli import sealing
from console.core.context import sealer
from console.core.db import db
from console.core.seal import InvalidToken, Sealer, new_key
from console.core.settings import Settings, SettingsError
from console.core.transaction import transaction
from console.customers.models import Membership
from console.staff.models import Staff
from tests import factories

MakeApp = Callable[[Settings], Flask]
OLD, NEW = new_key(), new_key()


@given(st.binary(max_size=200))
def test_opens_what_it_sealed(secret: bytes) -> None:
    keys = Sealer((OLD,))
    assert keys.open(keys.seal(secret)) == secret


def test_seals_differently_each_time() -> None:
    keys = Sealer((OLD,))
    assert keys.seal(b"123456") != keys.seal(b"123456")


def test_rotation() -> None:
    before, both, after = Sealer((OLD,)), Sealer((NEW, OLD)), Sealer((NEW,))
    sealed = before.seal(b"secret")
    assert both.open(sealed) == b"secret"
    with pytest.raises(InvalidToken):
        after.open(sealed)
    assert after.open(both.reseal(sealed)) == b"secret"


def test_a_changed_secret_does_not_open() -> None:
    keys = Sealer((OLD,))
    sealed = keys.seal(b"secret")
    forged = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]
    with pytest.raises(InvalidToken):
        keys.open(forged)


def test_keyed_digests_outlive_a_new_key_and_differ_by_purpose() -> None:
    before, both = Sealer((OLD,)), Sealer((NEW, OLD))
    assert before.keyed_digest("guard", "ana@example.test") == both.keyed_digest("guard", "ana@example.test")
    assert before.keyed_digest("guard", "x") != before.keyed_digest("recovery", "x")
    assert before.keyed_digest("guard", "x") != Sealer((NEW,)).keyed_digest("guard", "x")


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="CONSOLE_SEAL_KEYS"):
        Sealer(("too short",))


def test_reseal_turns_every_secret_over(session: Session, settings: Settings, make_app: MakeApp) -> None:
    customers = [factories.make_customer() for _ in range(3)]
    staff = factories.make_staff()
    with transaction():
        session.get_one(Staff, staff.id).totp_secret = sealer().seal(b"totp")
        for customer in customers:
            factories.owner_of(customer).pin_secret = sealer().seal(f"pin {customer.id}".encode())
    ids = [factories.owner_of(customer).id for customer in customers]
    session.rollback()

    turned = make_app(replace(settings, seal_keys=(NEW, *settings.seal_keys)))
    with turned.app_context():
        assert sealing.reseal() == 4

    assert len(list(sealing.unopened())) == 4  # the old key alone opens none of them now
    alone = make_app(replace(settings, seal_keys=(NEW,)))
    with alone.app_context():
        assert list(sealing.unopened()) == []
        assert sealer().open(db.session.get_one(Staff, staff.id).totp_secret or "") == b"totp"
        for customer, identifier in zip(customers, ids, strict=True):
            secret = db.session.get_one(Membership, identifier).pin_secret or ""
            assert sealer().open(secret) == f"pin {customer.id}".encode()


@pytest.mark.both
def test_reseal_goes_batch_by_batch(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)
    customers = [factories.make_customer() for _ in range(5)]
    with transaction():
        for customer in customers:
            factories.owner_of(customer).pin_secret = sealer().seal(b"pin")
    assert sealing.reseal() == 5
    assert list(sealing.unopened()) == []


@pytest.mark.both
def test_a_secret_of_a_lost_key_is_found(session: Session) -> None:
    staff = factories.make_staff()
    with transaction():
        session.get_one(Staff, staff.id).totp_secret = Sealer((NEW,)).seal(b"totp")
    assert list(sealing.unopened()) == [f"staff {staff.id}"]
    with pytest.raises(InvalidToken):
        sealing.reseal()


def test_every_sealed_column_is_known() -> None:
    """A model that gains a sealed column must be listed, or a rotation would lose its secrets."""
    from console.core.db import Base

    named = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name.rpartition("_")[2] == "secret" or column.name.startswith("sealed_")
    }
    assert named == {(model.__tablename__, column.key) for model, _key, column in sealing.SEALED}
