"""Mailboxes that are read by IMAP: their accounts, how reading does, messages that cannot be fetched"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mailboxes") as batch:
        batch.add_column(sa.Column("name", sa.String(length=80), nullable=False, server_default=""))
        batch.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("mailboxes") as batch:
        batch.alter_column("name", existing_type=sa.String(length=80), server_default=None)
    op.create_table(
        "imap_accounts",
        sa.Column("mailbox_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column(
            "tls", sa.Enum("tls", "starttls", "none", name="imaptls", native_enum=False, length=20), nullable=False
        ),
        sa.Column("user", sa.String(length=254), nullable=False),
        sa.Column("folder", sa.String(length=200), nullable=False),
        sa.Column(
            "sign_in", sa.Enum("password", "oauth2", name="signin", native_enum=False, length=20), nullable=False
        ),
        sa.Column("sealed_password", sa.Text(), nullable=True),
        sa.Column("token_url", sa.String(length=500), nullable=False),
        sa.Column("client_id", sa.String(length=300), nullable=False),
        sa.Column("sealed_client_secret", sa.Text(), nullable=True),
        sa.Column("sealed_refresh_token", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailboxes.id"], name=op.f("fk_imap_accounts_mailbox_id")),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_imap_accounts")),
    )
    op.create_table(
        "imap_states",
        sa.Column("mailbox_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("old_below", sa.BigInteger(), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=True),
        sa.Column("last_uid", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.String(length=80), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailboxes.id"], name=op.f("fk_imap_states_mailbox_id")),
        sa.PrimaryKeyConstraint("mailbox_id", name=op.f("pk_imap_states")),
    )
    op.create_table(
        "imap_unread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mailbox_id", sa.Integer(), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("incoming_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["incoming_id"], ["incoming_mail.id"], name=op.f("fk_imap_unread_incoming_id")),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailboxes.id"], name=op.f("fk_imap_unread_mailbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imap_unread")),
        sa.UniqueConstraint(
            "mailbox_id", "uid_validity", "uid", name=op.f("uq_imap_unread_mailbox_id_uid_validity_uid")
        ),
    )


def downgrade() -> None:
    op.drop_table("imap_unread")
    op.drop_table("imap_states")
    op.drop_table("imap_accounts")
    with op.batch_alter_table("mailboxes") as batch:
        batch.drop_column("deleted_at")
        batch.drop_column("name")
