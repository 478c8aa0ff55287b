"""Second factors: passkeys, the two-step sign-in, and lost devices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, func, select, update

from console.core.actor import SYSTEM
from console.core.db import db
from console.customers.models import Customer, Membership, Person
from console.identity.models import DeviceRecovery, Passkey, PersonRecoveryCode
from console.identity.oidc import grants
from console.identity.oidc.models import SsoGrant
from console.identity.queries import authenticator_of
from console.identity.service import recovery
from console.privacy.parts import Erased, Part, Source, all_rows, dump


def _of_person(person: Person) -> Iterator[Part]:
    """Yield that they are on, and since when: what opens the sign-in is no one's to read."""
    app = authenticator_of(person.id)
    unused = select(func.count()).where(PersonRecoveryCode.person_id == person.id, PersonRecoveryCode.used_at.is_(None))
    lost = all_rows(select(DeviceRecovery).where(DeviceRecovery.person_id == person.id))
    yield Part(
        "second-factors",
        {
            "authenticator": dump(app, "sealed_secret", "last_step") if app is not None else None,
            "recovery_codes_left": db.session.scalar(unused),
            "passkeys": [dump(row, *_CREDENTIAL) for row in _passkeys(person)],
            "lost_devices": [dump(row, "reviewed_by_id") for row in lost],
        },
    )
    yield Part("applications", {"applications": [_grant(row) for row in all_rows(_grants(person))]})


def _grant(row: SsoGrant) -> dict[str, Any]:
    account = row.membership.customer.number
    return dump(row, "application_id", "membership_id") | {"application": row.application.name, "account": account}


def _grants(person: Person) -> Select[SsoGrant]:
    return select(SsoGrant).join(SsoGrant.membership).where(Membership.person_id == person.id)


_CREDENTIAL = ("credential_digest", "credential_id", "public_key", "user_handle", "sign_count", "transports")


def _of_account(_customer: Customer) -> Iterator[Part]:
    yield from ()


def _passkeys(person: Person) -> list[Passkey]:
    return all_rows(select(Passkey).where(Passkey.person_id == person.id))


def _erase(person: Person) -> Erased:
    """Remove them, and end the wait after a lost device: its links open nothing."""
    count = len(_passkeys(person))
    recovery.end_with_sign_in(SYSTEM, person)
    ended = grants.end_for_erasure(SYSTEM, person)
    theirs = update(DeviceRecovery).where(DeviceRecovery.person_id == person.id)
    db.session.execute(theirs.values(address=None))
    return Erased({"passkeys": count, "applications": ended})


SOURCE = Source("identity", _of_person, _of_account, _erase)
