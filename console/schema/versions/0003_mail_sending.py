"""When mail may leave, its thread and its files"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mail") as batch_op:
        batch_op.add_column(sa.Column("send_after", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("subject_ref", sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column("in_reply_to", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("references", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("attachments", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("private", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE mail SET send_after = created_at")
    with op.batch_alter_table("mail") as batch_op:
        batch_op.alter_column("send_after", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.alter_column("attachments", existing_type=sa.JSON(), server_default=None)
        batch_op.alter_column("private", existing_type=sa.Boolean(), server_default=None)
        batch_op.create_index("ix_mail_subject_ref_id", ["subject_ref", "id"])


def downgrade() -> None:
    with op.batch_alter_table("mail") as batch_op:
        batch_op.drop_index("ix_mail_subject_ref_id")
        for name in ("private", "attachments", "references", "in_reply_to", "subject_ref", "send_after"):
            batch_op.drop_column(name)
