"""Ratings and reviews"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# A rubric to begin with: name in both languages, what it means, weight. Supervisors edit it.
RUBRIC = (
    (
        "Identitet i poverljivost", "Identity and confidentiality",
        "Pre podataka o nalogu potvrđen je identitet; ništa nije rečeno nekome ko na to nema pravo.",
        "Identity was confirmed before account data; nothing was told to anyone without the right to it.", 3,
    ),
    (
        "Tačnost i rešenje", "Correctness and solution",
        "Uzrok je nađen, odgovor je tačan i pitanje je zaista rešeno.",
        "The cause was found, the answer is right and the question really solved.", 3,
    ),
    (
        "Jasnoća", "Clarity",
        "Kratko, redom, rečima korisnika; jasno je šta sledi.",
        "Short, in order, in the customer’s words; it is clear what comes next.", 2,
    ),
    (
        "Ton", "Tone",
        "Ljubazno i bez okrivljavanja, i kada je pitanje oštro.",
        "Kind and without blame, even where the question is sharp.", 2,
    ),
    (
        "Postupak i beleške", "Procedure and notes",
        "Tiket je u pravom odeljenju i stanju; kolega bi iz beležaka mogao da nastavi.",
        "The ticket is in the right department and state; a colleague could go on from the notes.", 1,
    ),
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "review_criteria",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name_sr", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("about_sr", sa.String(length=300), nullable=False),
        sa.Column("about_en", sa.String(length=300), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_criteria")),
    )
    op.create_table(
        "review_settings",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sample", sa.SmallInteger(), nullable=False),
        sa.Column("drawn_week", sa.String(length=10), nullable=False),
        sa.Column("overrides_seen", sa.Integer(), nullable=False),
        sa.Column("rubric_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_settings")),
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "sample", "rating", "promise", "override", "picked", name="reviewreason", native_enum=False, length=20
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum("waiting", "done", "skipped", name="reviewstate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("verification_id", sa.Integer(), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("department_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("picked_by_id", sa.Integer(), nullable=True),
        sa.Column("remark", sa.String(length=500), nullable=False),
        sa.Column("skip_reason", sa.String(length=500), nullable=False),
        sa.Column("reviewer_id", sa.Integer(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("agent_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "ticket_id IS NOT NULL OR verification_id IS NOT NULL", name=op.f("ck_reviews_about_something")
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["staff.id"], name=op.f("fk_reviews_agent_id")),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("fk_reviews_department_id")),
        sa.ForeignKeyConstraint(["picked_by_id"], ["staff.id"], name=op.f("fk_reviews_picked_by_id")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["staff.id"], name=op.f("fk_reviews_reviewer_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_reviews_ticket_id")),
        sa.ForeignKeyConstraint(["verification_id"], ["verifications.id"], name=op.f("fk_reviews_verification_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("key", name=op.f("uq_reviews_key")),
    )
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.create_index(
            "ix_reviews_answered_id",
            ["id"],
            unique=False,
            sqlite_where=sa.text("answered"),
            postgresql_where=sa.text("answered"),
        )
        batch_op.create_index("ix_reviews_agent_id_state_id", ["agent_id", "state", "id"], unique=False)
        batch_op.create_index("ix_reviews_state_reviewed_at", ["state", "reviewed_at"], unique=False)
        batch_op.create_index("ix_reviews_ticket_id_agent_id", ["ticket_id", "agent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reviews_verification_id"), ["verification_id"], unique=False)
        batch_op.create_index(
            "ix_reviews_waiting_id",
            ["id"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "ticket_ratings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("department_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_ticket_ratings_one_to_five")),
        sa.ForeignKeyConstraint(["agent_id"], ["staff.id"], name=op.f("fk_ticket_ratings_agent_id")),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("fk_ticket_ratings_department_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.id"], name=op.f("fk_ticket_ratings_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_ratings")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_ticket_ratings_ticket_id")),
    )
    with op.batch_alter_table("ticket_ratings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_ratings_agent_id"), ["agent_id"], unique=False)
        batch_op.create_index("ix_ticket_ratings_at", ["at"], unique=False)

    op.create_table(
        "review_answers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_review_answers_review_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_review_answers_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_answers")),
        sa.UniqueConstraint("review_id", "client_id", name=op.f("uq_review_answers_review_id_client_id")),
    )
    op.create_table(
        "review_quotes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("remark", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["ticket_messages.id"], name=op.f("fk_review_quotes_message_id")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_review_quotes_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_quotes")),
        sa.UniqueConstraint("review_id", "message_id", name=op.f("uq_review_quotes_review_id_message_id")),
    )
    op.create_table(
        "review_scores",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("criterion_id", sa.Integer(), nullable=False),
        sa.Column("name_sr", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("points", sa.SmallInteger(), nullable=True),
        sa.CheckConstraint("points BETWEEN 0 AND 4", name=op.f("ck_review_scores_known_points")),
        sa.ForeignKeyConstraint(["criterion_id"], ["review_criteria.id"], name=op.f("fk_review_scores_criterion_id")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_review_scores_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_scores")),
        sa.UniqueConstraint("review_id", "criterion_id", name=op.f("uq_review_scores_review_id_criterion_id")),
    )
    with op.batch_alter_table("ticket_promises", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ticket_promises_broken_at",
            ["broken_at"],
            unique=False,
            sqlite_where=sa.text("broken_at IS NOT NULL"),
            postgresql_where=sa.text("broken_at IS NOT NULL"),
        )

    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.create_index("ix_tickets_created_at", ["created_at"], unique=False)

    settings = sa.table(
        "review_settings", *map(sa.column, ("id", "sample", "drawn_week", "overrides_seen", "rubric_version"))
    )
    op.bulk_insert(settings, [{"id": 1, "sample": 2, "drawn_week": "", "overrides_seen": 0, "rubric_version": 0}])
    names = ("name_sr", "name_en", "about_sr", "about_en", "weight")
    criteria = sa.table("review_criteria", *map(sa.column, (*names, "position", "active")))
    rows = [dict(zip(names, row, strict=True)) for row in RUBRIC]
    op.bulk_insert(criteria, [{**row, "position": place, "active": True} for place, row in enumerate(rows, 1)])


def downgrade() -> None:
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.drop_index("ix_tickets_created_at")

    with op.batch_alter_table("ticket_promises", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_ticket_promises_broken_at",
            sqlite_where=sa.text("broken_at IS NOT NULL"),
            postgresql_where=sa.text("broken_at IS NOT NULL"),
        )

    op.drop_table("review_scores")
    op.drop_table("review_quotes")
    op.drop_table("review_answers")
    with op.batch_alter_table("ticket_ratings", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_ratings_at")
        batch_op.drop_index(batch_op.f("ix_ticket_ratings_agent_id"))

    op.drop_table("ticket_ratings")
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_reviews_waiting_id",
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )
        batch_op.drop_index(
            "ix_reviews_answered_id",
            sqlite_where=sa.text("answered"),
            postgresql_where=sa.text("answered"),
        )
        batch_op.drop_index(batch_op.f("ix_reviews_verification_id"))
        batch_op.drop_index("ix_reviews_ticket_id_agent_id")
        batch_op.drop_index("ix_reviews_state_reviewed_at")
        batch_op.drop_index("ix_reviews_agent_id_state_id")

    op.drop_table("reviews")
    op.drop_table("review_settings")
    op.drop_table("review_criteria")
