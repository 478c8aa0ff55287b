"""Discounts and notes on pro-formas, drafts of quotes, reminders, suspension requests"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

SUSPENSION = sa.Enum("open", "done", "declined", name="suspensionstate", native_enum=False, length=20)


def upgrade() -> None:
    op.add_column("proformas", sa.Column("note", sa.Text(), nullable=False, server_default=""))
    op.add_column("proforma_lines", sa.Column("discount", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("proforma_lines", sa.Column("discount_bp", sa.Integer(), nullable=True))
    _quotes_have_drafts()
    op.create_table(
        "proforma_reminders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proforma_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("sent_on", sa.Date(), nullable=False),
        sa.Column("sent_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["proforma_id"], ["proformas.id"], name=op.f("fk_proforma_reminders_proforma_id")),
        sa.ForeignKeyConstraint(["sent_by_id"], ["staff.id"], name=op.f("fk_proforma_reminders_sent_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proforma_reminders")),
        sa.UniqueConstraint("proforma_id", "step", name=op.f("uq_proforma_reminders_proforma_id_step")),
    )
    op.create_table(
        "suspension_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("proforma_id", sa.Integer(), nullable=False),
        sa.Column("state", SUSPENSION, nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_suspension_requests_service_id")),
        sa.ForeignKeyConstraint(["proforma_id"], ["proformas.id"], name=op.f("fk_suspension_requests_proforma_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["staff.id"], name=op.f("fk_suspension_requests_decided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspension_requests")),
        sa.UniqueConstraint("service_id", "proforma_id", name=op.f("uq_suspension_requests_service_id_proforma_id")),
    )
    op.create_index(op.f("ix_suspension_requests_proforma_id"), "suspension_requests", ["proforma_id"])
    op.create_index("ix_suspension_requests_state_id", "suspension_requests", ["state", "id"])


def downgrade() -> None:
    op.drop_table("suspension_requests")
    op.drop_table("proforma_reminders")
    # What was sent goes on as it did; a draft was never sent, and there is no place for it.
    drafts = "SELECT id FROM quotes WHERE state = 'draft'"
    op.execute(f"DELETE FROM quote_lines WHERE quote_id IN ({drafts})")  # noqa: S608
    op.execute("DELETE FROM quotes WHERE state = 'draft'")
    with op.batch_alter_table("quotes") as quotes:
        quotes.drop_constraint("uq_quotes_proforma_id", type_="unique")
        quotes.drop_constraint("fk_quotes_proforma_id", type_="foreignkey")
        quotes.drop_column("proforma_id")
        quotes.drop_column("changed_at")
        quotes.alter_column("sent_at", existing_type=sa.DateTime(timezone=True), nullable=False)
    with op.batch_alter_table("proforma_lines") as lines:
        lines.drop_column("discount_bp")
        lines.drop_column("discount")
    with op.batch_alter_table("proformas") as proformas:
        proformas.drop_column("note")


def _quotes_have_drafts() -> None:
    with op.batch_alter_table("quotes") as quotes:
        quotes.add_column(sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
        quotes.add_column(sa.Column("proforma_id", sa.Integer(), nullable=True))
        quotes.alter_column("sent_at", existing_type=sa.DateTime(timezone=True), nullable=True)
        quotes.create_foreign_key("fk_quotes_proforma_id", "proformas", ["proforma_id"], ["id"])
        quotes.create_unique_constraint("uq_quotes_proforma_id", ["proforma_id"])
    op.execute("UPDATE quotes SET changed_at = sent_at")
    with op.batch_alter_table("quotes") as quotes:
        quotes.alter_column("changed_at", existing_type=sa.DateTime(timezone=True), nullable=False)
