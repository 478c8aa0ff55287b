"""The whole way of a migration"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

STILL_REVERSES = "state IN ('requested', 'accepted', 'approved', 'executed')"
AUTHORITY = "verification_id IS NOT NULL OR batch_id IS NOT NULL"
AT = sa.DateTime(timezone=True)
BATCH_STATES = ("checking", "checked", "running", "stopped", "done", "withdrawn")
ITEM_STATES = ("new", "ready", "along", "refused", "done")
TASKS = ("identify_old", "identify_new", "consent", "fee", "links", "done")


def upgrade() -> None:
    op.create_table(
        "migration_batches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Enum(*BATCH_STATES, name="batchstate", native_enum=False, length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("verification_id", sa.Integer(), nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("started_at", AT, nullable=True),
        sa.Column("started_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("leased_until", AT, nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["staff.id"], name=op.f("fk_migration_batches_created_by_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_migration_batches_customer_id")),
        sa.ForeignKeyConstraint(["started_by_id"], ["staff.id"], name=op.f("fk_migration_batches_started_by_id")),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verifications.id"], name=op.f("fk_migration_batches_verification_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migration_batches")),
    )
    op.create_index("ix_migration_batches_state_id", "migration_batches", ["state", "id"])
    op.create_index(op.f("ix_migration_batches_customer_id"), "migration_batches", ["customer_id"])
    op.create_index(op.f("ix_migration_batches_digest"), "migration_batches", ["digest"])
    with op.batch_alter_table("migrations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("batch_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("reverses_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("needs_acceptance", sa.Boolean(), server_default=sa.text("false"), nullable=False)
        )
        batch_op.add_column(sa.Column("accepted_at", AT, nullable=True))
        batch_op.add_column(sa.Column("accepted_by_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("accepted_terms", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("scheduled_for", AT, nullable=True))
        batch_op.add_column(sa.Column("scheduled_by_id", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("scheduled_lose_exemption", sa.Boolean(), server_default=sa.text("false"), nullable=False)
        )
        batch_op.add_column(sa.Column("stopped_at", AT, nullable=True))
        batch_op.add_column(sa.Column("stopped_code", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("declined_by_id", sa.Integer(), nullable=True))
        batch_op.alter_column("verification_id", existing_type=sa.Integer(), nullable=True)
        batch_op.create_foreign_key(op.f("fk_migrations_batch_id"), "migration_batches", ["batch_id"], ["id"])
        batch_op.create_foreign_key(op.f("fk_migrations_reverses_id"), "migrations", ["reverses_id"], ["id"])
        batch_op.create_foreign_key(op.f("fk_migrations_accepted_by_id"), "memberships", ["accepted_by_id"], ["id"])
        batch_op.create_foreign_key(op.f("fk_migrations_declined_by_id"), "memberships", ["declined_by_id"], ["id"])
        batch_op.create_foreign_key(op.f("fk_migrations_scheduled_by_id"), "staff", ["scheduled_by_id"], ["id"])
        batch_op.create_check_constraint(op.f("ck_migrations_has_authority"), AUTHORITY)
    op.create_index(op.f("ix_migrations_batch_id"), "migrations", ["batch_id"])
    op.create_index(op.f("ix_migrations_scheduled_for"), "migrations", ["scheduled_for"])
    op.create_index(
        "uq_migrations_reverses_id",
        "migrations",
        ["reverses_id"],
        unique=True,
        sqlite_where=sa.text(STILL_REVERSES),
        postgresql_where=sa.text(STILL_REVERSES),
    )
    _create_items()
    _create_tasks()


def _create_items() -> None:
    op.create_table(
        "migration_batch_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("state", sa.Enum(*ITEM_STATES, name="itemstate", native_enum=False, length=20), nullable=False),
        sa.Column("service", sa.String(length=60), nullable=False),
        sa.Column("target", sa.String(length=254), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.Column("to_customer_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("concerns", sa.JSON(), nullable=False),
        sa.Column("effect", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("migration_id", sa.Integer(), nullable=True),
        sa.Column("done_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["migration_batches.id"], name=op.f("fk_migration_batch_items_batch_id")),
        sa.ForeignKeyConstraint(
            ["migration_id"], ["migrations.id"], name=op.f("fk_migration_batch_items_migration_id")
        ),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_migration_batch_items_service_id")),
        sa.ForeignKeyConstraint(
            ["to_customer_id"], ["customers.id"], name=op.f("fk_migration_batch_items_to_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migration_batch_items")),
        sa.UniqueConstraint("batch_id", "row", name=op.f("uq_migration_batch_items_batch_id_row")),
    )
    op.create_index(
        "ix_migration_batch_items_batch_id_state_row", "migration_batch_items", ["batch_id", "state", "row"]
    )
    op.create_index("ix_migration_batch_items_batch_id_service_id", "migration_batch_items", ["batch_id", "service_id"])


def _create_tasks() -> None:
    op.create_table(
        "registry_tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("migration_id", sa.Integer(), nullable=False),
        sa.Column("domain_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Enum(*TASKS, name="taskkind", native_enum=False, length=20), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("done_at", AT, nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["domain_id"], ["domains.id"], name=op.f("fk_registry_tasks_domain_id")),
        sa.ForeignKeyConstraint(["done_by_id"], ["staff.id"], name=op.f("fk_registry_tasks_done_by_id")),
        sa.ForeignKeyConstraint(["migration_id"], ["migrations.id"], name=op.f("fk_registry_tasks_migration_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_tasks")),
        sa.UniqueConstraint(
            "migration_id", "domain_id", "kind", name=op.f("uq_registry_tasks_migration_id_domain_id_kind")
        ),
    )
    op.create_index("ix_registry_tasks_open", "registry_tasks", ["ended_at", "due_on", "id"])
    op.create_index(op.f("ix_registry_tasks_domain_id"), "registry_tasks", ["domain_id"])


def downgrade() -> None:
    op.drop_table("registry_tasks")
    op.drop_table("migration_batch_items")
    # Before, the new owner was not asked, and nothing was done at a chosen date.
    op.execute("UPDATE migrations SET state = 'requested' WHERE state = 'accepted'")
    # What a batch carried out rested on the authority that it named: it is told under the first verification there is.
    first = "(SELECT min(id) FROM verifications)"
    op.execute(f"UPDATE migrations SET verification_id = {first} WHERE verification_id IS NULL")  # noqa: S608
    op.drop_index("uq_migrations_reverses_id", table_name="migrations")
    op.drop_index(op.f("ix_migrations_scheduled_for"), table_name="migrations")
    op.drop_index(op.f("ix_migrations_batch_id"), table_name="migrations")
    with op.batch_alter_table("migrations", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_migrations_has_authority"), type_="check")
        for name in ("batch_id", "reverses_id", "accepted_by_id", "declined_by_id", "scheduled_by_id"):
            batch_op.drop_constraint(op.f(f"fk_migrations_{name}"), type_="foreignkey")
        batch_op.alter_column("verification_id", existing_type=sa.Integer(), nullable=False)
        for name in (
            "batch_id", "reverses_id", "needs_acceptance", "accepted_at", "accepted_by_id", "accepted_terms",
            "scheduled_for", "scheduled_by_id", "scheduled_lose_exemption", "stopped_at", "stopped_code",
            "declined_by_id",
        ):  # fmt: skip
            batch_op.drop_column(name)
    op.drop_table("migration_batches")
