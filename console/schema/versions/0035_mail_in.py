"""Mailboxes, the ledger of received mail, signed reply addresses, people of a ticket besides its requester"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blocked_senders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pattern", sa.String(length=254), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_blocked_senders_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocked_senders")),
        sa.UniqueConstraint("pattern", name=op.f("uq_blocked_senders_pattern")),
    )
    op.create_table(
        "mailboxes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("fk_mailboxes_department_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailboxes")),
        sa.UniqueConstraint("key", name=op.f("uq_mailboxes_key")),
    )
    op.create_table(
        "ticket_participants",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("added_by", sa.Integer(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["added_by"], ["staff.id"], name=op.f("fk_ticket_participants_added_by")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_participants_ticket_id")),
        sa.PrimaryKeyConstraint("ticket_id", "address", name=op.f("pk_ticket_participants")),
    )
    op.create_index(op.f("ix_ticket_participants_address"), "ticket_participants", ["address"], unique=False)

    op.create_table(
        "incoming_mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("raw_file", sa.String(length=64), nullable=True),
        sa.Column("sealed_key", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("via", sa.String(length=20), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "ticket",
                "waiting",
                "ignored",
                "spam",
                "failed",
                name="incomingstate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "person",
                "auto_reply",
                "automatic",
                "list",
                "no_reply",
                "own",
                "bounce",
                "unreadable",
                name="incomingkind",
                native_enum=False,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column(
            "proof", sa.Enum("passed", "failed", "none", name="proof", native_enum=False, length=20), nullable=False
        ),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.String(length=300), nullable=False),
        sa.Column("from_address", sa.String(length=254), nullable=False),
        sa.Column("from_name", sa.String(length=120), nullable=False),
        sa.Column("copies", sa.JSON(), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("story", sa.JSON(), nullable=False),
        sa.Column("duplicate_of_id", sa.Integer(), nullable=True),
        sa.Column("bounced_id", sa.Integer(), nullable=True),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("ticket_message_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["bounced_id"], ["mail.id"], name=op.f("fk_incoming_mail_bounced_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_incoming_mail_decided_by")),
        sa.ForeignKeyConstraint(
            ["duplicate_of_id"], ["incoming_mail.id"], name=op.f("fk_incoming_mail_duplicate_of_id")
        ),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailboxes.id"], name=op.f("fk_incoming_mail_mailbox_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_incoming_mail_ticket_id")),
        sa.ForeignKeyConstraint(
            ["ticket_message_id"], ["ticket_messages.id"], name=op.f("fk_incoming_mail_ticket_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incoming_mail")),
        sa.UniqueConstraint("mailbox_id", "digest", name=op.f("uq_incoming_mail_mailbox_id_digest")),
    )
    op.create_index("ix_incoming_mail_bounced_id", "incoming_mail", ["bounced_id"], unique=False)
    op.create_index("ix_incoming_mail_fingerprint", "incoming_mail", ["fingerprint"], unique=False)
    op.create_index(
        "ix_incoming_mail_from_address_received_at", "incoming_mail", ["from_address", "received_at"], unique=False
    )
    op.create_index("ix_incoming_mail_kind_id", "incoming_mail", ["kind", "id"], unique=False)
    op.create_index("ix_incoming_mail_message_id", "incoming_mail", ["message_id"], unique=False)
    op.create_index("ix_incoming_mail_received_at", "incoming_mail", ["received_at"], unique=False)
    op.create_index("ix_incoming_mail_state_id", "incoming_mail", ["state", "id"], unique=False)
    op.create_index("ix_incoming_mail_ticket_id_id", "incoming_mail", ["ticket_id", "id"], unique=False)

    op.create_table(
        "stopped_addresses",
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("incoming_id", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("diagnostic", sa.String(length=300), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["incoming_id"], ["incoming_mail.id"], name=op.f("fk_stopped_addresses_incoming_id")),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_stopped_addresses")),
    )
    op.create_index(op.f("ix_stopped_addresses_incoming_id"), "stopped_addresses", ["incoming_id"], unique=False)

    op.add_column("mail", sa.Column("reply_to", sa.String(length=254), nullable=True))


def downgrade() -> None:
    op.drop_column("mail", "reply_to")

    op.drop_index(op.f("ix_stopped_addresses_incoming_id"), "stopped_addresses")

    op.drop_table("stopped_addresses")
    op.drop_index("ix_incoming_mail_ticket_id_id", "incoming_mail")
    op.drop_index("ix_incoming_mail_state_id", "incoming_mail")
    op.drop_index("ix_incoming_mail_received_at", "incoming_mail")
    op.drop_index("ix_incoming_mail_message_id", "incoming_mail")
    op.drop_index("ix_incoming_mail_kind_id", "incoming_mail")
    op.drop_index("ix_incoming_mail_from_address_received_at", "incoming_mail")
    op.drop_index("ix_incoming_mail_fingerprint", "incoming_mail")
    op.drop_index("ix_incoming_mail_bounced_id", "incoming_mail")

    op.drop_table("incoming_mail")
    op.drop_index(op.f("ix_ticket_participants_address"), "ticket_participants")

    op.drop_table("ticket_participants")
    op.drop_table("mailboxes")
    op.drop_table("blocked_senders")
