"""Sign-in sessions as rows: listed, revoked, idle and absolute limits.

Staff and customers sign in separately; each keeps a table with these columns.
The cookie carries a token, the row its digest.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import Select, String, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from console.core.ids import new_token, token_digest

SEEN_EVERY = timedelta(minutes=1)


class SignInSession:
    """Columns of a session table (a mixin). ``expires_at`` is the absolute limit."""

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(400))

    def is_live(self, now: datetime, idle: timedelta) -> bool:
        """Return whether the session still counts at ``now``."""
        return is_live(self, now, idle)


class HasTimes(Protocol):
    """A session's row, or the columns of one."""

    @property
    def revoked_at(self) -> datetime | None: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def seen_at(self) -> datetime: ...


def is_live(row: HasTimes, now: datetime, idle: timedelta) -> bool:
    """Return whether a session still counts at ``now``."""
    return row.revoked_at is None and now < row.expires_at and now < row.seen_at + idle


S = TypeVar("S", bound=SignInSession)


def open_session(
    session: Session, row: S, *, now: datetime, lasts: timedelta, address: str | None, user_agent: str | None
) -> str:
    """Store ``row`` as a new sign-in and return its token, which is stored nowhere else."""
    token = new_token()
    row.token_digest = token_digest(token)
    row.created_at = row.seen_at = now
    row.expires_at = now + lasts
    row.revoked_at = None
    row.address = address
    row.user_agent = (user_agent or "")[:400] or None
    session.add(row)
    session.flush()
    return token


def find_live(session: Session, kind: type[S], token: str, *, now: datetime, idle: timedelta) -> S | None:
    """Return the live session behind ``token``."""
    row: S | None = session.scalar(_with_digest(cast(Any, kind)), {"digest": token_digest(token)})
    return row if row is not None and row.is_live(now, idle) else None


@cache  # the first statement of every request
def _with_digest(kind: Any) -> Select[Any]:
    return select(kind).where(kind.token_digest == bindparam("digest", type_=String()))
