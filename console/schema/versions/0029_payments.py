"""Payments, the ledger, and the periods that lines bill"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from console.billing.references import reference_key
from console.core import clock

revision = "0029"
down_revision = "0027"
branch_labels = None
depends_on = None

BATCH = 1_000
STATUS = sa.Enum("active", "suspended", "expired", "cancelled", name="servicestatus", native_enum=False, length=20)
REASON = sa.Enum(
    "unknown", "cancelled", "paid", "amount", "currency", "candidates", "undone",
    name="unmatchedreason", native_enum=False, length=20,
)  # fmt: skip
KIND = sa.Enum(
    "opening", "received", "matched", "credited", "returned", "undone", "credit_used", "released", "refunded",
    "corrected", name="entrykind", native_enum=False, length=20,
)  # fmt: skip
ACCOUNT = sa.Enum("bank", "unmatched", "credit", "document", "adjustment", name="account", native_enum=False, length=20)


def upgrade() -> None:
    op.add_column("customers", sa.Column("credit_first", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("proformas", sa.Column("reference_key", sa.String(40), server_default="", nullable=False))
    _fill_keys()
    op.create_index(op.f("ix_proformas_reference_key"), "proformas", ["reference_key"])
    with op.batch_alter_table("proforma_lines", schema=None) as batch_op:
        batch_op.add_column(sa.Column("period_from", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("period_to", sa.Date(), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_proforma_lines_whole_period"), "(period_from IS NULL) = (period_to IS NULL)"
        )
    _create_periods()
    _create_payments()
    _create_ledger()
    _open_ledger()


def downgrade() -> None:
    op.drop_table("ledger_postings")
    op.drop_table("ledger_entries")
    op.drop_table("payments")
    op.drop_table("billed_periods")
    with op.batch_alter_table("proforma_lines", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_proforma_lines_whole_period"), type_="check")
        batch_op.drop_column("period_to")
        batch_op.drop_column("period_from")
    op.drop_index(op.f("ix_proformas_reference_key"), "proformas")
    op.drop_column("proformas", "reference_key")
    op.drop_column("customers", "credit_first")


def _fill_keys() -> None:
    table = sa.table(
        "proformas",
        sa.column("id", sa.Integer),
        sa.column("reference", sa.String),
        sa.column("reference_key", sa.String),
    )
    set_key = table.update().where(table.c.id == sa.bindparam("row")).values(reference_key=sa.bindparam("key"))
    connection, last = op.get_bind(), 0
    while True:
        query = sa.select(table.c.id, table.c.reference).where(table.c.id > last).order_by(table.c.id).limit(BATCH)
        rows = connection.execute(query).all()
        if not rows:
            return
        connection.execute(set_key, [{"row": row.id, "key": reference_key(row.reference)} for row in rows])
        last = rows[-1].id


def _create_periods() -> None:
    op.create_table(
        "billed_periods",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("proforma_line_id", sa.Integer(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_until_before", sa.Date(), nullable=True),
        sa.Column("status_before", STATUS, nullable=True),
        sa.ForeignKeyConstraint(
            ["proforma_line_id"], ["proforma_lines.id"], name=op.f("fk_billed_periods_proforma_line_id")
        ),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_billed_periods_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billed_periods")),
        sa.UniqueConstraint("proforma_line_id", name=op.f("uq_billed_periods_proforma_line_id")),
        sa.UniqueConstraint("service_id", "starts_on", name=op.f("uq_billed_periods_service_id_starts_on")),
    )


def _create_payments() -> None:
    op.create_table(
        "payments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "source", sa.Enum("manual", "statement", name="paymentsource", native_enum=False, length=20), nullable=False
        ),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("reference_key", sa.String(length=40), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("payer", sa.String(length=200), nullable=False),
        sa.Column("payer_account", sa.String(length=40), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("matched", "unmatched", "returned", "void", name="paymentstate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("unmatched_reason", REASON, nullable=True),
        sa.Column("proforma_id", sa.Integer(), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("statement_line_id", sa.Integer(), nullable=True),
        sa.Column("mail_due", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_positive")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_payments_customer_id")),
        sa.ForeignKeyConstraint(["proforma_id"], ["proformas.id"], name=op.f("fk_payments_proforma_id")),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["staff.id"], name=op.f("fk_payments_recorded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("statement_line_id", name=op.f("uq_payments_statement_line_id")),
    )
    for columns in (
        ["state", "id"],
        ["paid_on", "id"],
        ["customer_id", "id"],
        ["reference_key"],
        ["proforma_id"],
    ):
        op.create_index("_".join(("ix_payments", *columns)), "payments", columns)
    due = sa.text("mail_due")
    op.create_index("ix_payments_mail_due", "payments", ["id"], sqlite_where=due, postgresql_where=due)


def _create_ledger() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", KIND, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("payment_id", sa.Integer(), nullable=True),
        sa.Column("migration_id", sa.Integer(), nullable=True),
        sa.Column("reverses_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["migration_id"], ["migrations.id"], name=op.f("fk_ledger_entries_migration_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_ledger_entries_payment_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["ledger_entries.id"], name=op.f("fk_ledger_entries_reverses_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_ledger_entries_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_ledger_entries_reverses_id")),
    )
    for columns in (["at"], ["migration_id"], ["payment_id", "id"]):
        op.create_index("_".join(("ix_ledger_entries", *columns)), "ledger_entries", columns)
    op.create_table(
        "ledger_postings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("account", ACCOUNT, nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("proforma_id", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_ledger_postings_customer_id")),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entries.id"], name=op.f("fk_ledger_postings_entry_id")),
        sa.ForeignKeyConstraint(["proforma_id"], ["proformas.id"], name=op.f("fk_ledger_postings_proforma_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_postings")),
    )
    for columns in (["customer_id", "currency", "entry_id"], ["proforma_id"], ["entry_id"]):
        op.create_index("_".join(("ix_ledger_postings", *columns)), "ledger_postings", columns)


def _open_ledger() -> None:
    """Write what was paid so far as one opening entry, so that each document's ``paid`` is the sum of its postings."""
    connection = op.get_bind()
    if connection.scalar(sa.text("SELECT 1 FROM proformas WHERE paid > 0 LIMIT 1")) is None:
        return
    entries = sa.table(
        "ledger_entries",
        sa.column("id", sa.Integer),
        sa.column("at", sa.DateTime(timezone=True)),
        sa.column("kind", sa.String),
        sa.column("reason", sa.Text),
    )
    now = clock.now()
    if connection.dialect.name == "sqlite":
        now = now.replace(tzinfo=None)  # as it stores instants: of UTC, without saying so
    connection.execute(entries.insert().values(at=now, kind="opening", reason=""))
    entry = connection.scalar(sa.text("SELECT max(id) FROM ledger_entries"))
    into = "INSERT INTO ledger_postings (entry_id, account, customer_id, proforma_id, currency, amount)"
    for select in (
        "SELECT :entry, 'document', customer_id, id, currency, -paid FROM proformas WHERE paid > 0 ORDER BY id",
        "SELECT :entry, 'adjustment', NULL, NULL, currency, sum(paid) FROM proformas WHERE paid > 0 GROUP BY currency",
    ):
        connection.execute(sa.text(f"{into} {select}").bindparams(entry=entry))
