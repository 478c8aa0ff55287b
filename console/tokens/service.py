"""Tokens for links in mails: each serves once and for a while.

They know no people. Who asks for one says what it is for (``purpose``, as ``staff.password``) and whose it is
(``subject``, as ``staff:12``), and does with a used one what it was for, in the same transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update

from console.core import clock
from console.core.db import db
from console.core.errors import NotFound
from console.core.ids import new_token, token_digest
from console.core.texts import lazy_gettext
from console.tokens.models import OneTimeToken


def issue(purpose: str, subject: str, lasts: timedelta) -> str:
    """Return a new token. It is stored nowhere else: the row has its digest. Earlier ones still serve."""
    token, now = new_token(), clock.now()
    row = OneTimeToken(
        purpose=purpose,
        subject=subject,
        digest=token_digest(token),
        created_at=now,
        expires_at=now + lasts,
    )
    db.session.add(row)
    db.session.flush()
    return token


def subject_of(purpose: str, token: str) -> str | None:
    """Return whose ``token`` is, ``None`` where it does not serve. It is not used up: mail scanners look first."""
    return db.session.scalar(select(OneTimeToken.subject).where(*_serves(purpose, token)))


def use(purpose: str, token: str) -> str | None:
    """Use ``token`` up and return whose it was, ``None`` where it does not serve. Of two at once one gets it."""
    query = update(OneTimeToken).where(*_serves(purpose, token)).values(used_at=clock.now())
    return db.session.scalar(query.returning(OneTimeToken.subject))


def count_live(purpose: str, subject: str) -> int:
    """Return how many tokens of ``subject`` still serve."""
    query = select(func.count()).select_from(OneTimeToken).where(*_of(purpose, subject), *_live())
    return db.session.scalar(query) or 0


def revoke(purpose: str, subject: str) -> int:
    """Make every token of ``subject`` void; return how many there were."""
    query = update(OneTimeToken).where(*_of(purpose, subject), *_live()).values(used_at=clock.now())
    return len(db.session.execute(query.returning(OneTimeToken.id)).all())


def gone() -> NotFound:
    """Return the refusal of a link that was used, was called back, is too old, or never was."""
    return NotFound(lazy_gettext("This link no longer works: it has been used or has expired."), code="link_gone")


def clear(before: datetime) -> None:
    """Delete what has expired before an instant."""
    db.session.execute(delete(OneTimeToken).where(OneTimeToken.expires_at < before))


def _of(purpose: str, subject: str) -> tuple[ColumnElement[bool], ...]:
    return OneTimeToken.purpose == purpose, OneTimeToken.subject == subject


def _live() -> tuple[ColumnElement[bool], ...]:
    return OneTimeToken.used_at.is_(None), OneTimeToken.expires_at > clock.now()


def _serves(purpose: str, token: str) -> tuple[ColumnElement[bool], ...]:
    return OneTimeToken.purpose == purpose, OneTimeToken.digest == token_digest(token), *_live()
