"""Personal values in the audit log: sealed with a key for each person, which an erasure destroys.

The log cannot be rewritten, so what may have to be taken back must not be in it in plain text. A person is named by
their id; their name and network address lie next to it, sealed. The key is itself sealed with the keys that are not
in the database. Once it is gone, what it sealed cannot be opened by anyone, and the chain is as whole as before.
"""

from __future__ import annotations

import json

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy.orm import Session

from console.audit.models import AuditEntry, PersonKey
from console.core import clock
from console.core.context import sealer


def seal_person(session: Session, entry: AuditEntry) -> None:
    """Put the name and address of the person who acts under their key. Called under the log's lock.

    Whose key was destroyed is named by their id alone.
    """
    if entry.actor_kind != "person" or entry.actor_id is None:
        return
    values = {"name": entry.actor_name, "address": entry.address}
    entry.actor_name, entry.address = "", None
    key = _key(session, entry.actor_id)
    if key.sealed_key is not None:
        text = json.dumps(values, ensure_ascii=False)
        entry.sealed = Fernet(sealer().open(key.sealed_key)).encrypt(text.encode()).decode()


def open_person(entry: AuditEntry) -> dict[str, str | None]:
    """Return the name and address that an entry has sealed; empty where there are none, or no longer."""
    key = entry.person_key
    if entry.sealed is None or key is None or key.sealed_key is None:
        return {}
    try:
        values = json.loads(Fernet(sealer().open(key.sealed_key)).decrypt(entry.sealed.encode()))
    except (InvalidToken, ValueError):
        return {}
    return {str(name): value for name, value in values.items()}


def name_of(entry: AuditEntry) -> str:
    """Return who did it, as far as it is known: a name, or the number of a person who was erased."""
    if entry.actor_kind != "person" or entry.actor_name:
        return entry.actor_name
    return open_person(entry).get("name") or f"#{entry.actor_id}"


def address_of(entry: AuditEntry) -> str | None:
    """Return from where it was done, as far as it is known."""
    return entry.address or open_person(entry).get("address")


def destroy_key(session: Session, person_id: int) -> None:
    """Make everything that was sealed for a person unreadable for good."""
    key = _key(session, person_id)
    key.sealed_key, key.destroyed_at = None, clock.now()
    session.flush()


def _key(session: Session, person_id: int) -> PersonKey:
    key = session.get(PersonKey, person_id)
    if key is None:
        sealed_key = sealer().seal(Fernet.generate_key())
        key = PersonKey(person_id=person_id, sealed_key=sealed_key, created_at=clock.now())
        session.add(key)
        session.flush()
    return key
