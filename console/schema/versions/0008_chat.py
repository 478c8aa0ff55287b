"""Live chat"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chat_settings",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "assignment", sa.Enum("pull", "push", name="assignment", native_enum=False, length=20), nullable=False
        ),
        sa.Column("capacity", sa.SmallInteger(), nullable=False),
        sa.Column("wait_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("notice_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("limit_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("grace_seconds", sa.SmallInteger(), nullable=False),
        sa.Column("announcement_sr", sa.String(length=300), nullable=False),
        sa.Column("announcement_en", sa.String(length=300), nullable=False),
        sa.Column("announced_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_settings")),
    )
    op.create_table(
        "chat_blocks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_chat_blocks_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_blocks")),
    )
    with op.batch_alter_table("chat_blocks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chat_blocks_email"), ["email"], unique=False)
        batch_op.create_index(batch_op.f("ix_chat_blocks_source"), ["source"], unique=False)
    op.create_table(
        "staff_presence",
        sa.Column("staff_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "state", sa.Enum("available", "busy", "away", name="presence", native_enum=False, length=20), nullable=False
        ),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_presence_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_staff_presence")),
    )
    with op.batch_alter_table("staff_presence", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_presence_seen_at"), ["seen_at"], unique=False)
    op.create_table(
        "chats",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("open_key", sa.String(length=64), nullable=False),
        sa.Column("token_version", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("queued", "active", "closed", "ticketed", name="chatstatus", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("verified_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_name", sa.String(length=120), nullable=True),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("page", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waits_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("last_by", sa.String(length=20), nullable=False),
        sa.Column("unanswered_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("preview", sa.String(length=160), nullable=False),
        sa.Column("seen_by_visitor", sa.Integer(), nullable=False),
        sa.Column("seen_by_staff", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=20), nullable=True),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("rating", sa.SmallInteger(), nullable=True),
        sa.Column("rating_comment", sa.Text(), nullable=False),
        sa.Column("rated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("transcript_mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_chats_one_to_five")),
        sa.ForeignKeyConstraint(["assignee_id"], ["staff.id"], name=op.f("fk_chats_assignee_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_chats_customer_id")),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("fk_chats_department_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_chats_person_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_chats_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chats")),
        sa.UniqueConstraint("open_key", name=op.f("uq_chats_open_key")),
    )
    with op.batch_alter_table("chats", schema=None) as batch_op:
        batch_op.create_index("ix_chats_assignee_id_status", ["assignee_id", "status"], unique=False)
        batch_op.create_index("ix_chats_customer_id_id", ["customer_id", "id"], unique=False)
        batch_op.create_index("ix_chats_email_id", ["email", "id"], unique=False)
        batch_op.create_index("ix_chats_ended_at", ["ended_at"], unique=False)
        batch_op.create_index("ix_chats_source_created_at", ["source", "created_at"], unique=False)
        batch_op.create_index("ix_chats_status_id", ["status", "id"], unique=False)
        batch_op.create_index(
            "ix_chats_status_waits_since",
            ["status", "waits_since"],
            unique=False,
            sqlite_where=sa.text("status IN ('queued', 'active')"),
            postgresql_where=sa.text("status IN ('queued', 'active')"),
        )
        batch_op.create_index(batch_op.f("ix_chats_ticket_id"), ["ticket_id"], unique=False)
    op.create_table(
        "chat_drafts",
        sa.Column("chat_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("visitor", "reply", "note", "event", name="messagekind", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["chat_id"], ["chats.id"], name=op.f("fk_chat_drafts_chat_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_chat_drafts_staff_id")),
        sa.PrimaryKeyConstraint("chat_id", "staff_id", name=op.f("pk_chat_drafts")),
    )
    op.create_table(
        "chat_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chat_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("content_type", sa.String(length=80), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["chat_id"], ["chats.id"], name=op.f("fk_chat_files_chat_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_chat_files_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_files")),
    )
    with op.batch_alter_table("chat_files", schema=None) as batch_op:
        batch_op.create_index("ix_chat_files_chat_id_seq", ["chat_id", "seq"], unique=False)
        batch_op.create_index(batch_op.f("ix_chat_files_digest"), ["digest"], unique=False)
    op.create_table(
        "chat_messages",
        sa.Column("chat_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "kind",
            sa.Enum("visitor", "reply", "note", "event", name="messagekind", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("client_key", sa.String(length=90), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["chat_id"], ["chats.id"], name=op.f("fk_chat_messages_chat_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_chat_messages_staff_id")),
        sa.PrimaryKeyConstraint("chat_id", "seq", name=op.f("pk_chat_messages")),
        sa.UniqueConstraint("chat_id", "client_key", name=op.f("uq_chat_messages_chat_id_client_key")),
    )
    with op.batch_alter_table("verifications", schema=None) as batch_op:
        batch_op.create_index(
            "ix_verifications_channel",
            ["channel"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
    settings = sa.table(
        "chat_settings",
        *map(
            sa.column,
            (
                "id",
                "assignment",
                "capacity",
                "wait_minutes",
                "notice_minutes",
                "limit_minutes",
                "grace_seconds",
                "announcement_sr",
                "announcement_en",
                "revision",
            ),
        ),
    )
    op.bulk_insert(
        settings,
        [
            {
                "id": 1,
                "assignment": "pull",
                "capacity": 5,
                "wait_minutes": 5,
                "notice_minutes": 15,
                "limit_minutes": 30,
                "grace_seconds": 45,
                "announcement_sr": "",
                "announcement_en": "",
                "revision": 1,
            }
        ],
    )


def downgrade() -> None:
    with op.batch_alter_table("verifications", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_verifications_channel",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
    op.drop_table("chat_messages")
    with op.batch_alter_table("chat_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_chat_files_digest"))
        batch_op.drop_index("ix_chat_files_chat_id_seq")
    op.drop_table("chat_files")
    op.drop_table("chat_drafts")
    with op.batch_alter_table("chats", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_chats_ticket_id"))
        batch_op.drop_index(
            "ix_chats_status_waits_since",
            sqlite_where=sa.text("status IN ('queued', 'active')"),
            postgresql_where=sa.text("status IN ('queued', 'active')"),
        )
        batch_op.drop_index("ix_chats_status_id")
        batch_op.drop_index("ix_chats_source_created_at")
        batch_op.drop_index("ix_chats_ended_at")
        batch_op.drop_index("ix_chats_email_id")
        batch_op.drop_index("ix_chats_customer_id_id")
        batch_op.drop_index("ix_chats_assignee_id_status")
    op.drop_table("chats")
    with op.batch_alter_table("staff_presence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_presence_seen_at"))
    op.drop_table("staff_presence")
    with op.batch_alter_table("chat_blocks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_chat_blocks_source"))
        batch_op.drop_index(batch_op.f("ix_chat_blocks_email"))
    op.drop_table("chat_blocks")
    op.drop_table("chat_settings")
