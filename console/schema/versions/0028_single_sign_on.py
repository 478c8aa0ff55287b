"""Single sign-on: applications, grants, codes, tokens, keys"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sso_applications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(60), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("secret_digest", sa.String(64), nullable=True),
        sa.Column("redirect_uris", sa.JSON(), nullable=False),
        sa.Column("post_logout_uris", sa.JSON(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_applications")),
        sa.UniqueConstraint("client_id", name=op.f("uq_sso_applications_client_id")),
    )
    op.create_table(
        "sso_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kid", sa.String(64), nullable=False),
        sa.Column("sealed_key", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("signs_from", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_keys")),
        sa.UniqueConstraint("kid", name=op.f("uq_sso_keys_kid")),
    )
    op.create_table(
        "sso_switches",
        sa.Column("customer_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("switched_on_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_sso_switches_customer_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_sso_switches_person_id")),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_sso_switches")),
    )
    op.create_table(
        "sso_grants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("membership_id", sa.Integer(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("granted_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("end_reason", sa.String(20), nullable=True),
        sa.ForeignKeyConstraint(["application_id"], ["sso_applications.id"], name=op.f("fk_sso_grants_application_id")),
        sa.ForeignKeyConstraint(["membership_id"], ["memberships.id"], name=op.f("fk_sso_grants_membership_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_grants")),
    )
    still_open = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_sso_grants_open",
        "sso_grants",
        ["application_id", "membership_id"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.create_index(op.f("ix_sso_grants_membership_id"), "sso_grants", ["membership_id"])
    op.create_table(
        "sso_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("redirect_uri", sa.String(500), nullable=False),
        sa.Column("scope", sa.String(200), nullable=False),
        sa.Column("nonce", sa.String(500), nullable=True),
        sa.Column("challenge", sa.String(128), nullable=False),
        sa.Column("authenticated_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["sso_grants.id"], name=op.f("fk_sso_codes_grant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_codes")),
        sa.UniqueConstraint("digest", name=op.f("uq_sso_codes_digest")),
    )
    op.create_index(op.f("ix_sso_codes_grant_id"), "sso_codes", ["grant_id"])
    op.create_index(op.f("ix_sso_codes_expires_at"), "sso_codes", ["expires_at"])
    op.create_table(
        "sso_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("is_refresh", sa.Boolean(), nullable=False),
        sa.Column("scope", sa.String(200), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["code_id"], ["sso_codes.id"], name=op.f("fk_sso_tokens_code_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_sso_tokens_digest")),
    )
    op.create_index(op.f("ix_sso_tokens_code_id"), "sso_tokens", ["code_id"])
    op.create_index(op.f("ix_sso_tokens_expires_at"), "sso_tokens", ["expires_at"])


def downgrade() -> None:
    for table in ("sso_tokens", "sso_codes", "sso_grants", "sso_switches", "sso_keys", "sso_applications"):
        op.drop_table(table)
