"""Help articles with their versions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from console.core.search import create_ranked_table, drop_search_table

revision = "0026"
down_revision = "0020"
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


def downgrade() -> None:
    drop_search_table(op, "search_help")
    op.drop_table("help_versions")
    op.drop_table("help_articles")
