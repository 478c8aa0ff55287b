"""Accounts, the people on them, support PINs and verifications."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ColumnElement, ForeignKey, Index, String, Text, and_, false, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core import clock
from console.core.db import Base, enum_column
from console.core.ids import CUSTOMER_BASE
from console.core.search import SearchIndex
from console.core.series import Series
from console.core.sessions import SignInSession
from console.core.sorting import keep_key, key_column
from console.customers.rights import ALL_RIGHTS, Right

CUSTOMER_SEARCH = SearchIndex("search_customers")
_OPEN = text("ended_at IS NULL")


class CustomerKind(StrEnum):
    PERSON = "person"
    COMPANY = "company"


class TaxStatus(StrEnum):
    """Decides the PDV on this buyer's documents (``console.billing.tax``)."""

    DOMESTIC = "domestic"
    ABROAD = "abroad"
    EXEMPT = "exempt"


class CustomerStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class MemberRole(StrEnum):
    OWNER = "owner"
    USER = "user"
    CONTACT = "contact"


class VerificationKind(StrEnum):
    PIN = "pin"
    OVERRIDE = "override"


class Customer(Base):
    """The account that owns services and is billed."""

    __tablename__ = "customers"
    __table_args__ = (Index("ix_customers_name_key_id", "name_key", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[CustomerKind] = mapped_column(enum_column(CustomerKind))
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = key_column("name")
    pib: Mapped[str | None] = mapped_column(String(20))
    mb: Mapped[str | None] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(200), default="")
    postcode: Mapped[str] = mapped_column(String(20), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    country: Mapped[str] = mapped_column(String(2), default="RS")
    phone: Mapped[str] = mapped_column(String(40), default="")
    tax_status: Mapped[TaxStatus] = mapped_column(enum_column(TaxStatus), default=TaxStatus.DOMESTIC)
    status: Mapped[CustomerStatus] = mapped_column(
        enum_column(CustomerStatus), default=CustomerStatus.ACTIVE, index=True
    )
    language: Mapped[str] = mapped_column(String(10), default="sr_Latn")
    currency: Mapped[str] = mapped_column(String(3), default="RSD")
    credit_first: Mapped[bool] = mapped_column(default=False, server_default=false())  # credit pays new pro-formas
    external_id: Mapped[str | None] = mapped_column(String(100), unique=True)
    created_at: Mapped[datetime]

    members: Mapped[list[Membership]] = relationship(back_populates="customer")
    owner: Mapped[Person | None] = relationship(
        secondary="memberships",
        primaryjoin="and_(Customer.id == Membership.customer_id, Membership.is_owner)",
        secondaryjoin="Person.id == Membership.person_id",
        viewonly=True,
    )

    @property
    def number(self) -> str:
        """Return the number people read out: ``K-10482``."""
        return Series.CUSTOMER.number(CUSTOMER_BASE + self.id)

    def buyer(self) -> dict[str, Any]:
        """Return what a document freezes about its buyer."""
        return {
            "number": self.number,
            "kind": self.kind.value,
            "name": self.name,
            "pib": self.pib,
            "mb": self.mb,
            "address": self.address,
            "postcode": self.postcode,
            "city": self.city,
            "country": self.country,
            "tax_status": self.tax_status.value,
        }

    def searchable(self) -> str:
        """Return the text this account is found by. Nothing that an unverified agent may not see."""
        return f"{self.number} {self.name}"


keep_key(Customer.name, Customer.name_key)


class Person(Base):
    """A human with an e-mail address, on any number of accounts. ``email`` is stored in lower case."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(40), default="")
    language: Mapped[str | None] = mapped_column(String(10))
    theme: Mapped[str | None] = mapped_column(String(10))
    password_hash: Mapped[str | None]  # None: a contact, without a sign-in of their own
    # Until then nothing is given away in their name: their sign-in changed hands, perhaps (console.customers.holds).
    held_until: Mapped[datetime | None]
    created_at: Mapped[datetime]

    memberships: Mapped[list[Membership]] = relationship(back_populates="person")

    def is_held(self, now: datetime) -> bool:
        """Return whether nothing may be given away in their name at ``now``."""
        return self.held_until is not None and now < self.held_until


class PersonSession(SignInSession, Base):
    """A customer's person signed in to the portal on one browser."""

    __tablename__ = "person_sessions"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    person: Mapped[Person] = relationship(lazy="joined")
    # When the person last showed who they are: at the sign-in, or asked again before something dangerous.
    confirmed_at: Mapped[datetime] = mapped_column(default=clock.now)


class Membership(Base):
    """One person on one account: what they may do, which mail they get, their support PIN.

    Name, phone and address are what this account knows of a contact; a person with a sign-in keeps their own.

    The PIN is the RFC 4226 HOTP of ``pin_secret`` (sealed) at ``pin_counter``;
    it is never stored. ``pin_expires_at`` is ``None`` before the first one.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        Index("uq_memberships_customer_id_person_id", "customer_id", "person_id", unique=True),
        Index(
            "uq_memberships_owner",
            "customer_id",
            unique=True,
            sqlite_where=text("role = 'owner' AND removed_at IS NULL"),
            postgresql_where=text("role = 'owner' AND removed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    role: Mapped[MemberRole] = mapped_column(enum_column(MemberRole))
    rights: Mapped[list[str]] = mapped_column(JSON, default=list)  # what was granted; an owner holds all
    mail: Mapped[list[str]] = mapped_column(JSON, default=list)
    removed_at: Mapped[datetime | None]
    contact_name: Mapped[str] = mapped_column(String(120), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(200), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    postcode: Mapped[str] = mapped_column(String(20), default="")

    pin_secret: Mapped[str | None] = mapped_column(Text)  # sealed
    pin_counter: Mapped[int] = mapped_column(default=0)
    pin_expires_at: Mapped[datetime | None]
    pin_failures: Mapped[int] = mapped_column(default=0)  # evaluated against this PIN
    pin_burned_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship(back_populates="members")
    person: Mapped[Person] = relationship(back_populates="memberships")

    @hybrid_property
    def is_owner(self) -> bool:
        """Return whether this person owns the account now; in a query, the condition that says so."""
        return self.role is MemberRole.OWNER and self.removed_at is None

    @is_owner.inplace.expression
    @classmethod
    def _is_owner(cls) -> ColumnElement[bool]:
        return and_(cls.role == MemberRole.OWNER, cls.removed_at.is_(None))

    @property
    def name(self) -> str:
        """Return what this account calls the person."""
        return self.contact_name or self.person.name

    @property
    def phone_number(self) -> str:
        """Return the number that this account knows: of a contact it added, never what another account wrote down."""
        return self.phone or ("" if self.contact_name else self.person.phone)

    def held_rights(self) -> frozenset[Right]:
        """Return the rights this person holds on this account now."""
        if self.is_owner:
            return ALL_RIGHTS
        if self.removed_at is not None:
            return frozenset()
        return frozenset(Right(key) for key in self.rights if key in set(Right))


class Invitation(Base):
    """An e-mail address invited to an account as an independent user. Its token is a one-time token."""

    __tablename__ = "invitations"
    __table_args__ = (Index("ix_invitations_customer_id_id", "customer_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    email: Mapped[str] = mapped_column(String(254))  # in lower case
    rights: Mapped[list[str]] = mapped_column(JSON)
    invited_by_id: Mapped[int | None] = mapped_column(ForeignKey("memberships.id"))  # None: the console itself
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # accepted or revoked
    membership_id: Mapped[int | None] = mapped_column(ForeignKey("memberships.id"))  # what it became

    customer: Mapped[Customer] = relationship()
    invited_by: Mapped[Membership | None] = relationship(foreign_keys=[invited_by_id])

    def is_open(self, now: datetime) -> bool:
        """Return whether it can be accepted at ``now``."""
        return self.ended_at is None and now < self.expires_at


class Registration(Base):
    """An account someone asked for, until they confirm the address; nothing of it exists before. Deleted after that."""

    __tablename__ = "registrations"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))  # in lower case
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str]
    kind: Mapped[CustomerKind] = mapped_column(enum_column(CustomerKind))
    company: Mapped[str] = mapped_column(String(200), default="")
    pib: Mapped[str | None] = mapped_column(String(20))
    mb: Mapped[str | None] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(10))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Guard(Base):
    """Counts failed attempts of one e-mail or one source, shared by every process.

    ``key`` is a keyed digest, so that an address that is no customer's is not stored; unknown addresses are counted
    like known ones.
    """

    __tablename__ = "verification_guards"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    failures: Mapped[list[str]] = mapped_column(JSON, default=list)  # RFC 3339 instants inside the window
    locked_until: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(index=True)


class Verification(Base):
    """A person verified for an account: through which channel, by whom, until when."""

    __tablename__ = "verifications"
    __table_args__ = (
        CheckConstraint("kind = 'override' OR membership_id IS NOT NULL", name="pin_names_a_person"),
        CheckConstraint("kind = 'pin' OR reason IS NOT NULL", name="override_has_a_reason"),
        CheckConstraint("staff_id IS NOT NULL OR channel = 'portal'", name="staff_unless_in_portal"),
        Index("ix_verifications_customer_id_id", "customer_id", "id"),
        Index("ix_verifications_staff_id_ended_at", "staff_id", "ended_at"),
        Index("ix_verifications_channel", "channel", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index(
            "ix_verifications_disputed_at",
            "disputed_at",
            sqlite_where=text("disputed_at IS NOT NULL"),
            postgresql_where=text("disputed_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[VerificationKind] = mapped_column(enum_column(VerificationKind))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    membership_id: Mapped[int | None] = mapped_column(ForeignKey("memberships.id"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))  # None: in the portal, by the person alone
    channel: Mapped[str] = mapped_column(String(60))
    rights: Mapped[list[str]] = mapped_column(JSON)  # as held when verified
    reason: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(20))  # hand, channel, pin, removed, restore, …
    disputed_at: Mapped[datetime | None]  # the person said that it was not them

    customer: Mapped[Customer] = relationship()
    membership: Mapped[Membership | None] = relationship()

    def is_live(self, now: datetime) -> bool:
        """Return whether it opens anything at ``now``."""
        return self.ended_at is None and now < self.expires_at

    def opened_rights(self) -> frozenset[Right]:
        """Return what it opens now: what the person held when verified and still holds."""
        frozen = frozenset(Right(key) for key in self.rights)
        return frozen if self.membership is None else frozen & self.membership.held_rights()


class VerificationCard(Base):
    """A sealed card: a member of staff asks, the person enters e-mail and PIN, only the result comes back.

    Reached by a token of which only the digest is stored; good for one success or a few failures.
    """

    __tablename__ = "verification_cards"
    __table_args__ = (Index("ix_verification_cards_channel_id", "channel", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    channel: Mapped[str] = mapped_column(String(60))  # ``ticket:<number>``, ``chat:<id>``
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))  # the agent who asked, for whom the account opens
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]  # used, used up or withdrawn
    verification_id: Mapped[int | None] = mapped_column(ForeignKey("verifications.id"))
