"""The keys that sign ID tokens: sealed at rest, replaced every 90 days, public for 30 days more.

The next key is public a day before it signs, so that an application that remembers the set finds it there. An
administrator's new key signs at once: an application that does not know it asks for the set again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from console.audit.service import record
from console.core import clock
from console.core.actor import SYSTEM, Actor
from console.core.context import sealer
from console.core.db import db
from console.core.locks import lock_name
from console.core.transaction import transaction
from console.identity.oidc.models import SsoKey
from console.staff.roles import Permission

if TYPE_CHECKING:
    from joserfc.jwk import KeySet, RSAKey

ALGORITHM = "RS256"
BITS = 2048
SIGNS_FOR = timedelta(days=90)
PUBLIC_BEFORE = timedelta(days=1)
PUBLIC_AFTER = timedelta(days=30)  # an application that ends a session shows an ID token of long ago


def signing_key() -> RSAKey:
    """Return the key that signs now; the first one is made where there is none. Call outside of a transaction."""
    row = _signing(_rows())
    if row is None:
        sealed = _make()
        with transaction():
            lock_name("sso-keys")
            row = _signing(_rows()) or _add(SYSTEM, *sealed, signs_from=clock.now())
    return _open(row)


def public_set() -> dict[str, Any]:
    """Return the keys that verify, as JWKS."""
    if not _rows():
        signing_key()
    return {"keys": [_open(row).as_dict(private=False) for row in _rows()]}


def verifying_set() -> KeySet:
    """Return the same, to verify with."""
    from joserfc.jwk import KeySet  # late: see the package

    return KeySet.import_key_set(public_set())  # type: ignore[arg-type]


def rotate(actor: Actor, key: tuple[str, str]) -> SsoKey:
    """Let a new key sign from now on; the one before still verifies.

    Args:
        key: as :func:`make_key` returned it, before the transaction.

    Raises:
        NotFound: ``actor`` is no administrator.
    """
    actor.require(Permission.MANAGE_SETTINGS)
    lock_name("sso-keys")
    return _add(actor, *key, signs_from=clock.now())


def make_key() -> tuple[str, str]:
    """Make a key: its id, and the key sealed. It takes a while: call outside of a transaction."""
    return _make()


def rotate_due() -> None:
    """Make the next key a day before it signs, and delete those that no longer verify. For the worker."""
    now = clock.now()
    due = _next_from(_rows())
    key = _make() if due is not None and due - PUBLIC_BEFORE <= now else None
    with transaction():
        lock_name("sso-keys")
        due = _next_from(_rows())
        if key is not None and due is not None and due - PUBLIC_BEFORE <= now:
            _add(SYSTEM, *key, signs_from=max(due, now + PUBLIC_BEFORE))
        over = [one.id for one, following in zip(_rows(), _rows()[1:], strict=False) if _is_over(following, now)]
        db.session.execute(delete(SsoKey).where(SsoKey.id.in_(over)))


def all_keys() -> Sequence[SsoKey]:
    """Return the keys there are, in the order in which they sign."""
    return _rows()


def signing_row() -> SsoKey | None:
    """Return the row of the key that signs now."""
    return _signing(_rows())


def _rows() -> Sequence[SsoKey]:
    return db.session.scalars(select(SsoKey).order_by(SsoKey.signs_from, SsoKey.id)).all()


def _signing(rows: Sequence[SsoKey]) -> SsoKey | None:
    started = [row for row in rows if row.signs_from <= clock.now()]
    return started[-1] if started else None


def _next_from(rows: Sequence[SsoKey]) -> datetime | None:
    """Return when the newest key is to be replaced; without a key nothing was signed yet."""
    return rows[-1].signs_from + SIGNS_FOR if rows else None


def _is_over(following: SsoKey, now: datetime) -> bool:
    return following.signs_from + PUBLIC_AFTER <= now


def _make() -> tuple[str, str]:
    from joserfc.jwk import RSAKey  # late: see the package

    key = RSAKey.generate_key(BITS, {"use": "sig", "alg": ALGORITHM}, private=True, auto_kid=True)
    return str(key.kid), sealer().seal(json.dumps(key.as_dict(private=True)).encode())


def _add(actor: Actor, kid: str, sealed: str, *, signs_from: datetime) -> SsoKey:
    row = SsoKey(kid=kid, sealed_key=sealed, created_at=clock.now(), signs_from=signs_from)
    db.session.add(row)
    db.session.flush()
    record(actor, "sso.key_added", f"key:{kid[:12]}", signs_from=signs_from.isoformat())
    return row


def _open(row: SsoKey) -> RSAKey:
    return _imported(sealer().open(row.sealed_key or ""))


@lru_cache(maxsize=16)
def _imported(content: bytes) -> RSAKey:
    from joserfc.jwk import RSAKey  # late: see the package

    return RSAKey.import_key(json.loads(content))
