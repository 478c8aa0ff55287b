"""Writing the audit log.

Entries are gathered during the transaction and chained just before it commits:
the chain's head is one row that every writer locks, so it is locked last and
held shortest.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import UTC
from functools import partial
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry, AuditHead, NewEntry
from console.audit.sealing import seal_data, seal_person
from console.core import clock, metrics, transaction
from console.core.actor import Actor
from console.core.context import sealer

FIRST = "0" * 64
HEAD = 1


_WRITTEN = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def record(
    actor: Actor,
    action: str,
    subject: str,
    *,
    customer_id: int | None = None,
    about: int | None = None,
    personal: Mapping[str, Any] | None = None,
    **data: Any,
) -> None:
    """Note that ``actor`` did ``action`` to ``subject`` in the open transaction.

    Args:
        action: ``noun.verb``, as in ``migration.executed``.
        subject: what it was done to, as people name it: ``K-10482``, ``M-0317``.
        customer_id: the account whose history shows it.
        about: the person whose data ``personal`` is: the owner, where it is an account's. It is sealed under their
            key, which their erasure destroys. Without a person there is no such key, and it is left out.
        personal: JSON-able facts that name or describe someone, or that a person has written in their own words.
        data: JSON-able facts. Never a PIN, password, token or code; people by their id, never by name or address.

    Raises:
        RuntimeError: no transaction is open.
    """
    entry = NewEntry(
        at=clock.now(),
        actor_kind=actor.kind,
        actor_id=actor.id,
        # Of a visitor no more is known than a name they typed, which no erasure could find again.
        actor_name="" if actor.kind == "visitor" else actor.name,
        address=actor.address,
        action=action,
        subject=subject,
        customer_id=customer_id,
        data=data,
        about=about,
        personal=personal or {},
    )
    transaction.pending("audit").append(entry)
    transaction.before_commit("audit", _chain)


# Made once: nearly every transaction runs them.
_HEAD = select(AuditHead).where(AuditHead.id == HEAD).with_for_update().execution_options(populate_existing=True)
_APPEND = insert(AuditEntry).execution_options(render_nulls=True)


def _chain(session: Session) -> None:
    """Append the gathered entries under the head's lock."""
    key_id, key = next(iter(sealer().chain_keys().items()))
    head = session.scalar(_HEAD)
    if head is None:
        raise RuntimeError("the audit log has no head: run `console init-db`")
    entries: list[NewEntry] = transaction.pending("audit")
    rows = []
    for entry in entries:
        seal_person(session, entry)
        seal_data(session, entry)
        entry.id, entry.previous = head.last + 1, head.digest
        head.last, head.digest = entry.id, entry_digest(entry, key)
        rows.append(entry.row(key_id, head.digest))
    head.key_id, head.mac = key_id, head_mac(head.last, head.digest, key)
    session.flush()
    session.execute(_APPEND, rows)
    transaction.after_commit(partial(metrics.count_actions, [entry.action for entry in entries]))


def create_head(session: Session) -> None:
    """Start an empty chain. Called once, by ``console init-db``."""
    key_id, key = next(iter(sealer().chain_keys().items()))
    session.add(AuditHead(id=HEAD, last=0, digest=FIRST, key_id=key_id, mac=head_mac(0, FIRST, key)))


def entry_digest(entry: AuditEntry | NewEntry, key: bytes) -> str:
    """Return the keyed digest (HMAC-SHA-256, RFC 2104) of one entry and the digest before it."""
    content: list[Any] = [
        entry.id,
        entry.at.astimezone(UTC).isoformat(),
        entry.actor_kind,
        entry.actor_id,
        entry.actor_name,
        entry.address,
        entry.action,
        entry.subject,
        entry.customer_id,
        entry.data,
        entry.previous,
    ]
    if entry.sealed is not None:  # entries written before there was this column have their digest without it
        content.append(entry.sealed)
    return hmac.digest(key, _WRITTEN.encode(content).encode(), "sha256").hex()


def head_mac(last: int, digest: str, key: bytes) -> str:
    """Return the keyed digest of the chain's end."""
    return hmac.digest(key, f"head:{last}:{digest}".encode(), "sha256").hex()
