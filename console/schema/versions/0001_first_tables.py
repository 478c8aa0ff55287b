"""First tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from console.core.search import create_search_table, drop_search_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SEARCH_TABLES = ("search_customers", "search_services", "search_domains", "search_proformas")


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("key_id", sa.String(length=12), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entries_action_id", ["action", "id"], unique=False)
        batch_op.create_index("ix_audit_entries_customer_id_id", ["customer_id", "id"], unique=False)
        batch_op.create_index("ix_audit_entries_subject_id", ["subject", "id"], unique=False)

    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("key_id", sa.String(length=12), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind", sa.Enum("person", "company", name="customerkind", native_enum=False, length=20), nullable=False
        ),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("pib", sa.String(length=20), nullable=True),
        sa.Column("mb", sa.String(length=20), nullable=True),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("postcode", sa.String(length=20), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column(
            "tax_status",
            sa.Enum("domestic", "abroad", "exempt", name="taxstatus", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum("active", "suspended", "closed", name="customerstatus", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("external_id", sa.String(length=100), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("external_id", name=op.f("uq_customers_external_id")),
    )
    with op.batch_alter_table("customers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_customers_status"), ["status"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency_keys")),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_keys_created_at"), ["created_at"], unique=False)

    op.create_table(
        "number_series",
        sa.Column("series", sa.String(length=20), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series", "year", name=op.f("pk_number_series")),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=True),
        sa.Column("theme", sa.String(length=10), nullable=True),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("email", name=op.f("uq_people_email")),
    )
    op.create_table(
        "products",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("hosting", "vps", "domain", "ssl", "addon", name="productkind", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("period_months", sa.Integer(), nullable=False),
        sa.Column("tax_bp", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("code", name=op.f("uq_products_code")),
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column(
            "role",
            sa.Enum("agent", "billing", "supervisor", "admin", name="role", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("password_temporary", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=True),
        sa.Column("theme", sa.String(length=10), nullable=True),
        sa.Column("single_keys", sa.Boolean(), nullable=False),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_last_step", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_email")),
    )
    op.create_table(
        "verification_guards",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("failures", sa.JSON(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_verification_guards")),
    )
    with op.batch_alter_table("verification_guards", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verification_guards_updated_at"), ["updated_at"], unique=False)

    op.create_table(
        "mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("template", sa.String(length=60), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("to_address", sa.String(length=254), nullable=False),
        sa.Column("to_name", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column(
            "state", sa.Enum("queued", "sent", "failed", name="mailstate", native_enum=False, length=20), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_mail_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mail_message_id")),
    )
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.create_index("ix_mail_customer_id_id", ["customer_id", "id"], unique=False)
        batch_op.create_index("ix_mail_state_id", ["state", "id"], unique=False)

    op.create_table(
        "memberships",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column(
            "role", sa.Enum("owner", "user", "contact", name="memberrole", native_enum=False, length=20), nullable=False
        ),
        sa.Column("rights", sa.JSON(), nullable=False),
        sa.Column("mail", sa.JSON(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pin_secret", sa.Text(), nullable=True),
        sa.Column("pin_counter", sa.Integer(), nullable=False),
        sa.Column("pin_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pin_failures", sa.Integer(), nullable=False),
        sa.Column("pin_burned_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_memberships_customer_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_memberships_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_memberships_person_id"), ["person_id"], unique=False)
        batch_op.create_index("uq_memberships_customer_id_person_id", ["customer_id", "person_id"], unique=True)
        batch_op.create_index(
            "uq_memberships_owner",
            ["customer_id"],
            unique=True,
            sqlite_where=sa.text("role = 'owner' AND removed_at IS NULL"),
            postgresql_where=sa.text("role = 'owner' AND removed_at IS NULL"),
        )

    op.create_table(
        "person_sessions",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("user_agent", sa.String(length=400), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_person_sessions_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_sessions")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_person_sessions_token_digest")),
    )
    with op.batch_alter_table("person_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_sessions_person_id"), ["person_id"], unique=False)

    op.create_table(
        "services",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=253), nullable=False),
        sa.Column(
            "status",
            sa.Enum("active", "suspended", "expired", "cancelled", name="servicestatus", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column(
            "suspension",
            sa.Enum("unpaid", "abuse", "request", name="suspensionreason", native_enum=False, length=20),
            nullable=True,
        ),
        sa.Column("transfer_locked", sa.Boolean(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("paid_until", sa.Date(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("period_months", sa.Integer(), nullable=False),
        sa.Column("auto_renew", sa.Boolean(), nullable=False),
        sa.Column("hosted_with_id", sa.Integer(), nullable=True),
        sa.Column("external_id", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_services_customer_id")),
        sa.ForeignKeyConstraint(["hosted_with_id"], ["services.id"], name=op.f("fk_services_hosted_with_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_services_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_services")),
        sa.UniqueConstraint("external_id", name=op.f("uq_services_external_id")),
    )
    with op.batch_alter_table("services", schema=None) as batch_op:
        batch_op.create_index("ix_services_customer_id_id", ["customer_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_services_hosted_with_id"), ["hosted_with_id"], unique=False)
        batch_op.create_index("ix_services_paid_until_id", ["paid_until", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_services_product_id"), ["product_id"], unique=False)
        batch_op.create_index("ix_services_status_id", ["status", "id"], unique=False)

    op.create_table(
        "staff_recovery_codes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_recovery_codes_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_recovery_codes")),
    )
    with op.batch_alter_table("staff_recovery_codes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_recovery_codes_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "staff_sessions",
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("user_agent", sa.String(length=400), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_sessions_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_staff_sessions_token_digest")),
    )
    with op.batch_alter_table("staff_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_sessions_staff_id"), ["staff_id"], unique=False)

    op.create_table(
        "domains",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=253), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_domains_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domains")),
        sa.UniqueConstraint("name", name=op.f("uq_domains_name")),
        sa.UniqueConstraint("service_id", name=op.f("uq_domains_service_id")),
    )
    with op.batch_alter_table("domains", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_domains_expires_on"), ["expires_on"], unique=False)

    op.create_table(
        "service_ownerships",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("to_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cause", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_service_ownerships_customer_id")),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_service_ownerships_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_ownerships")),
    )
    with op.batch_alter_table("service_ownerships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_ownerships_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index("ix_service_ownerships_service_id_id", ["service_id", "id"], unique=False)
        batch_op.create_index(
            "uq_service_ownerships_open",
            ["service_id"],
            unique=True,
            sqlite_where=sa.text("to_at IS NULL"),
            postgresql_where=sa.text("to_at IS NULL"),
        )

    op.create_table(
        "verifications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "kind", sa.Enum("pin", "override", name="verificationkind", native_enum=False, length=20), nullable=False
        ),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("membership_id", sa.Integer(), nullable=True),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("rights", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "kind = 'override' OR membership_id IS NOT NULL", name=op.f("ck_verifications_pin_names_a_person")
        ),
        sa.CheckConstraint("kind = 'pin' OR reason IS NOT NULL", name=op.f("ck_verifications_override_has_a_reason")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_verifications_customer_id")),
        sa.ForeignKeyConstraint(["membership_id"], ["memberships.id"], name=op.f("fk_verifications_membership_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_verifications_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
    )
    with op.batch_alter_table("verifications", schema=None) as batch_op:
        batch_op.create_index("ix_verifications_customer_id_id", ["customer_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_verifications_membership_id"), ["membership_id"], unique=False)
        batch_op.create_index("ix_verifications_staff_id_ended_at", ["staff_id", "ended_at"], unique=False)

    op.create_table(
        "migrations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "approved",
                "executed",
                "rejected",
                "withdrawn",
                "expired",
                name="migrationstate",
                native_enum=False,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("from_customer_id", sa.Integer(), nullable=False),
        sa.Column("to_customer_id", sa.Integer(), nullable=False),
        sa.Column("verification_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("plan", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["approved_by_id"], ["staff.id"], name=op.f("fk_migrations_approved_by_id")),
        sa.ForeignKeyConstraint(["ended_by_id"], ["staff.id"], name=op.f("fk_migrations_ended_by_id")),
        sa.ForeignKeyConstraint(["from_customer_id"], ["customers.id"], name=op.f("fk_migrations_from_customer_id")),
        sa.ForeignKeyConstraint(["requested_by_id"], ["staff.id"], name=op.f("fk_migrations_requested_by_id")),
        sa.ForeignKeyConstraint(["to_customer_id"], ["customers.id"], name=op.f("fk_migrations_to_customer_id")),
        sa.ForeignKeyConstraint(["verification_id"], ["verifications.id"], name=op.f("fk_migrations_verification_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migrations")),
    )
    with op.batch_alter_table("migrations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_migrations_from_customer_id"), ["from_customer_id"], unique=False)
        batch_op.create_index("ix_migrations_state_id", ["state", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_migrations_to_customer_id"), ["to_customer_id"], unique=False)

    op.create_table(
        "migration_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("migration_id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["migration_id"], ["migrations.id"], name=op.f("fk_migration_items_migration_id")),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_migration_items_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migration_items")),
        sa.UniqueConstraint("migration_id", "service_id", name=op.f("uq_migration_items_migration_id_service_id")),
    )
    with op.batch_alter_table("migration_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_migration_items_service_id"), ["service_id"], unique=False)
        batch_op.create_index(
            "uq_migration_items_open",
            ["service_id"],
            unique=True,
            sqlite_where=sa.text("open"),
            postgresql_where=sa.text("open"),
        )

    op.create_table(
        "proformas",
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("open", "part_paid", "paid", "cancelled", name="proformastatus", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("tax_note", sa.String(length=20), nullable=True),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("migration_id", sa.Integer(), nullable=True),
        sa.Column("external_id", sa.String(length=100), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("series", sa.String(length=20), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("buyer", sa.JSON(), nullable=False),
        sa.Column("issuer", sa.JSON(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("net + tax = total", name=op.f("ck_proformas_sums")),
        sa.CheckConstraint("paid >= 0 AND paid <= total", name=op.f("ck_proformas_paid_within_total")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_proformas_customer_id")),
        sa.ForeignKeyConstraint(["migration_id"], ["migrations.id"], name=op.f("fk_proformas_migration_id")),
        sa.ForeignKeyConstraint(["source_id"], ["proformas.id"], name=op.f("fk_proformas_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proformas")),
        sa.UniqueConstraint("external_id", name=op.f("uq_proformas_external_id")),
        sa.UniqueConstraint("number", name=op.f("uq_proformas_number")),
        sa.UniqueConstraint("series", "year", "sequence", name=op.f("uq_proformas_series_year_sequence")),
    )
    with op.batch_alter_table("proformas", schema=None) as batch_op:
        batch_op.create_index("ix_proformas_customer_id_status", ["customer_id", "status"], unique=False)
        batch_op.create_index("ix_proformas_due_on_id", ["due_on", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proformas_migration_id"), ["migration_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proformas_source_id"), ["source_id"], unique=False)
        batch_op.create_index("ix_proformas_status_id", ["status", "id"], unique=False)

    op.create_table(
        "proforma_lines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proforma_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.Column("description", sa.String(length=300), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax_bp", sa.Integer(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("source_line_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["proforma_id"], ["proformas.id"], name=op.f("fk_proforma_lines_proforma_id")),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_proforma_lines_service_id")),
        sa.ForeignKeyConstraint(
            ["source_line_id"], ["proforma_lines.id"], name=op.f("fk_proforma_lines_source_line_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proforma_lines")),
        sa.UniqueConstraint("proforma_id", "position", name=op.f("uq_proforma_lines_proforma_id_position")),
    )
    with op.batch_alter_table("proforma_lines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proforma_lines_service_id"), ["service_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_proforma_lines_source_line_id"), ["source_line_id"], unique=False)

    op.create_table(
        "stornos",
        sa.Column("proforma_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("migration_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("series", sa.String(length=20), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("buyer", sa.JSON(), nullable=False),
        sa.Column("issuer", sa.JSON(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_stornos_customer_id")),
        sa.ForeignKeyConstraint(["migration_id"], ["migrations.id"], name=op.f("fk_stornos_migration_id")),
        sa.ForeignKeyConstraint(["proforma_id"], ["proformas.id"], name=op.f("fk_stornos_proforma_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stornos")),
        sa.UniqueConstraint("number", name=op.f("uq_stornos_number")),
        sa.UniqueConstraint("proforma_id", name=op.f("uq_stornos_proforma_id")),
        sa.UniqueConstraint("series", "year", "sequence", name=op.f("uq_stornos_series_year_sequence")),
    )
    with op.batch_alter_table("stornos", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stornos_customer_id"), ["customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_stornos_migration_id"), ["migration_id"], unique=False)
    for table in SEARCH_TABLES:
        create_search_table(op, table)


def downgrade() -> None:
    for table in SEARCH_TABLES:
        drop_search_table(op, table)
    with op.batch_alter_table("stornos", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stornos_migration_id"))
        batch_op.drop_index(batch_op.f("ix_stornos_customer_id"))

    op.drop_table("stornos")
    with op.batch_alter_table("proforma_lines", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_proforma_lines_source_line_id"))
        batch_op.drop_index(batch_op.f("ix_proforma_lines_service_id"))

    op.drop_table("proforma_lines")
    with op.batch_alter_table("proformas", schema=None) as batch_op:
        batch_op.drop_index("ix_proformas_status_id")
        batch_op.drop_index(batch_op.f("ix_proformas_source_id"))
        batch_op.drop_index(batch_op.f("ix_proformas_migration_id"))
        batch_op.drop_index("ix_proformas_due_on_id")
        batch_op.drop_index("ix_proformas_customer_id_status")

    op.drop_table("proformas")
    with op.batch_alter_table("migration_items", schema=None) as batch_op:
        batch_op.drop_index("uq_migration_items_open", sqlite_where=sa.text("open"), postgresql_where=sa.text("open"))
        batch_op.drop_index(batch_op.f("ix_migration_items_service_id"))

    op.drop_table("migration_items")
    with op.batch_alter_table("migrations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_migrations_to_customer_id"))
        batch_op.drop_index("ix_migrations_state_id")
        batch_op.drop_index(batch_op.f("ix_migrations_from_customer_id"))

    op.drop_table("migrations")
    with op.batch_alter_table("verifications", schema=None) as batch_op:
        batch_op.drop_index("ix_verifications_staff_id_ended_at")
        batch_op.drop_index(batch_op.f("ix_verifications_membership_id"))
        batch_op.drop_index("ix_verifications_customer_id_id")

    op.drop_table("verifications")
    with op.batch_alter_table("service_ownerships", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_service_ownerships_open",
            sqlite_where=sa.text("to_at IS NULL"),
            postgresql_where=sa.text("to_at IS NULL"),
        )
        batch_op.drop_index("ix_service_ownerships_service_id_id")
        batch_op.drop_index(batch_op.f("ix_service_ownerships_customer_id"))

    op.drop_table("service_ownerships")
    with op.batch_alter_table("domains", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_domains_expires_on"))

    op.drop_table("domains")
    with op.batch_alter_table("staff_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_sessions_staff_id"))

    op.drop_table("staff_sessions")
    with op.batch_alter_table("staff_recovery_codes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_recovery_codes_staff_id"))

    op.drop_table("staff_recovery_codes")
    with op.batch_alter_table("services", schema=None) as batch_op:
        batch_op.drop_index("ix_services_status_id")
        batch_op.drop_index(batch_op.f("ix_services_product_id"))
        batch_op.drop_index("ix_services_paid_until_id")
        batch_op.drop_index(batch_op.f("ix_services_hosted_with_id"))
        batch_op.drop_index("ix_services_customer_id_id")

    op.drop_table("services")
    with op.batch_alter_table("person_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_sessions_person_id"))

    op.drop_table("person_sessions")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_memberships_owner",
            sqlite_where=sa.text("role = 'owner' AND removed_at IS NULL"),
            postgresql_where=sa.text("role = 'owner' AND removed_at IS NULL"),
        )
        batch_op.drop_index("uq_memberships_customer_id_person_id")
        batch_op.drop_index(batch_op.f("ix_memberships_person_id"))

    op.drop_table("memberships")
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.drop_index("ix_mail_state_id")
        batch_op.drop_index("ix_mail_customer_id_id")

    op.drop_table("mail")
    with op.batch_alter_table("verification_guards", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_verification_guards_updated_at"))

    op.drop_table("verification_guards")
    op.drop_table("staff")
    op.drop_table("products")
    op.drop_table("people")
    op.drop_table("number_series")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_keys_created_at"))

    op.drop_table("idempotency_keys")
    with op.batch_alter_table("customers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_customers_status"))

    op.drop_table("customers")
    op.drop_table("audit_head")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entries_subject_id")
        batch_op.drop_index("ix_audit_entries_customer_id_id")
        batch_op.drop_index("ix_audit_entries_action_id")

    op.drop_table("audit_entries")
