"""Reading and proving the audit log."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry, AuditHead
from console.audit.service import FIRST, HEAD, entry_digest, head_mac
from console.core.ids import same_token
from console.core.seal import Sealer

BATCH = 1_000


@dataclass(frozen=True)
class Flaw:
    """One place where the audit log is not what was written. ``place`` 0 is the chain's end."""

    place: int
    what: str


@dataclass(frozen=True)
class Anchor:
    """The chain's end as noted outside the database."""

    last: int
    digest: str


def verify(session: Session, sealer: Sealer, anchor: Anchor | None = None) -> Iterator[Flaw]:
    """Walk the whole chain and yield every flaw: changed, removed, inserted, cut off.

    Args:
        anchor: an end seen earlier, noted outside the database. With it even an
            end that was cut off together with a matching old head is found.
    """
    keys = sealer.chain_keys()
    expected, previous = 1, FIRST
    anchored = anchor is None
    for entry in _entries(session):
        if entry.id != expected:
            yield Flaw(expected, "missing" if entry.id > expected else "inserted")
        if entry.previous != previous:
            yield Flaw(entry.id, "does not follow the entry before it")
        key = keys.get(entry.key_id)
        if key is None:
            yield Flaw(entry.id, "written with a key that is not listed")
        elif not same_token(entry.digest, entry_digest(entry, key)):
            yield Flaw(entry.id, "changed")
        if anchor is not None and entry.id == anchor.last:
            anchored = entry.digest == anchor.digest
        expected, previous = entry.id + 1, entry.digest
    yield from _end_flaws(session, keys, expected - 1, previous)
    if not anchored and anchor is not None and anchor.last > 0:
        yield Flaw(anchor.last, "not as noted outside the database")


def _entries(session: Session) -> Iterator[AuditEntry]:
    """Yield the entries in order, a batch at a time, so that memory stays bounded."""
    last: int | None = None
    while True:
        query = select(AuditEntry).order_by(AuditEntry.id).limit(BATCH)
        batch = list(session.scalars(query if last is None else query.where(AuditEntry.id > last)))
        yield from batch
        if len(batch) < BATCH:
            return
        last = batch[-1].id
        session.expunge_all()


def _end_flaws(session: Session, keys: dict[str, bytes], last: int, digest: str) -> Iterator[Flaw]:
    head = session.get(AuditHead, HEAD)
    if head is None:
        yield Flaw(0, "the end is gone")
        return
    key = keys.get(head.key_id)
    if key is None or not same_token(head.mac, head_mac(head.last, head.digest, key)):
        yield Flaw(0, "the end was changed")
    if (head.last, head.digest) != (last, digest):
        yield Flaw(0, f"the chain ends at {last}, but {head.last} were written")


def current_anchor(session: Session) -> Anchor | None:
    """Return the chain's present end."""
    head = session.get(AuditHead, HEAD)
    return None if head is None else Anchor(head.last, head.digest)


def read_anchor(path: Path) -> Anchor | None:
    """Return the end noted in ``path``, ``None`` where nothing was noted yet."""
    if not path.exists():
        return None
    noted = json.loads(path.read_text())
    return Anchor(int(noted["last"]), str(noted["digest"]))


def write_anchor(path: Path, anchor: Anchor) -> None:
    """Note ``anchor`` in ``path``, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")  # each worker its own
    draft.write_text(json.dumps({"last": anchor.last, "digest": anchor.digest}))
    draft.replace(path)
