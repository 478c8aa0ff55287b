"""Words of chats"""

from __future__ import annotations

from alembic import op

from console.core.search import create_ranked_table, drop_search_table

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_ranked_table(op, "search_chats")
    with op.batch_alter_table("chats", schema=None) as batch_op:
        batch_op.create_index("ix_chats_created_at", ["created_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("chats", schema=None) as batch_op:
        batch_op.drop_index("ix_chats_created_at")
    drop_search_table(op, "search_chats")
