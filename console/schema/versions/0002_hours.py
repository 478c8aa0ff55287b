"""Opening hours"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MONDAY_TO_FRIDAY = range(5)
NINE, FIVE = 9 * 60, 17 * 60


def upgrade() -> None:
    op.create_table(
        "hours_intervals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("opens", sa.SmallInteger(), nullable=False),
        sa.Column("closes", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_hours_intervals_weekday")),
        sa.CheckConstraint("opens >= 0 AND opens < closes AND closes <= 1440", name=op.f("ck_hours_intervals_minutes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours_intervals")),
    )
    with op.batch_alter_table("hours_intervals", schema=None) as batch_op:
        batch_op.create_index("uq_hours_intervals_weekday_opens", ["weekday", "opens"], unique=True)
    op.create_table(
        "hours_specials",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Enum("closed", "open", name="specialkind", native_enum=False, length=20), nullable=False),
        sa.Column("opens", sa.SmallInteger(), nullable=True),
        sa.Column("closes", sa.SmallInteger(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("staff_name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(opens IS NULL AND closes IS NULL AND kind = 'closed')"
            " OR (opens >= 0 AND opens < closes AND closes <= 1440)",
            name=op.f("ck_hours_specials_minutes"),
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_hours_specials_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours_specials")),
    )
    with op.batch_alter_table("hours_specials", schema=None) as batch_op:
        batch_op.create_index("ix_hours_specials_day_id", ["day", "id"], unique=False)
    op.create_table(
        "hours_revision",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours_revision")),
    )
    week = sa.table("hours_intervals", sa.column("weekday"), sa.column("opens"), sa.column("closes"))
    op.bulk_insert(week, [{"weekday": day, "opens": NINE, "closes": FIVE} for day in MONDAY_TO_FRIDAY])
    head = sa.table(
        "hours_revision", sa.column("id"), sa.column("number"), sa.column("changed_at", sa.DateTime(timezone=True))
    )
    op.bulk_insert(head, [{"id": 1, "number": 1, "changed_at": datetime(2026, 11, 23, tzinfo=UTC)}])


def downgrade() -> None:
    op.drop_table("hours_revision")
    with op.batch_alter_table("hours_specials", schema=None) as batch_op:
        batch_op.drop_index("ix_hours_specials_day_id")
    op.drop_table("hours_specials")
    with op.batch_alter_table("hours_intervals", schema=None) as batch_op:
        batch_op.drop_index("uq_hours_intervals_weekday_opens")
    op.drop_table("hours_intervals")
