"""Noting the chain's end outside the database, and never noting a forged one."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from console.audit.models import AuditEntry
from console.audit.queries import current_anchor, read_anchor, write_anchor


class AnchorMismatch(Exception):
    """The chain in the database does not contain the end noted earlier."""


def advance(session: Session, path: Path, *, force: bool = False) -> int:
    """Note the present end in ``path`` and return its place.

    Args:
        force: note it even so; after a restore from an older backup.

    Raises:
        AnchorMismatch: the end noted earlier is not part of the chain any more.
            It stays as it is: overwriting it would wipe the only trace.
        LookupError: the audit log has no head yet.
    """
    now = current_anchor(session)
    if now is None:
        raise LookupError("the audit log has no head: run `console init-db`")
    before = read_anchor(path)
    if before is not None and not force and before.last > 0:
        entry = session.get(AuditEntry, before.last)
        if now.last < before.last or entry is None or entry.digest != before.digest:
            raise AnchorMismatch(f"entry {before.last} is not as it was noted in {path}")
    write_anchor(path, now)
    return now.last
