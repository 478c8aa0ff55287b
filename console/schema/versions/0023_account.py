"""Corrections of a holder's data, new sign-in addresses, handovers, disputed verifications"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def _state(name: str, *values: str) -> sa.Column[str]:
    return sa.Column("state", sa.Enum(*values, name=name, native_enum=False, length=20), nullable=False)


def _one_open(name: str, table: str, column: str) -> None:
    ended = sa.text("ended_at IS NULL")
    op.create_index(name, table, [column], unique=True, sqlite_where=ended, postgresql_where=ended)


def upgrade() -> None:
    _add_corrections()
    _add_email_changes()
    _add_handovers()
    disputed = sa.text("disputed_at IS NOT NULL")
    with op.batch_alter_table("verifications") as batch:
        batch.add_column(sa.Column("disputed_at", AT, nullable=True))
    op.create_index(
        "ix_verifications_disputed_at",
        "verifications",
        ["disputed_at"],
        sqlite_where=disputed,
        postgresql_where=disputed,
    )


def _add_corrections() -> None:
    op.create_table(
        "profile_corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        _state("correctionstate", "open", "confirmed", "refused", "withdrawn"),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by_id", sa.Integer(), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("requested_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile_corrections")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_profile_corrections_customer_id_customers")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["memberships.id"], name=op.f("fk_profile_corrections_requested_by_id_memberships")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_profile_corrections_staff_id_staff")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["staff.id"], name=op.f("fk_profile_corrections_ended_by_id_staff")),
    )
    op.create_index(op.f("ix_profile_corrections_customer_id"), "profile_corrections", ["customer_id"])
    op.create_index("ix_profile_corrections_state_id", "profile_corrections", ["state", "id"])
    _one_open("uq_profile_corrections_open", "profile_corrections", "customer_id")


def _add_email_changes() -> None:
    op.create_table(
        "email_changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("old_email", sa.String(length=254), nullable=False),
        sa.Column("new_email", sa.String(length=254), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("old_confirmed_at", AT, nullable=True),
        sa.Column("new_confirmed_at", AT, nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        _state("emailchangestate", "waiting", "done", "withdrawn", "expired"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_changes")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_email_changes_person_id_people")),
    )
    op.create_index(op.f("ix_email_changes_person_id"), "email_changes", ["person_id"])
    _one_open("uq_email_changes_open", "email_changes", "person_id")


def _add_handovers() -> None:
    op.create_table(
        "handovers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        _state("handoverstate", "waiting", "accepted", "refused", "withdrawn", "expired"),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("verification_id", sa.Integer(), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("person_name", sa.String(length=120), nullable=False),
        sa.Column(
            "kind", sa.Enum("person", "company", name="customerkind", native_enum=False, length=20), nullable=False
        ),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("pib", sa.String(length=20), nullable=True),
        sa.Column("mb", sa.String(length=20), nullable=True),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("postcode", sa.String(length=20), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("keeps_users", sa.Boolean(), nullable=False),
        sa.Column("keeps_contacts", sa.Boolean(), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_handovers_customer_id_customers")),
        sa.ForeignKeyConstraint(["owner_id"], ["memberships.id"], name=op.f("fk_handovers_owner_id_memberships")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_handovers_staff_id_staff")),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verifications.id"], name=op.f("fk_handovers_verification_id_verifications")
        ),
    )
    op.create_index(op.f("ix_handovers_customer_id"), "handovers", ["customer_id"])
    _one_open("uq_handovers_open", "handovers", "customer_id")


def downgrade() -> None:
    op.drop_index("ix_verifications_disputed_at", table_name="verifications")
    with op.batch_alter_table("verifications") as batch:
        batch.drop_column("disputed_at")
    op.drop_table("handovers")
    op.drop_table("email_changes")
    op.drop_table("profile_corrections")
