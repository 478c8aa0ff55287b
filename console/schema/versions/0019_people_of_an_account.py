"""Contacts and invitations of an account, when a session was confirmed, until when a person is on hold"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

CONTACT = {"contact_name": 120, "phone": 40, "address": 200, "city": 100, "postcode": 20}


def upgrade() -> None:
    with op.batch_alter_table("memberships") as memberships:
        for name, length in CONTACT.items():
            memberships.add_column(sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
    with op.batch_alter_table("memberships") as memberships:
        for name in CONTACT:
            memberships.alter_column(name, server_default=None)
    op.add_column("people", sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("person_sessions", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    sessions = sa.table("person_sessions", sa.column("confirmed_at"), sa.column("created_at"))
    op.execute(sessions.update().values(confirmed_at=sessions.c.created_at))
    with op.batch_alter_table("person_sessions") as person_sessions:
        person_sessions.alter_column("confirmed_at", nullable=False, existing_type=sa.DateTime(timezone=True))
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("rights", sa.JSON(), nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("membership_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_invitations_customer_id_customers")),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["memberships.id"], name=op.f("fk_invitations_invited_by_id_memberships")
        ),
        sa.ForeignKeyConstraint(
            ["membership_id"], ["memberships.id"], name=op.f("fk_invitations_membership_id_memberships")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    op.create_index("ix_invitations_customer_id_id", "invitations", ["customer_id", "id"])


def downgrade() -> None:
    op.drop_table("invitations")
    op.drop_column("person_sessions", "confirmed_at")
    op.drop_column("people", "held_until")
    with op.batch_alter_table("memberships") as memberships:
        for name in CONTACT:
            memberships.drop_column(name)
