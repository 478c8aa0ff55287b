"""Promises"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Working minutes by priority, for every department: first answer, next answer, solution. A supervisor may change them.
RULES = (
    (4, 30, 60, 4 * 60),
    (3, 2 * 60, 4 * 60, 2 * 8 * 60),
    (2, 4 * 60, 8 * 60, 3 * 8 * 60),
    (1, 8 * 60, 16 * 60, 5 * 8 * 60),
)


def upgrade() -> None:
    op.create_table(
        "promise_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("hours_revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise_head")),
    )
    op.create_table(
        "promise_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("first_answer", sa.Integer(), nullable=True),
        sa.Column("next_answer", sa.Integer(), nullable=True),
        sa.Column("solution", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("fk_promise_rules_department_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise_rules")),
        sa.UniqueConstraint("department_id", "priority", name=op.f("uq_promise_rules_department_id_priority")),
    )
    with op.batch_alter_table("promise_rules", schema=None) as batch_op:
        batch_op.create_index(
            "uq_promise_rules_everywhere",
            ["priority"],
            unique=True,
            sqlite_where=sa.text("department_id IS NULL"),
            postgresql_where=sa.text("department_id IS NULL"),
        )

    op.create_table(
        "ticket_promises",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("first_answer", "next_answer", "solution", name="promisekind", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("goal", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("risk_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("broken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("spent", sa.Integer(), nullable=True),
        sa.Column("pauses", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_promises_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_promises")),
        sa.UniqueConstraint(
            "ticket_id", "kind", "started_at", name=op.f("uq_ticket_promises_ticket_id_kind_started_at")
        ),
    )
    running = {"sqlite_where": sa.text("met_at IS NULL"), "postgresql_where": sa.text("met_at IS NULL")}
    with op.batch_alter_table("ticket_promises", schema=None) as batch_op:
        batch_op.create_index("ix_ticket_promises_kind_started_at", ["kind", "started_at"], unique=False)
        batch_op.create_index(
            "ix_ticket_promises_revision_ticket_id", ["revision", "ticket_id"], unique=False, **running
        )
        batch_op.create_index("ix_ticket_promises_risk_at_due_at", ["risk_at", "due_at"], unique=False, **running)

    head = sa.table("promise_head", sa.column("id"), sa.column("revision"), sa.column("hours_revision"))
    op.bulk_insert(head, [{"id": 1, "revision": 1, "hours_revision": 0}])
    names = ("department_id", "priority", "first_answer", "next_answer", "solution")
    rules = sa.table("promise_rules", *(sa.column(name) for name in names))
    op.bulk_insert(rules, [dict(zip(names, (None, *rule), strict=True)) for rule in RULES])


def downgrade() -> None:
    with op.batch_alter_table("ticket_promises", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_promises_risk_at_due_at")
        batch_op.drop_index("ix_ticket_promises_revision_ticket_id")
        batch_op.drop_index("ix_ticket_promises_kind_started_at")

    op.drop_table("ticket_promises")
    with op.batch_alter_table("promise_rules", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_promise_rules_everywhere",
            sqlite_where=sa.text("department_id IS NULL"),
            postgresql_where=sa.text("department_id IS NULL"),
        )

    op.drop_table("promise_rules")
    op.drop_table("promise_head")
