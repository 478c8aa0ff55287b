"""Zones, their records and versions, and the outbox to the name servers."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.core.db import Base, enum_column
from console.hosting.models import Domain

MAX_ERROR = 500
# Compared byte by byte on both databases: names are ASCII.
NAME = String(253).with_variant(String(253, collation="C"), "postgresql")


class RecordType(StrEnum):
    A = "A"
    AAAA = "AAAA"
    CNAME = "CNAME"
    MX = "MX"
    TXT = "TXT"
    SRV = "SRV"
    CAA = "CAA"
    NS = "NS"


class Cause(StrEnum):
    """How a version came to be."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"
    DRAFT = "draft"
    IMPORTED = "imported"
    RESTORED = "restored"


class Zone(Base):
    """The zone of a domain, which moves with it. ``version`` counts its saves, ``serial`` is that of its SOA."""

    __tablename__ = "dns_zones"

    id: Mapped[int] = mapped_column(primary_key=True)
    domain_id: Mapped[int] = mapped_column(ForeignKey("domains.id"), unique=True)
    version: Mapped[int] = mapped_column(default=0)
    serial: Mapped[int] = mapped_column(BigInteger, default=0)  # 32 bits without a sign (RFC 1035)

    domain: Mapped[Domain] = relationship()


class Record(Base):
    """One record of a zone as it is now.

    ``name`` is relative to the zone, ``@`` for the domain itself; ``value`` is RFC 1035's presentation.
    """

    __tablename__ = "dns_records"
    __table_args__ = (Index("ix_dns_records_zone_id_name_type", "zone_id", "name", "type"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    zone_id: Mapped[int] = mapped_column(ForeignKey("dns_zones.id"))
    name: Mapped[str] = mapped_column(NAME)
    type: Mapped[RecordType] = mapped_column(enum_column(RecordType))
    ttl: Mapped[int]
    value: Mapped[str] = mapped_column(Text)


class Version(Base):
    """One save: who, when, and what it added and removed. What a zone was before follows from the saves since."""

    __tablename__ = "dns_versions"
    __table_args__ = (Index("uq_dns_versions_zone_id_number", "zone_id", "number", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    zone_id: Mapped[int] = mapped_column(ForeignKey("dns_zones.id"))
    number: Mapped[int]
    serial: Mapped[int] = mapped_column(BigInteger)
    saved_at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(String(120))
    cause: Mapped[Cause] = mapped_column(enum_column(Cause))
    restored: Mapped[int | None]  # the version that was put back
    added_count: Mapped[int]
    removed_count: Mapped[int]
    # Of a large import a megabyte: a list of versions does not read them. Each is name, type, TTL, value.
    added: Mapped[list[Any]] = mapped_column(JSON, deferred=True)
    removed: Mapped[list[Any]] = mapped_column(JSON, deferred=True)


class Publication(Base):
    """The outbox: what of a zone the name servers have, and what they are to get.

    One row for a zone, so that two versions of it are never on their way at once and the newest goes.
    """

    __tablename__ = "dns_publications"

    zone_id: Mapped[int] = mapped_column(ForeignKey("dns_zones.id"), primary_key=True, autoincrement=False)
    version: Mapped[int]  # the newest one
    published_version: Mapped[int] = mapped_column(default=0)
    published_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None] = mapped_column(index=True)  # nothing: the name servers have the newest
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    failing_since: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(String(MAX_ERROR), default="")
    lease: Mapped[str | None] = mapped_column(String(40))  # who is publishing it
    leased_until: Mapped[datetime | None]
