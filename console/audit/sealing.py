"""Personal values in the audit log: sealed with a key for each person, which an erasure destroys.

The log cannot be rewritten, so what may have to be taken back must not be in it in plain text. A person is named by
their id; their name and network address lie next to it, sealed. What an entry says about a person, as their address
before and after, is sealed in its data, under the key of the one it is about. The key is itself sealed with the keys
that are not in the database. Once it is gone, what it sealed cannot be opened by anyone, and the chain is as whole as
before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry, NewEntry, PersonKey
from console.core import clock
from console.core.context import sealer
from console.core.db import db

SEALED = "sealed"  # where an entry's data has what is personal: whose it is, and the text


def seal_person(session: Session, entry: NewEntry) -> None:
    """Put the name and address of the person who acts under their key. Called under the log's lock.

    Whose key was destroyed is named by their id alone.
    """
    if entry.actor_kind != "person" or entry.actor_id is None:
        return
    values = {"name": entry.actor_name, "address": entry.address}
    entry.actor_name, entry.address = "", None
    key = _key(session, entry.actor_id)
    if key.sealed_key is not None:
        entry.sealed = _seal(key.sealed_key, values)


def seal_data(session: Session, entry: NewEntry) -> None:
    """Add what is personal to an entry's data, under the key of the one it is about. Called under the log's lock.

    Where there is no such key, or no longer, it is left out.
    """
    if entry.about is None or not entry.personal:
        return
    key = _key(session, entry.about)
    if key.sealed_key is not None:
        text = _seal(key.sealed_key, entry.personal)
        entry.data = entry.data | {SEALED: {"person": entry.about, "text": text}}


def open_person(entry: AuditEntry) -> dict[str, str | None]:
    """Return the name and address that an entry has sealed; empty where there are none, or no longer."""
    key = entry.person_key
    if entry.sealed is None or key is None or key.sealed_key is None:
        return {}
    return _open(key, entry.sealed)


def name_of(entry: AuditEntry) -> str:
    """Return who did it, as far as it is known: a name, or the number of a person who was erased."""
    if entry.actor_kind != "person" or entry.actor_name:
        return entry.actor_name
    return open_person(entry).get("name") or f"#{entry.actor_id}"


def address_of(entry: AuditEntry) -> str | None:
    """Return from where it was done, as far as it is known."""
    return entry.address or open_person(entry).get("address")


def about(entry: AuditEntry) -> int | None:
    """Return the person whose data an entry has sealed, ``None`` where it has none."""
    part = entry.data.get(SEALED)
    return part["person"] if isinstance(part, dict) else None


def data_of(entry: AuditEntry, keys: Mapping[int, PersonKey] | None = None) -> dict[str, Any]:
    """Return what an entry says, with what is sealed in it; without that where it cannot be opened any more.

    Args:
        keys: those of :func:`keys_for`, where many entries are read.
    """
    person_id = about(entry)
    if person_id is None:
        return entry.data
    if entry.opened is not None:
        return entry.opened
    key = (keys if keys is not None else keys_for([entry])).get(person_id)
    return without_sealed(entry) | (_open(key, entry.data[SEALED]["text"]) if key is not None else {})


def open_all(entries: Sequence[AuditEntry]) -> None:
    """Open what is sealed in the entries of a page, in one statement: :func:`data_of` takes none then."""
    keys = keys_for(entries)
    for entry in entries:
        entry.opened = data_of(entry, keys)


def without_sealed(entry: AuditEntry) -> dict[str, Any]:
    """Return what an entry says to those whom the person in it does not concern."""
    return {name: value for name, value in entry.data.items() if name != SEALED}


def keys_for(entries: Iterable[AuditEntry]) -> dict[int, PersonKey]:
    """Return the keys of the people whose data entries have sealed, in one statement; none where there are none."""
    people = {person_id for entry in entries if (person_id := about(entry)) is not None}
    if not people:
        return {}
    return {key.person_id: key for key in db.session.scalars(select(PersonKey).where(PersonKey.person_id.in_(people)))}


def destroy_key(session: Session, person_id: int) -> None:
    """Make everything that was sealed for a person permanently unreadable."""
    key = _key(session, person_id)
    key.sealed_key, key.destroyed_at = None, clock.now()
    session.flush()


def _seal(sealed_key: str, values: Mapping[str, Any]) -> str:
    text = json.dumps(values, ensure_ascii=False, sort_keys=True)
    return Fernet(sealer().open(sealed_key)).encrypt(text.encode()).decode()


def _open(key: PersonKey, text: str) -> dict[str, Any]:
    if key.sealed_key is None:
        return {}
    try:
        values: dict[str, Any] = json.loads(Fernet(sealer().open(key.sealed_key)).decrypt(text.encode()))
    except (InvalidToken, ValueError):
        return {}
    return values


def _key(session: Session, person_id: int) -> PersonKey:
    key = session.get(PersonKey, person_id)
    if key is None:
        sealed_key = sealer().seal(Fernet.generate_key())
        key = PersonKey(person_id=person_id, sealed_key=sealed_key, created_at=clock.now())
        session.add(key)
        session.flush()
    return key
