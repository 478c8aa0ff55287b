"""Zones of domains with their records, versions and publishing"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

NAME = sa.String(length=253).with_variant(sa.String(length=253, collation="C"), "postgresql")
TYPES = ("A", "AAAA", "CNAME", "MX", "TXT", "SRV", "CAA", "NS")
CAUSES = ("added", "changed", "deleted", "draft", "imported", "restored")


def upgrade() -> None:
    op.create_table(
        "dns_zones",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("domain_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["domain_id"], ["domains.id"], name=op.f("fk_dns_zones_domain_id_domains")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_zones")),
        sa.UniqueConstraint("domain_id", name=op.f("uq_dns_zones_domain_id")),
    )
    op.create_table(
        "dns_records",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("zone_id", sa.Integer(), nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("type", sa.Enum(*TYPES, name="recordtype", native_enum=False, length=20), nullable=False),
        sa.Column("ttl", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["zone_id"], ["dns_zones.id"], name=op.f("fk_dns_records_zone_id_dns_zones")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_records")),
    )
    op.create_index("ix_dns_records_zone_id_name_type", "dns_records", ["zone_id", "name", "type"])
    op.create_table(
        "dns_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("zone_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("cause", sa.Enum(*CAUSES, name="cause", native_enum=False, length=20), nullable=False),
        sa.Column("restored", sa.Integer(), nullable=True),
        sa.Column("added_count", sa.Integer(), nullable=False),
        sa.Column("removed_count", sa.Integer(), nullable=False),
        sa.Column("added", sa.JSON(), nullable=False),
        sa.Column("removed", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["zone_id"], ["dns_zones.id"], name=op.f("fk_dns_versions_zone_id_dns_zones")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_versions")),
    )
    op.create_index("uq_dns_versions_zone_id_number", "dns_versions", ["zone_id", "number"], unique=True)
    op.create_table(
        "dns_publications",
        sa.Column("zone_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("published_version", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=False),
        sa.Column("lease", sa.String(length=40), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["zone_id"], ["dns_zones.id"], name=op.f("fk_dns_publications_zone_id_dns_zones")),
        sa.PrimaryKeyConstraint("zone_id", name=op.f("pk_dns_publications")),
    )
    op.create_index(op.f("ix_dns_publications_due_at"), "dns_publications", ["due_at"])


def downgrade() -> None:
    for table in ("dns_publications", "dns_versions", "dns_records", "dns_zones"):
        op.drop_table(table)
