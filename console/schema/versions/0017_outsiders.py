"""What mail was counted as, and which addresses were proven"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mail") as mail:
        mail.add_column(sa.Column("counted_as", sa.String(length=340), nullable=True))
        mail.create_index("ix_mail_counted_as_created_at", ["counted_as", "created_at"])
    op.create_table(
        "proven_addresses",
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("proven_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_proven_addresses")),
    )
    op.create_index("ix_proven_addresses_proven_at", "proven_addresses", ["proven_at"])


def downgrade() -> None:
    op.drop_table("proven_addresses")
    with op.batch_alter_table("mail") as mail:
        mail.drop_index("ix_mail_counted_as_created_at")
        mail.drop_column("counted_as")
