"""When mail may leave, its thread, its files, and how sending it goes"""

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
        batch_op.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
        for name in ("first_try_at", "last_try_at", "sent_at", "failed_at", "leased_until"):
            batch_op.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("last_error", sa.String(length=500), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("lease", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("copy_of_id", sa.Integer(), nullable=True))
    op.execute("UPDATE mail SET send_after = created_at")
    with op.batch_alter_table("mail") as batch_op:
        batch_op.alter_column("send_after", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.alter_column("attachments", existing_type=sa.JSON(), server_default=None)
        batch_op.alter_column("private", existing_type=sa.Boolean(), server_default=None)
        batch_op.alter_column("attempts", existing_type=sa.Integer(), server_default=None)
        batch_op.alter_column("last_error", existing_type=sa.String(length=500), server_default=None)
        batch_op.create_foreign_key("fk_mail_copy_of_id", "mail", ["copy_of_id"], ["id"])
        batch_op.create_index("ix_mail_subject_ref_id", ["subject_ref", "id"])
        batch_op.create_index("ix_mail_to_address_id", ["to_address", "id"])
        batch_op.create_index("ix_mail_copy_of_id", ["copy_of_id"])
        batch_op.create_index("ix_mail_state_send_after_id", ["state", "send_after", "id"])
    op.create_table(
        "mail_relay",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("misconfigured", sa.Boolean(), nullable=False),
        sa.Column("last_error", sa.String(length=500), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_relay")),
    )


def downgrade() -> None:
    op.drop_table("mail_relay")
    with op.batch_alter_table("mail") as batch_op:
        for name in (
            "ix_mail_state_send_after_id",
            "ix_mail_copy_of_id",
            "ix_mail_to_address_id",
            "ix_mail_subject_ref_id",
        ):
            batch_op.drop_index(name)
        batch_op.drop_constraint("fk_mail_copy_of_id", type_="foreignkey")
        for name in (
            "copy_of_id", "lease", "last_error", "leased_until", "failed_at", "sent_at", "last_try_at",
            "first_try_at", "attempts", "private", "attachments", "references", "in_reply_to", "subject_ref",
            "send_after",
        ):  # fmt: skip
            batch_op.drop_column(name)
