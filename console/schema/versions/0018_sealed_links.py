"""Links that open something are sealed in the outbox"""

from __future__ import annotations

import json
import re
from typing import Any

import sqlalchemy as sa
from alembic import op

from console.core.context import sealer, settings

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BATCH = 500
SECRET = re.compile(r"/(?:t|v|reset)/([A-Za-z0-9_.~=-]{16,})")
_MAIL = sa.table(
    "mail",
    *(sa.column(name, sa.String) for name in ("state", "text", "html", "sealed_links")),
    sa.column("id", sa.Integer),
    sa.column("private", sa.Boolean),
)


def upgrade() -> None:
    op.add_column("mail", sa.Column("sealed_links", sa.Text(), nullable=True))
    demo = settings().demo  # nothing has left: its mailbox shows them
    for row in _rows(_MAIL.c.private):
        secrets = sorted({found.rstrip(".") for part in (row.text, row.html) for found in SECRET.findall(part)})
        marks = {f"Link-{row.id:024x}{place:08x}": secret for place, secret in enumerate(secrets)}
        if not marks:
            continue
        waits = demo or row.state in ("queued", "failed")
        sealed = sealer().seal(json.dumps(marks).encode()) if waits else None
        _put(row, {secret: mark for mark, secret in marks.items()}, sealed_links=sealed)


def downgrade() -> None:
    for row in _rows(_MAIL.c.sealed_links.is_not(None)):
        _put(row, json.loads(sealer().open(row.sealed_links)), sealed_links=None)
    op.drop_column("mail", "sealed_links")


def _rows(condition: Any) -> Any:
    last = 0
    while True:
        query = sa.select(_MAIL).where(condition, _MAIL.c.id > last).order_by(_MAIL.c.id).limit(BATCH)
        rows = op.get_bind().execute(query).all()
        yield from rows
        if len(rows) < BATCH:
            return
        last = rows[-1].id


def _put(row: Any, changes: dict[str, str], **values: Any) -> None:
    text, html = row.text, row.html
    for old, new in changes.items():
        text, html = text.replace(old, new), html.replace(old, new)
    op.execute(_MAIL.update().where(_MAIL.c.id == row.id).values(text=text, html=html, **values))
