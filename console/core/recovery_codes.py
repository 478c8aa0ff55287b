"""Recovery codes as rows: replaced together, each used once. Staff's and customers' differ in their table alone."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import InstrumentedAttribute

from console.core import clock
from console.core.context import sealer
from console.core.db import Base, db
from console.core.one_time_codes import in_halves, new_recovery_codes


class RecoveryCodes:
    """The recovery codes of one kind of account.

    Args:
        model: has the columns ``digest`` and ``used_at``.
        owner: its column of whose code it is.
        purpose: keeps the digests of one kind from being those of another.
    """

    def __init__(self, model: type[Base], owner: InstrumentedAttribute[int], purpose: str) -> None:
        self._model: Any = model
        self._owner = owner
        self._purpose = purpose

    def replace(self, owner_id: int) -> list[str]:
        """Put new codes in place of the old ones; return them as people read them: they are shown now and never again.

        The owner's row is locked.
        """
        self.delete(owner_id)
        codes = new_recovery_codes()
        rows = ({self._owner.key: owner_id, "digest": self._digest(owner_id, code)} for code in codes)
        db.session.add_all(self._model(**row) for row in rows)
        db.session.flush()
        return [in_halves(code) for code in codes]

    def use(self, owner_id: int, code: str) -> bool:
        """Use a cleaned code up; return whether it was one. The owner's row is locked."""
        query = select(self._model).where(
            self._owner == owner_id, self._model.digest == self._digest(owner_id, code), self._model.used_at.is_(None)
        )
        row = db.session.scalar(query)
        if row is None:
            return False
        row.used_at = clock.now()
        db.session.flush()
        return True

    def delete(self, owner_id: int) -> None:
        """Delete all codes of an account."""
        db.session.execute(delete(self._model).where(self._owner == owner_id))

    def _digest(self, owner_id: int, code: str) -> str:
        return sealer().keyed_digest(self._purpose, f"{owner_id}:{code}")
