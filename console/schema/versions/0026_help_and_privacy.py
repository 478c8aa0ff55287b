"""Help articles with their versions, copies of data, erasures, keys of people in the audit log"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from console.core.search import create_ranked_table, drop_search_table

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "help_articles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=True),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column(
            "section",
            sa.Enum(
                "security",
                "account",
                "services",
                "domains",
                "support",
                "legal",
                name="helpsection",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.Column("published", sa.Integer(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_help_articles")),
        sa.UniqueConstraint("key", name=op.f("uq_help_articles_key")),
        sa.UniqueConstraint("slug", name=op.f("uq_help_articles_slug")),
    )
    op.create_table(
        "help_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title_sr", sa.String(length=160), nullable=False),
        sa.Column("title_en", sa.String(length=160), nullable=False),
        sa.Column("body_sr", sa.Text(), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("staff_name", sa.String(length=120), nullable=False),
        sa.Column("restored_from", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["article_id"], ["help_articles.id"], name=op.f("fk_help_versions_article_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_help_versions_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_help_versions")),
        sa.UniqueConstraint("article_id", "number", name="uq_help_versions_article_id_number"),
    )
    create_ranked_table(op, "search_help")
    op.create_table(
        "data_exports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum("queued", "ready", "failed", "deleted", name="exportstate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease", sa.String(length=40), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("downloaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_data_exports_customer_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_data_exports_person_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_data_exports_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_exports")),
    )
    op.create_index("ix_data_exports_person_id_id", "data_exports", ["person_id", "id"])
    op.create_index("ix_data_exports_state", "data_exports", ["state"])
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum("waiting", "done", "cancelled", name="erasurestate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_erasures_person_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_erasures_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_person_id_id", "erasures", ["person_id", "id"])
    op.create_index("ix_erasures_state_due_at", "erasures", ["state", "due_at"])
    op.create_table(
        "person_keys",
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed_key", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_keys")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sealed", sa.Text(), nullable=True))


def downgrade() -> None:
    # The chain cannot be proven without what was sealed: going down is for a database without entries since.
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_column("sealed")
    op.drop_table("person_keys")
    op.drop_table("erasures")
    op.drop_table("data_exports")
    drop_search_table(op, "search_help")
    op.drop_table("help_versions")
    op.drop_table("help_articles")
