"""Canned replies"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from console.core.search import create_ranked_table, drop_search_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "canned_categories",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=True),
        sa.Column("name_sr", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_categories")),
        sa.UniqueConstraint("key", name=op.f("uq_canned_categories_key")),
    )
    op.create_table(
        "canned_replies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=True),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("shortcut", sa.String(length=30), nullable=False),
        sa.Column("title_sr", sa.String(length=120), nullable=False),
        sa.Column("title_en", sa.String(length=120), nullable=False),
        sa.Column("body_sr", sa.Text(), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("verified_only", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["category_id"], ["canned_categories.id"], name=op.f("fk_canned_replies_category_id")),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("fk_canned_replies_department_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_replies")),
        sa.UniqueConstraint("key", name=op.f("uq_canned_replies_key")),
        sa.UniqueConstraint("shortcut", name=op.f("uq_canned_replies_shortcut")),
    )
    with op.batch_alter_table("canned_replies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_canned_replies_category_id"), ["category_id"], unique=False)
        batch_op.create_index("ix_canned_replies_updated_at_id", ["updated_at", "id"], unique=False)
    create_ranked_table(op, "search_replies")


def downgrade() -> None:
    drop_search_table(op, "search_replies")
    with op.batch_alter_table("canned_replies", schema=None) as batch_op:
        batch_op.drop_index("ix_canned_replies_updated_at_id")
        batch_op.drop_index(batch_op.f("ix_canned_replies_category_id"))
    op.drop_table("canned_replies")
    op.drop_table("canned_categories")
