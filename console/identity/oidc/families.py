"""Revoking codes and tokens: of a code, a grant, a person or an application."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, delete, exists, select, update

from console.core import clock
from console.core.db import db
from console.customers.models import Membership
from console.identity.oidc.models import SsoCode, SsoGrant, SsoToken


def end_family(code_id: int) -> None:
    """End every token that came of one code."""
    _end(select(SsoCode.id).where(SsoCode.id == code_id))


def end_of_grants(grant_ids: list[int]) -> None:
    """End the codes and tokens of grants."""
    _end(select(SsoCode.id).where(SsoCode.grant_id.in_(grant_ids)))


def end_of_application(application_id: int) -> None:
    """Revoke all codes and tokens of an application; the grants stay."""
    grants = select(SsoGrant.id).where(SsoGrant.application_id == application_id)
    _end(select(SsoCode.id).where(SsoCode.grant_id.in_(grants)))


def end_of_person(person_id: int, application_id: int | None = None) -> None:
    """Revoke the codes and tokens of a person, of all applications or one; the grants stay."""
    memberships = select(Membership.id).where(Membership.person_id == person_id)
    grants = select(SsoGrant.id).where(SsoGrant.membership_id.in_(memberships))
    if application_id is not None:
        grants = grants.where(SsoGrant.application_id == application_id)
    _end(select(SsoCode.id).where(SsoCode.grant_id.in_(grants)))


def end_online(person_id: int, application_id: int) -> None:
    """Revoke the tokens that last only while a person is signed in: not those of ``offline_access``."""
    memberships = select(Membership.id).where(Membership.person_id == person_id)
    grants = select(SsoGrant.id).where(
        SsoGrant.membership_id.in_(memberships), SsoGrant.application_id == application_id
    )
    offline = select(SsoToken.code_id).where(SsoToken.is_refresh)
    _end(select(SsoCode.id).where(SsoCode.grant_id.in_(grants), SsoCode.id.not_in(offline)))


def clear(before: datetime) -> None:
    """Delete tokens, and the codes they came of, that expired before ``before``."""
    db.session.execute(delete(SsoToken).where(SsoToken.expires_at < before))
    bare = ~exists().where(SsoToken.code_id == SsoCode.id)
    db.session.execute(delete(SsoCode).where(SsoCode.expires_at < before, bare))


def _end(codes: Select[int]) -> None:
    now = clock.now()
    unused = update(SsoCode).where(SsoCode.id.in_(codes), SsoCode.used_at.is_(None), SsoCode.expires_at > now)
    tokens = update(SsoToken).where(SsoToken.code_id.in_(codes), SsoToken.ended_at.is_(None))
    db.session.execute(tokens.values(ended_at=now))
    db.session.execute(unused.values(expires_at=now))
    db.session.flush()
