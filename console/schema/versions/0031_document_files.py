"""Files of documents with their hash, links that let another person pay"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "document_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "proforma",
                "storno",
                "migration_old",
                "migration_new",
                name="documentkind",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_files")),
        sa.UniqueConstraint(
            "kind", "document_id", "language", name=op.f("uq_document_files_kind_document_id_language")
        ),
    )
    op.create_index(op.f("ix_document_files_sha256"), "document_files", ["sha256"])
    op.create_table(
        "pay_links",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proforma_id", sa.Integer(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("sealed_token", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["proforma_id"], ["proformas.id"], name=op.f("fk_pay_links_proforma_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pay_links")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_pay_links_token_digest")),
    )
    live = sa.text("revoked_at IS NULL")
    op.create_index(
        "uq_pay_links_live", "pay_links", ["proforma_id"], unique=True, sqlite_where=live, postgresql_where=live
    )

    for table in ("proformas", "stornos"):
        op.create_index(op.f(f"ix_{table}_issued_at"), table, ["issued_at"])


def downgrade() -> None:
    for table in ("proformas", "stornos"):
        op.drop_index(op.f(f"ix_{table}_issued_at"), table_name=table)
    op.drop_table("pay_links")
    op.drop_table("document_files")
