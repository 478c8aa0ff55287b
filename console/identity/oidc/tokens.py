"""Codes and tokens: issuing them, using them, and revoking the whole family when one is used twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Select, select

from console.audit.service import record
from console.core import clock
from console.core.actor import Actor
from console.core.db import db
from console.core.ids import new_token, token_digest
from console.identity.oidc.families import end_family
from console.identity.oidc.grants import is_live
from console.identity.oidc.models import SsoCode, SsoGrant, SsoToken

CODE_LASTS = timedelta(minutes=1)
ACCESS_LASTS = timedelta(minutes=10)
REFRESH_LASTS = timedelta(days=30)
FAMILY_LASTS = timedelta(days=180)  # however often it is refreshed: then the person is asked to sign in again
MAX_TOKEN = 200
Row = TypeVar("Row", SsoCode, SsoToken)


@dataclass(frozen=True)
class Request:
    """What an authorization request said, as it is kept with its code."""

    redirect_uri: str
    scope: str
    challenge: str
    nonce: str | None = None


def issue_code(code: str, grant: SsoGrant, request: Request, authenticated_at: datetime) -> SsoCode:
    """Store a code of a grant, as its digest alone."""
    now = clock.now()
    row = SsoCode(
        digest=token_digest(code),
        grant=grant,
        redirect_uri=request.redirect_uri,
        scope=request.scope,
        nonce=request.nonce,
        challenge=request.challenge,
        authenticated_at=authenticated_at,
        created_at=now,
        expires_at=now + CODE_LASTS,
    )
    db.session.add(row)
    db.session.flush()
    return row


def find_code(actor: Actor, code: str, application_id: int) -> SsoCode | None:
    """Return a code that may be exchanged, locked. Of one that was exchanged before, every token ends."""
    row = db.session.scalar(_locked(select(SsoCode).where(SsoCode.digest == token_digest(code))))
    if row is None or row.grant.application_id != application_id:
        return None
    if row.used_at is not None:
        _end_reused(actor, row, "code")
        return None
    return row if clock.now() < row.expires_at and is_live(row.grant) else None


def use_code(row: SsoCode) -> None:
    """Use a code up."""
    row.used_at = row.grant.used_at = clock.now()
    db.session.flush()


def store(code: SsoCode, token: str, scope: str, *, is_refresh: bool) -> SsoToken:
    """Store a token of a family, as its digest alone."""
    now = clock.now()
    ends = min(now + REFRESH_LASTS, code.created_at + FAMILY_LASTS) if is_refresh else now + ACCESS_LASTS
    row = SsoToken(
        code=code,
        digest=token_digest(token),
        is_refresh=is_refresh,
        scope=scope,
        created_at=now,
        expires_at=ends,
    )
    db.session.add(row)
    db.session.flush()
    return row


def find_refresh(actor: Actor, token: str, application_id: int) -> SsoToken | None:
    """Return a refresh token that may be exchanged, locked. Of one that was exchanged before, the whole family ends."""
    row = _find(token, is_refresh=True, lock=True)
    if row is None or row.code.grant.application_id != application_id:
        return None
    if row.used_at is not None and row.ended_at is None:
        _end_reused(actor, row.code, "refresh_token")
        return None
    return row if _counts(row) else None


def use_refresh(row: SsoToken) -> None:
    """Mark a refresh token as used: a new one replaces it."""
    row.used_at = row.code.grant.used_at = clock.now()
    db.session.flush()


def find_access(token: str) -> SsoToken | None:
    """Return an access token that counts now."""
    row = _find(token, is_refresh=False)
    return row if row is not None and _counts(row) else None


def new_secret() -> str:
    """Return a code or token."""
    return new_token()


def _find(token: str, *, is_refresh: bool, lock: bool = False) -> SsoToken | None:
    if len(token) > MAX_TOKEN:
        return None
    query = select(SsoToken).where(SsoToken.digest == token_digest(token), SsoToken.is_refresh.is_(is_refresh))
    return db.session.scalar(_locked(query) if lock else query)


def _counts(row: SsoToken) -> bool:
    return row.ended_at is None and clock.now() < row.expires_at and is_live(row.code.grant)


def _locked(query: Select[Row]) -> Select[Row]:
    return query.with_for_update().execution_options(populate_existing=True)


def _end_reused(actor: Actor, code: SsoCode, what: str) -> None:
    """A token was copied: which holder is the application is unknown, so both lose access."""
    end_family(code.id)
    grant = code.grant
    customer = grant.membership.customer
    record(
        actor,
        "sso.reused",
        customer.number,
        customer_id=customer.id,
        application=grant.application.name,
        person=grant.membership.person_id,
        what=what,
    )
