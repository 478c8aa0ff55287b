"""Names in Serbian order: a key to sort by"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from console.core.sorting import KEY, sort_key
from console.hosting.models import domain_key

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BATCH = 1_000
KEYS: dict[str, Callable[[str], str]] = {"customers": sort_key, "staff": sort_key, "domains": domain_key}


def upgrade() -> None:
    for name, key in KEYS.items():
        # With a default it is added in place, on both databases: the table is not written a second time.
        op.add_column(name, sa.Column("name_key", KEY, server_default="", nullable=False))
        _fill(name, key)
        op.create_index(f"ix_{name}_name_key_id", name, ["name_key", "id"])


def downgrade() -> None:
    for name in KEYS:
        op.drop_index(f"ix_{name}_name_key_id", name)
        op.drop_column(name, "name_key")


def _fill(name: str, key: Callable[[str], str]) -> None:
    table = sa.table(name, sa.column("id", sa.Integer), sa.column("name", sa.String), sa.column("name_key", KEY))
    set_key = table.update().where(table.c.id == sa.bindparam("row")).values(name_key=sa.bindparam("key"))
    connection, last = op.get_bind(), 0
    while True:
        query = sa.select(table.c.id, table.c.name).where(table.c.id > last).order_by(table.c.id).limit(BATCH)
        rows = connection.execute(query).all()
        if not rows:
            return
        connection.execute(set_key, [{"row": row.id, "key": key(row.name)} for row in rows])
        last = rows[-1].id
