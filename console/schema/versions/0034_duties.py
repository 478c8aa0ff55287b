"""Tax documents that payments make due"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

KIND = sa.Enum(
    "advance_invoice", "final_invoice", "advance_receipt", "advance_refund", "final_receipt", "advance_correction",
    "credit_note", "final_refund", name="dutykind", native_enum=False, length=20,
)  # fmt: skip
STATE = sa.Enum("open", "done", "withdrawn", name="dutystate", native_enum=False, length=20)


def upgrade() -> None:
    op.create_table(
        "duties",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", KIND, nullable=False),
        sa.Column("state", STATE, nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=True),
        sa.Column("proforma_id", sa.Integer(), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("void", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("corrects_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.String(length=60), server_default="", nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["corrects_id"], ["duties.id"], name=op.f("fk_duties_corrects_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_duties_customer_id")),
        sa.ForeignKeyConstraint(["done_by_id"], ["staff.id"], name=op.f("fk_duties_done_by_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entries.id"], name=op.f("fk_duties_entry_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_duties_payment_id")),
        sa.ForeignKeyConstraint(["proforma_id"], ["proformas.id"], name=op.f("fk_duties_proforma_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
        sa.UniqueConstraint("corrects_id", name=op.f("uq_duties_corrects_id")),
        sa.UniqueConstraint("entry_id", "kind", name=op.f("uq_duties_entry_id_kind")),
    )
    op.create_index("ix_duties_state_due_on_id", "duties", ["state", "due_on", "id"])
    op.create_index("ix_duties_due_on_id", "duties", ["due_on", "id"])
    op.create_index("ix_duties_dated_on_id", "duties", ["dated_on", "id"])
    for column in ("payment_id", "proforma_id", "customer_id"):
        op.create_index(op.f(f"ix_duties_{column}"), "duties", [column])
    op.create_index("ix_proformas_total_id", "proformas", ["total", "id"])
    op.create_index("ix_stornos_total_id", "stornos", ["total", "id"])


def downgrade() -> None:
    op.drop_index("ix_stornos_total_id", "stornos")
    op.drop_index("ix_proformas_total_id", "proformas")
    op.drop_table("duties")
