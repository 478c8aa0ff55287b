"""Domains of addresses in the one spelling they are looked up by"""

from __future__ import annotations

import idna
import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS = {
    "people": "email",
    "staff": "email",
    "tickets": "requester_email",
    "chats": "email",
    "chat_blocks": "email",
}


# An address whose domain has other letters was kept as it was typed; it is asked for in Punycode now.
def upgrade() -> None:
    bind = op.get_bind()
    strange = "{} GLOB '*[^ -~]*'" if bind.dialect.name == "sqlite" else "{} ~ '[^ -~]'"
    for name, column in _COLUMNS.items():
        table = sa.table(name, sa.column("id"), sa.column(column))
        kept = table.c[column]
        rows = bind.execute(sa.select(table.c.id, kept).where(sa.text(strange.format(column)))).all()
        for key, email in rows:
            spelled = _spelled(email)
            taken = name in ("people", "staff") and bind.scalar(sa.select(table.c.id).where(kept == spelled))
            if not taken:  # whoever has both keeps both; the older one is then found no more
                bind.execute(sa.update(table).where(table.c.id == key).values({column: spelled}))


def downgrade() -> None:
    """Both spellings are the same address."""


def _spelled(email: str) -> str:
    local, at, domain = email.rpartition("@")
    try:
        return f"{local}{at}{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return email
