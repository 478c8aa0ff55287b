"""Registered applications, for which accounts they are on, and what was granted to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.db import Base
from console.customers.models import Customer, Membership, Person

_OPEN = text("ended_at IS NULL")


class SsoApplication(Base):
    """A program that signs people in through the portal, as webmail. Without a digest it is a public one."""

    __tablename__ = "sso_applications"

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    secret_digest: Mapped[str | None] = mapped_column(String(64))
    redirect_uris: Mapped[list[str]] = mapped_column(JSON)
    post_logout_uris: Mapped[list[str]] = mapped_column(JSON)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    @property
    def is_public(self) -> bool:
        """Return whether it cannot hold a secret, as a program on a phone."""
        return self.secret_digest is None

    @property
    def subject(self) -> str:
        """Return what the audit log calls it."""
        return f"application:{self.id}"


class SsoSwitch(Base):
    """Single sign-on is on for an account: a row is there as long as it is."""

    __tablename__ = "sso_switches"

    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True, autoincrement=False)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))  # who turned it on
    switched_on_at: Mapped[datetime]

    customer: Mapped[Customer] = relationship()


class SsoGrant(Base):
    """A person's consent for an application, for one account, until it is revoked."""

    __tablename__ = "sso_grants"
    __table_args__ = (
        Index(
            "uq_sso_grants_open",
            "application_id",
            "membership_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("sso_applications.id"))
    membership_id: Mapped[int] = mapped_column(ForeignKey("memberships.id"), index=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    granted_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(20))  # revoked, switched_off, disabled, handover, …

    application: Mapped[SsoApplication] = relationship()
    membership: Mapped[Membership] = relationship()

    @property
    def person(self) -> Person:
        """Return who granted it."""
        return self.membership.person


class SsoCode(Base):
    """An authorization code, valid once and for a minute. Its tokens are a family: they end together."""

    __tablename__ = "sso_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("sso_grants.id"), index=True)
    redirect_uri: Mapped[str] = mapped_column(String(500))
    scope: Mapped[str] = mapped_column(String(200))
    nonce: Mapped[str | None] = mapped_column(String(500))
    challenge: Mapped[str] = mapped_column(String(128))  # PKCE, S256 alone
    authenticated_at: Mapped[datetime]  # when the person last showed who they are
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]

    grant: Mapped[SsoGrant] = relationship()


class SsoToken(Base):
    """An access or a refresh token. A refresh token works once; used again, all tokens of its family end."""

    __tablename__ = "sso_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    code_id: Mapped[int] = mapped_column(ForeignKey("sso_codes.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    is_refresh: Mapped[bool]
    scope: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]  # of a refresh token: replaced by another
    ended_at: Mapped[datetime | None]

    code: Mapped[SsoCode] = relationship()


class SsoKey(Base):
    """A key that signs ID tokens. The newest that has begun signs; those before it verify for a while."""

    __tablename__ = "sso_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    kid: Mapped[str] = mapped_column(String(64), unique=True)
    sealed_key: Mapped[str | None] = mapped_column(Text)  # a private JWK
    created_at: Mapped[datetime]
    signs_from: Mapped[datetime]
