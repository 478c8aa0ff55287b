"""What is hosted together belongs to one account; who stays behind in a migration"""

from __future__ import annotations

import logging

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

LOG = logging.getLogger("alembic.runtime.migration")
NUMBER_BASE = 1000

_TORN = sa.text(
    "SELECT hosted.id, host.id FROM services AS hosted JOIN services AS host ON host.id = hosted.hosted_with_id "
    "WHERE host.customer_id <> hosted.customer_id ORDER BY hosted.id"
)


def upgrade() -> None:
    _cut_torn_links()
    with op.batch_alter_table("services", schema=None) as batch_op:
        batch_op.drop_index("ix_services_customer_id_id")
        batch_op.create_index("ix_services_customer_id_id", ["customer_id", "id"], unique=True)
        batch_op.drop_constraint(op.f("fk_services_hosted_with_id"), type_="foreignkey")
    with op.batch_alter_table("services", schema=None) as batch_op:
        batch_op.create_foreign_key(
            op.f("fk_services_customer_id_hosted_with_id"),
            "services",
            ["customer_id", "hosted_with_id"],
            ["customer_id", "id"],
        )
    with op.batch_alter_table("migrations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("left_behind", sa.JSON(), server_default="[]", nullable=False))
    with op.batch_alter_table("migration_items", schema=None) as batch_op:
        batch_op.add_column(sa.Column("along", sa.Boolean(), server_default=sa.false(), nullable=False))


def _cut_torn_links() -> None:
    """Cut links that earlier migrations left between two accounts, and say which."""
    for hosted, host in op.get_bind().execute(_TORN).all():
        LOG.warning(
            "U-%d was hosted with U-%d of another account; the link is cut", NUMBER_BASE + hosted, NUMBER_BASE + host
        )
        op.get_bind().execute(sa.text("UPDATE services SET hosted_with_id = NULL WHERE id = :id"), {"id": hosted})


def downgrade() -> None:
    with op.batch_alter_table("migration_items", schema=None) as batch_op:
        batch_op.drop_column("along")
    with op.batch_alter_table("migrations", schema=None) as batch_op:
        batch_op.drop_column("left_behind")
    with op.batch_alter_table("services", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_services_customer_id_hosted_with_id"), type_="foreignkey")
        batch_op.create_foreign_key(op.f("fk_services_hosted_with_id"), "services", ["hosted_with_id"], ["id"])
    with op.batch_alter_table("services", schema=None) as batch_op:
        batch_op.drop_index("ix_services_customer_id_id")
        batch_op.create_index("ix_services_customer_id_id", ["customer_id", "id"], unique=False)
