"""One effect for one key: a repeated call gets the first answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from console.core import clock
from console.core.context import sealer
from console.core.db import Base, db
from console.core.errors import Invalid, Reused
from console.core.texts import lazy_gettext

MAX_KEY = 100


class IdempotencyKey(Base):
    """The first answer to a request under a caller's key, returned to every repetition."""

    __tablename__ = "idempotency_keys"

    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    request: Mapped[str] = mapped_column(String(64))  # digest of the request
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(index=True)


def once(scope: str, key: str, request: dict[str, Any], work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do ``work`` under ``key`` unless that was done, and return its answer.

    The key's row is inserted first and commits with the work: a second caller
    waits for the first, then finds the answer; where the first failed, nothing
    is left and the second does the work.

    Args:
        scope: what the key is for; the same key may serve elsewhere.
        request: the content of the request (JSON-able), without the key.

    Raises:
        Invalid: no usable key (``key_missing``).
        Reused: the key was used for another request.
    """
    if not key or len(key) > MAX_KEY or not key.isprintable():
        raise Invalid(
            lazy_gettext("This request has no idempotency key. Reload the page and try again."), code="key_missing"
        )
    digest = sealer().keyed_digest("idempotency", json.dumps(request, sort_keys=True))  # it may name a PIN
    session = db.session()
    insert = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(IdempotencyKey)
    fresh = session.execute(
        insert.values(scope=scope, key=key, request=digest, answer=None, created_at=clock.now())
        .on_conflict_do_nothing()
        .returning(IdempotencyKey.key)
    ).first()
    this = (IdempotencyKey.scope == scope, IdempotencyKey.key == key)
    if fresh is None:
        row = session.scalars(select(IdempotencyKey).where(*this)).one()
        if row.request != digest:
            raise Reused(lazy_gettext("This key has already been used for a different request."))
        return dict(row.answer or {})
    answer = work()
    session.execute(update(IdempotencyKey).where(*this).values(answer=answer))
    return answer
