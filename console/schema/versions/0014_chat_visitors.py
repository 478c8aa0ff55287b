"""Who opened a chat, and who chose their availability"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("chats", schema=None) as batch_op:
        batch_op.add_column(sa.Column("visitor", sa.String(length=32), nullable=True))
        batch_op.create_index("ix_chats_visitor_created_at", ["visitor", "created_at"], unique=False)
    with op.batch_alter_table("staff_presence", schema=None) as batch_op:
        batch_op.add_column(sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("staff_presence", schema=None) as batch_op:
        batch_op.drop_column("chosen_at")
    with op.batch_alter_table("chats", schema=None) as batch_op:
        batch_op.drop_index("ix_chats_visitor_created_at")
        batch_op.drop_column("visitor")
