"""What mail was counted as, which addresses were proven, whose chats were opened in which session, who is connected"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mail") as mail:
        mail.add_column(sa.Column("counted_as", sa.String(length=340), nullable=True))
        mail.create_index("ix_mail_counted_as_created_at", ["counted_as", "created_at"])
    op.create_table(
        "proven_addresses",
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("proven_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_proven_addresses")),
    )
    op.create_index("ix_proven_addresses_proven_at", "proven_addresses", ["proven_at"])
    with op.batch_alter_table("chats") as chats:
        chats.add_column(sa.Column("person_session_id", sa.Integer(), nullable=True))
        chats.create_foreign_key(
            op.f("fk_chats_person_session_id_person_sessions"),
            "person_sessions",
            ["person_session_id"],
            ["id"],
            ondelete="SET NULL",
        )
        chats.create_index(op.f("ix_chats_person_session_id"), ["person_session_id"])

    op.create_table(
        "staff_sockets",
        sa.Column("sid", sa.String(length=40), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["staff_sessions.id"],
            name=op.f("fk_staff_sockets_session_id_staff_sessions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_sockets_staff_id_staff")),
        sa.PrimaryKeyConstraint("sid", name=op.f("pk_staff_sockets")),
    )
    op.create_index(op.f("ix_staff_sockets_staff_id"), "staff_sockets", ["staff_id"])
    op.create_index(op.f("ix_staff_sockets_session_id"), "staff_sockets", ["session_id"])
    op.create_index(op.f("ix_staff_sockets_seen_at"), "staff_sockets", ["seen_at"])


def downgrade() -> None:
    op.drop_table("staff_sockets")
    with op.batch_alter_table("chats") as chats:
        chats.drop_index(op.f("ix_chats_person_session_id"))
        chats.drop_constraint(op.f("fk_chats_person_session_id_person_sessions"), type_="foreignkey")
        chats.drop_column("person_session_id")
    op.drop_table("proven_addresses")
    with op.batch_alter_table("mail") as mail:
        mail.drop_index("ix_mail_counted_as_created_at")
        mail.drop_column("counted_as")
