"""The tables of SLA targets under the field's names"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

MAILS = {"promises_at_risk": "sla_targets_at_risk", "promises_broken": "sla_targets_missed"}
EVENTS = {"promise_at_risk": "sla_target_at_risk", "promise_broken": "sla_target_missed"}
KINDS = sa.Enum("first_answer", "next_answer", "solution", name="targetkind", native_enum=False, length=20)
POLICY = ("id", "department_id", "priority", "first_answer", "next_answer", "solution")
HEAD = ("id", "revision", "hours_revision")
TARGET = (
    "id", "ticket_id", "kind", "goal", "started_at", "due_at", "risk_at", "met_at", "broken_at", "warned_at",
    "escalated_at", "paused_since", "spent", "pauses", "revision",
)  # fmt: skip


def upgrade() -> None:
    _create("sla_policies", "sla_revision", "sla_targets")
    _move("promise_rules", "sla_policies", POLICY)
    _move("promise_head", "sla_revision", HEAD)
    _move("ticket_promises", "sla_targets", TARGET)
    _rename(MAILS, EVENTS, {"promise": "sla_target"})


def downgrade() -> None:
    _create("promise_rules", "promise_head", "ticket_promises")
    _move("sla_policies", "promise_rules", POLICY)
    _move("sla_revision", "promise_head", HEAD)
    _move("sla_targets", "ticket_promises", TARGET)
    _rename(_back(MAILS), _back(EVENTS), {"sla_target": "promise"})


def _create(policies: str, head: str, targets: str) -> None:
    op.create_table(
        head,
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("hours_revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{head}")),
    )
    op.create_table(
        policies,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("first_answer", sa.Integer(), nullable=True),
        sa.Column("next_answer", sa.Integer(), nullable=True),
        sa.Column("solution", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f(f"fk_{policies}_department_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{policies}")),
        sa.UniqueConstraint("department_id", "priority", name=op.f(f"uq_{policies}_department_id_priority")),
    )
    everywhere = sa.text("department_id IS NULL")
    op.create_index(
        f"uq_{policies}_everywhere",
        policies,
        ["priority"],
        unique=True,
        sqlite_where=everywhere,
        postgresql_where=everywhere,
    )
    op.create_table(
        targets,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("kind", KINDS, nullable=False),
        sa.Column("goal", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=True)
            for name in ("due_at", "risk_at", "met_at", "broken_at", "warned_at", "escalated_at", "paused_since")
        ),
        sa.Column("spent", sa.Integer(), nullable=True),
        sa.Column("pauses", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f(f"fk_{targets}_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{targets}")),
        sa.UniqueConstraint("ticket_id", "kind", "started_at", name=op.f(f"uq_{targets}_ticket_id_kind_started_at")),
    )
    for columns, condition in (
        (["risk_at", "due_at"], "met_at IS NULL"),
        (["revision", "ticket_id"], "met_at IS NULL"),
        (["kind", "started_at"], None),
        (["broken_at"], "broken_at IS NOT NULL"),
    ):
        where = None if condition is None else sa.text(condition)
        name = "_".join(("ix", targets, *columns))
        op.create_index(name, targets, columns, sqlite_where=where, postgresql_where=where)


def _move(old: str, new: str, columns: tuple[str, ...]) -> None:
    names = ", ".join(columns)
    op.execute(f"INSERT INTO {new} ({names}) SELECT {names} FROM {old}")  # noqa: S608  (our own names)
    op.drop_table(old)
    if op.get_bind().dialect.name == "postgresql" and not new.endswith(("head", "sla_revision")):
        counter = f"pg_get_serial_sequence('{new}', 'id')"
        op.execute(f"SELECT setval({counter}, max(id)) FROM {new} HAVING max(id) IS NOT NULL")  # noqa: S608


def _rename(mails: dict[str, str], events: dict[str, str], reasons: dict[str, str]) -> None:
    """Rename what rows call a mail, an event and a review's reason. The audit log keeps what was written into it."""
    for old, new in mails.items():
        op.execute(sa.text("UPDATE mail SET template = :new WHERE template = :old").bindparams(old=old, new=new))
    for old, new in events.items():
        op.execute(sa.text("UPDATE ticket_messages SET event = :new WHERE event = :old").bindparams(old=old, new=new))
    for old, new in reasons.items():
        op.execute(
            sa.text(
                "UPDATE reviews SET reason = :new, key = :new || substr(key, length(:old) + 1) WHERE reason = :old"
            ).bindparams(old=old, new=new)
        )


def _back(names: dict[str, str]) -> dict[str, str]:
    return {new: old for old, new in names.items()}
