"""Migrations, requests and quotes of the portal"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0020"
branch_labels = None
depends_on = None

IN_PORTAL = "staff_id IS NOT NULL OR channel = 'portal'"


def upgrade() -> None:
    with op.batch_alter_table("verifications", schema=None) as batch_op:
        batch_op.alter_column("staff_id", existing_type=sa.Integer(), nullable=True)
        batch_op.create_check_constraint(op.f("ck_verifications_staff_unless_in_portal"), IN_PORTAL)
    with op.batch_alter_table("migrations", schema=None) as batch_op:
        batch_op.alter_column("requested_by_id", existing_type=sa.Integer(), nullable=True)


def downgrade() -> None:
    # What began in the portal has no member of staff: it is told as begun by the first of them.
    first = "(SELECT min(id) FROM staff)"
    op.execute(f"UPDATE migrations SET requested_by_id = {first} WHERE requested_by_id IS NULL")  # noqa: S608
    op.execute(f"UPDATE verifications SET staff_id = {first} WHERE staff_id IS NULL")  # noqa: S608
    with op.batch_alter_table("migrations", schema=None) as batch_op:
        batch_op.alter_column("requested_by_id", existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table("verifications", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_verifications_staff_unless_in_portal"), type_="check")
        batch_op.alter_column("staff_id", existing_type=sa.Integer(), nullable=False)
