"""Copies and forwards of tickets, from-addresses, lists to leave, signatures of staff"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.add_column(sa.Column("from_address", sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column("shown_to", sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column("cc", sa.JSON(), server_default=sa.text("'[]'"), nullable=False))
        batch_op.add_column(sa.Column("leaves", sa.String(length=60), nullable=True))
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.alter_column("cc", existing_type=sa.JSON(), server_default=None)
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.add_column(sa.Column("signature_sr", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("signature_en", sa.Text(), server_default="", nullable=False))
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.alter_column("signature_sr", existing_type=sa.Text(), server_default=None)
        batch_op.alter_column("signature_en", existing_type=sa.Text(), server_default=None)
    op.create_table(
        "ticket_forwards",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["ticket_messages.id"], name=op.f("fk_ticket_forwards_message_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_ticket_forwards_staff_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_forwards_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_forwards")),
        sa.UniqueConstraint("message_id", name=op.f("uq_ticket_forwards_message_id")),
    )
    op.create_index(op.f("ix_ticket_forwards_ticket_id"), "ticket_forwards", ["ticket_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_ticket_forwards_ticket_id"), "ticket_forwards")
    op.drop_table("ticket_forwards")
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.drop_column("signature_en")
        batch_op.drop_column("signature_sr")
    with op.batch_alter_table("mail", schema=None) as batch_op:
        for name in ("leaves", "cc", "shown_to", "from_address"):
            batch_op.drop_column(name)
