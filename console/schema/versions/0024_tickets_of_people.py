"""Tickets opened by a person who was signed in, how far people have read, and a person's past chats"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

KNOWN = sa.text("person_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "ticket_person_reads",
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_person_reads_ticket_id_tickets")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_ticket_person_reads_person_id_people")),
        sa.PrimaryKeyConstraint("ticket_id", "person_id", name=op.f("pk_ticket_person_reads")),
    )
    op.create_index(op.f("ix_ticket_person_reads_person_id"), "ticket_person_reads", ["person_id"])
    with op.batch_alter_table("tickets") as batch_op:
        batch_op.add_column(sa.Column("person_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_tickets_person_id_people"), "people", ["person_id"], ["id"])
        batch_op.create_index("ix_tickets_person_id", ["person_id"], sqlite_where=KNOWN, postgresql_where=KNOWN)
    op.create_index("ix_chats_person_id_id", "chats", ["person_id", "id"], sqlite_where=KNOWN, postgresql_where=KNOWN)


def downgrade() -> None:
    op.drop_index("ix_chats_person_id_id", table_name="chats")
    with op.batch_alter_table("tickets") as batch_op:
        batch_op.drop_index("ix_tickets_person_id")
        batch_op.drop_constraint(op.f("fk_tickets_person_id_people"), type_="foreignkey")
        batch_op.drop_column("person_id")
    op.drop_table("ticket_person_reads")
