"""Migrations, requests and quotes of the portal"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

IN_PORTAL = "staff_id IS NOT NULL OR channel = 'portal'"


def upgrade() -> None:
    with op.batch_alter_table("verifications", schema=None) as batch_op:
        batch_op.alter_column("staff_id", existing_type=sa.Integer(), nullable=True)
        batch_op.create_check_constraint(op.f("ck_verifications_staff_unless_in_portal"), IN_PORTAL)
    with op.batch_alter_table("migrations", schema=None) as batch_op:
        batch_op.alter_column("requested_by_id", existing_type=sa.Integer(), nullable=True)
    op.create_table(
        "quotes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "sent", "accepted", "declined", "withdrawn", "expired", name="quotestate", native_enum=False, length=20
            ),
            nullable=False,
        ),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("tax_note", sa.String(length=20), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_by_id", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["answered_by_id"], ["memberships.id"], name=op.f("fk_quotes_answered_by_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_quotes_customer_id")),
        sa.ForeignKeyConstraint(["sent_by_id"], ["staff.id"], name=op.f("fk_quotes_sent_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotes")),
    )
    op.create_index("ix_quotes_customer_id_id", "quotes", ["customer_id", "id"])
    op.create_index("ix_quotes_state_id", "quotes", ["state", "id"])
    op.create_table(
        "quote_lines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("quote_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=True),
        sa.Column("description", sa.String(length=300), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax_bp", sa.Integer(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_quote_lines_product_id")),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.id"], name=op.f("fk_quote_lines_quote_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quote_lines")),
    )
    op.create_index(op.f("ix_quote_lines_quote_id"), "quote_lines", ["quote_id"])
    op.create_table(
        "service_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "order", "change", "cancellation", "password", "quote", name="requestkind", native_enum=False, length=20
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum("open", "done", "refused", name="requeststate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.Column("quote_id", sa.Integer(), nullable=True),
        sa.Column("requested_by_id", sa.Integer(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("product", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_service_requests_customer_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["staff.id"], name=op.f("fk_service_requests_ended_by_id")),
        sa.ForeignKeyConstraint(["quote_id"], ["quotes.id"], name=op.f("fk_service_requests_quote_id")),
        sa.ForeignKeyConstraint(
            ["requested_by_id"], ["memberships.id"], name=op.f("fk_service_requests_requested_by_id")
        ),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_service_requests_service_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_service_requests_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_requests")),
        sa.UniqueConstraint("quote_id", name=op.f("uq_service_requests_quote_id")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_service_requests_ticket_id")),
    )
    op.create_index("ix_service_requests_customer_id_id", "service_requests", ["customer_id", "id"])
    op.create_index(
        "uq_service_requests_open",
        "service_requests",
        ["service_id", "kind"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    op.drop_table("service_requests")
    op.drop_table("quote_lines")
    op.drop_table("quotes")
    # What began in the portal has no member of staff: it is told as begun by the first of them.
    first = "(SELECT min(id) FROM staff)"
    op.execute(f"UPDATE migrations SET requested_by_id = {first} WHERE requested_by_id IS NULL")  # noqa: S608
    op.execute(f"UPDATE verifications SET staff_id = {first} WHERE staff_id IS NULL")  # noqa: S608
    with op.batch_alter_table("migrations", schema=None) as batch_op:
        batch_op.alter_column("requested_by_id", existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table("verifications", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_verifications_staff_unless_in_portal"), type_="check")
        batch_op.alter_column("staff_id", existing_type=sa.Integer(), nullable=False)
