"""Bank statements and their lines"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bank_statements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("file", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=140), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=True),
        sa.Column("closing", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum("importing", "imported", "stopped", name="statementstate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("unmatched", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("outgoing", sa.Integer(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by_id", sa.Integer(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.CheckConstraint("taken >= 0 AND taken <= lines", name=op.f("ck_bank_statements_taken_within_lines")),
        sa.ForeignKeyConstraint(["imported_by_id"], ["staff.id"], name=op.f("fk_bank_statements_imported_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statements")),
        sa.UniqueConstraint("digest", "place", name=op.f("uq_bank_statements_digest_place")),
    )
    op.create_index(op.f("ix_bank_statements_account"), "bank_statements", ["account"])
    op.create_index(op.f("ix_bank_statements_file"), "bank_statements", ["file"])
    op.create_index("ix_bank_statements_closed_on_id", "bank_statements", ["closed_on", "id"])
    op.create_index("ix_bank_statements_state_id", "bank_statements", ["state", "id"])
    op.create_table(
        "bank_lines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("statement_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("first_id", sa.Integer(), nullable=True),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("model", sa.String(length=2), nullable=False),
        sa.Column("payer", sa.String(length=140), nullable=False),
        sa.Column("payer_account", sa.String(length=40), nullable=False),
        sa.Column("purpose", sa.String(length=300), nullable=False),
        sa.Column("bank_id", sa.String(length=60), nullable=False),
        sa.CheckConstraint("(fingerprint IS NULL) <> (first_id IS NULL)", name=op.f("ck_bank_lines_known_or_new")),
        sa.ForeignKeyConstraint(["first_id"], ["bank_lines.id"], name=op.f("fk_bank_lines_first_id")),
        sa.ForeignKeyConstraint(["statement_id"], ["bank_statements.id"], name=op.f("fk_bank_lines_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_lines")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_bank_lines_fingerprint")),
        sa.UniqueConstraint("statement_id", "position", name=op.f("uq_bank_lines_statement_id_position")),
    )
    op.create_index(op.f("ix_bank_lines_first_id"), "bank_lines", ["first_id"])
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.create_foreign_key(op.f("fk_payments_statement_line_id"), "bank_lines", ["statement_line_id"], ["id"])


def downgrade() -> None:
    op.execute("UPDATE payments SET statement_line_id = NULL")
    with op.batch_alter_table("payments", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_payments_statement_line_id"), type_="foreignkey")
    op.drop_table("bank_lines")
    op.drop_table("bank_statements")
