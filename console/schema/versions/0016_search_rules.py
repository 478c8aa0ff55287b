"""By which rules the search tables were written"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


# What stands in the search tables is made again by ``console init-db``, after the last revision: it reads the tables
# as the models know them, which a revision must not (console.reindexing). Its name keeps it out of comparisons.
def upgrade() -> None:
    op.create_table("search_rules", sa.Column("rules", sa.String(length=80), nullable=False))
    op.execute("INSERT INTO search_rules (rules) VALUES ('1')")


def downgrade() -> None:
    op.drop_table("search_rules")
