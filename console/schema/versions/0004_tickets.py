"""Departments, tickets, verification cards"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from console.core.search import create_ranked_table, drop_search_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What a hosting company has on its first day; a supervisor may change them.
DEPARTMENTS = (
    ("technical", "Tehnička podrška", "Technical support", True, False),
    ("accounting", "Računovodstvo", "Accounting", True, False),
    ("sales", "Prodaja", "Sales", False, False),
    ("abuse", "Zloupotrebe", "Abuse", False, True),
)


def upgrade() -> None:
    op.create_table(
        "departments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name_sr", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("verified_only", sa.Boolean(), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departments")),
        sa.UniqueConstraint("key", name=op.f("uq_departments_key")),
    )
    op.create_table(
        "department_members",
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_department_members_department_id")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_department_members_staff_id")),
        sa.PrimaryKeyConstraint("department_id", "staff_id", name=op.f("pk_department_members")),
    )
    with op.batch_alter_table("department_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_department_members_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "ticket_views",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_ticket_views_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_views")),
    )
    with op.batch_alter_table("ticket_views", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_views_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "tickets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("requester_name", sa.String(length=120), nullable=False),
        sa.Column("requester_email", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("open", "waiting", "hold", "solved", "closed", name="ticketstatus", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column(
            "source",
            sa.Enum("agent", "web", "mail", "chat", name="ticketsource", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("last_by", sa.String(length=20), nullable=False),
        sa.Column("preview", sa.String(length=160), nullable=False),
        sa.Column("first_answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("solved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("merged_into_id", sa.Integer(), nullable=True),
        sa.Column(
            "status_before_merge",
            sa.Enum("open", "waiting", "hold", "solved", "closed", name="ticketstatus", native_enum=False, length=20),
            nullable=True,
        ),
        sa.Column("link_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["assignee_id"], ["staff.id"], name=op.f("fk_tickets_assignee_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_tickets_customer_id")),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("fk_tickets_department_id")),
        sa.ForeignKeyConstraint(["merged_into_id"], ["tickets.id"], name=op.f("fk_tickets_merged_into_id")),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_tickets_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
    )
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.create_index(
            "ix_tickets_assignee_id_is_open_updated_at_id", ["assignee_id", "is_open", "updated_at", "id"], unique=False
        )
        batch_op.create_index("ix_tickets_customer_id_id", ["customer_id", "id"], unique=False)
        batch_op.create_index(
            "ix_tickets_department_id_is_open_updated_at_id",
            ["department_id", "is_open", "updated_at", "id"],
            unique=False,
        )
        batch_op.create_index("ix_tickets_is_open_due_at_id", ["is_open", "due_at", "id"], unique=False)
        batch_op.create_index("ix_tickets_is_open_priority_id", ["is_open", "priority", "id"], unique=False)
        batch_op.create_index("ix_tickets_is_open_updated_at_id", ["is_open", "updated_at", "id"], unique=False)
        batch_op.create_index(
            "ix_tickets_merged_into_id",
            ["merged_into_id"],
            unique=False,
            sqlite_where=sa.text("merged_into_id IS NOT NULL"),
            postgresql_where=sa.text("merged_into_id IS NOT NULL"),
        )
        batch_op.create_index("ix_tickets_requester_email_id", ["requester_email", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_service_id"), ["service_id"], unique=False)
        batch_op.create_index("ix_tickets_solved_at", ["solved_at"], unique=False)
        batch_op.create_index("ix_tickets_status_updated_at_id", ["status", "updated_at", "id"], unique=False)
        batch_op.create_index("ix_tickets_updated_at_id", ["updated_at", "id"], unique=False)

    op.create_table(
        "ticket_drafts",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("question", "reply", "note", "event", name="messagekind", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_ticket_drafts_staff_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_drafts_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "staff_id", "kind", name=op.f("pk_ticket_drafts")),
    )
    op.create_table(
        "ticket_links",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("related", "follow_up", "split", name="linkkind", native_enum=False, length=20),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["other_id"], ["tickets.id"], name=op.f("fk_ticket_links_other_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_links_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "other_id", name=op.f("pk_ticket_links")),
    )
    with op.batch_alter_table("ticket_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_links_other_id"), ["other_id"], unique=False)

    op.create_table(
        "ticket_messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("question", "reply", "note", "event", name="messagekind", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mail_id", sa.Integer(), nullable=True),
        sa.Column("via", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["mail.id"], name=op.f("fk_ticket_messages_mail_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_ticket_messages_staff_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_messages_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_messages")),
        sa.UniqueConstraint("ticket_id", "client_id", name=op.f("uq_ticket_messages_ticket_id_client_id")),
        sa.UniqueConstraint("ticket_id", "seq", name=op.f("uq_ticket_messages_ticket_id_seq")),
    )
    with op.batch_alter_table("ticket_messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_messages_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "ticket_reads",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("mention_seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_ticket_reads_staff_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_reads_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "staff_id", name=op.f("pk_ticket_reads")),
    )
    with op.batch_alter_table("ticket_reads", schema=None) as batch_op:
        batch_op.create_index("ix_ticket_reads_staff_id_ticket_id", ["staff_id", "ticket_id"], unique=False)

    op.create_table(
        "ticket_tags",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_tags_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "tag", name=op.f("pk_ticket_tags")),
    )
    with op.batch_alter_table("ticket_tags", schema=None) as batch_op:
        batch_op.create_index("ix_ticket_tags_tag_ticket_id", ["tag", "ticket_id"], unique=False)

    op.create_table(
        "ticket_watchers",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_ticket_watchers_staff_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_watchers_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "staff_id", name=op.f("pk_ticket_watchers")),
    )
    with op.batch_alter_table("ticket_watchers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_watchers_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "verification_cards",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verification_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_verification_cards_staff_id")),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verifications.id"], name=op.f("fk_verification_cards_verification_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_cards")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_verification_cards_token_digest")),
    )
    with op.batch_alter_table("verification_cards", schema=None) as batch_op:
        batch_op.create_index("ix_verification_cards_channel_id", ["channel", "id"], unique=False)

    op.create_table(
        "ticket_attachments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("content_type", sa.String(length=80), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["ticket_messages.id"], name=op.f("fk_ticket_attachments_message_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_ticket_attachments_staff_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_attachments_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_attachments")),
    )
    with op.batch_alter_table("ticket_attachments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_attachments_digest"), ["digest"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_attachments_message_id"), ["message_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_attachments_ticket_id"), ["ticket_id"], unique=False)

    departments = sa.table(
        "departments",
        *(sa.column(name) for name in ("key", "name_sr", "name_en", "verified_only", "private", "active", "position")),
    )
    op.bulk_insert(
        departments,
        [
            {
                "key": key,
                "name_sr": serbian,
                "name_en": english,
                "verified_only": verified_only,
                "private": private,
                "active": True,
                "position": position,
            }
            for position, (key, serbian, english, verified_only, private) in enumerate(DEPARTMENTS, 1)
        ],
    )
    create_ranked_table(op, "search_tickets")


def downgrade() -> None:
    drop_search_table(op, "search_tickets")

    with op.batch_alter_table("ticket_attachments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_attachments_ticket_id"))
        batch_op.drop_index(batch_op.f("ix_ticket_attachments_message_id"))
        batch_op.drop_index(batch_op.f("ix_ticket_attachments_digest"))

    op.drop_table("ticket_attachments")
    with op.batch_alter_table("verification_cards", schema=None) as batch_op:
        batch_op.drop_index("ix_verification_cards_channel_id")

    op.drop_table("verification_cards")
    with op.batch_alter_table("ticket_watchers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_watchers_staff_id"))

    op.drop_table("ticket_watchers")
    with op.batch_alter_table("ticket_tags", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_tags_tag_ticket_id")

    op.drop_table("ticket_tags")
    with op.batch_alter_table("ticket_reads", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_reads_staff_id_ticket_id")

    op.drop_table("ticket_reads")
    with op.batch_alter_table("ticket_messages", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_messages_staff_id"))

    op.drop_table("ticket_messages")
    with op.batch_alter_table("ticket_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_links_other_id"))

    op.drop_table("ticket_links")
    op.drop_table("ticket_drafts")
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.drop_index("ix_tickets_updated_at_id")
        batch_op.drop_index("ix_tickets_status_updated_at_id")
        batch_op.drop_index("ix_tickets_solved_at")
        batch_op.drop_index(batch_op.f("ix_tickets_service_id"))
        batch_op.drop_index("ix_tickets_requester_email_id")
        batch_op.drop_index(
            "ix_tickets_merged_into_id",
            sqlite_where=sa.text("merged_into_id IS NOT NULL"),
            postgresql_where=sa.text("merged_into_id IS NOT NULL"),
        )
        batch_op.drop_index("ix_tickets_is_open_updated_at_id")
        batch_op.drop_index("ix_tickets_is_open_priority_id")
        batch_op.drop_index("ix_tickets_is_open_due_at_id")
        batch_op.drop_index("ix_tickets_department_id_is_open_updated_at_id")
        batch_op.drop_index("ix_tickets_customer_id_id")
        batch_op.drop_index("ix_tickets_assignee_id_is_open_updated_at_id")

    op.drop_table("tickets")
    with op.batch_alter_table("ticket_views", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_views_staff_id"))

    op.drop_table("ticket_views")
    with op.batch_alter_table("department_members", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_department_members_staff_id"))

    op.drop_table("department_members")
    op.drop_table("departments")
