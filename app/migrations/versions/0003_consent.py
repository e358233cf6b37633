"""Permission: topics, ledger, sign-up, suppression."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "permission",
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("topic_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("address_key", sa.LargeBinary(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('never_asked', 'pending', 'granted', 'withdrawn', 'expired')", name=op.f("ck_permission_state")
        ),
        sa.PrimaryKeyConstraint("contact_id", "topic_id", name=op.f("pk_permission")),
    )
    op.create_index(
        "ix_permission_expires_at",
        "permission",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("expires_at IS NOT NULL AND state IN ('pending', 'granted')"),
    )
    op.create_index(
        "ix_permission_topic_id_contact_id",
        "permission",
        ["topic_id", "contact_id"],
        unique=False,
        postgresql_where=sa.text("state = 'granted'"),
    )
    op.create_table(
        "permission_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("topic_id", sa.BigInteger(), nullable=True),
        sa.Column("brand_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("address_key", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wording_id", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("form_id", sa.BigInteger(), nullable=True),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("evidence_digest", sa.LargeBinary(), nullable=True),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("action ~ '^[a-z_]+$'", name=op.f("ck_permission_event_action")),
        sa.CheckConstraint(
            "actor IN ('subscriber', 'staff', 'import', 'system')", name=op.f("ck_permission_event_actor")
        ),
        sa.CheckConstraint(
            "basis IN ('consent', 'soft_opt_in', 'b2b_interest', 'implied_purchase', 'implied_inquiry')",
            name=op.f("ck_permission_event_basis"),
        ),
        sa.CheckConstraint("language ~ '^[A-Za-z-]+$'", name=op.f("ck_permission_event_language")),
        sa.CheckConstraint(
            "level IN ('opt_out', 'passive', 'opt_in', 'confirmed')", name=op.f("ck_permission_event_level")
        ),
        sa.CheckConstraint(
            "state IN ('never_asked', 'pending', 'granted', 'withdrawn', 'expired')",
            name=op.f("ck_permission_event_state"),
        ),
        sa.CheckConstraint(
            "subject IN ('topic', 'tracking', 'marketing', 'contact')", name=op.f("ck_permission_event_subject")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permission_event")),
        sa.UniqueConstraint("contact_id", "seq", name=op.f("uq_permission_event_contact_id_seq")),
    )
    op.create_table(
        "permission_evidence",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_permission_evidence")),
    )
    op.create_table(
        "suppression",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address_key", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), server_default="all", nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=True),
        sa.Column("topic_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(kind = 'address') = (address_key IS NOT NULL)", name=op.f("ck_suppression_address")),
        sa.CheckConstraint("kind IN ('address', 'domain', 'pattern')", name=op.f("ck_suppression_kind")),
        sa.CheckConstraint(
            "reason IN ('hard_bounce', 'soft_bounces', 'complaint', 'objection', 'erasure', 'manual', 'import')",
            name=op.f("ck_suppression_reason"),
        ),
        sa.CheckConstraint("scope IN ('all', 'brand', 'topic')", name=op.f("ck_suppression_scope")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
    )
    op.create_index(
        "ix_suppression_address_key",
        "suppression",
        ["address_key"],
        unique=False,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_index(
        "ix_suppression_value",
        "suppression",
        ["value"],
        unique=False,
        postgresql_where=sa.text("lifted_at IS NULL AND value IS NOT NULL"),
    )
    op.create_table(
        "tracking_permission",
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "brand_id", name=op.f("pk_tracking_permission")),
    )
    op.create_table(
        "form",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("topic_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("asks_tracking", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("redirect_url", sa.Text(), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_form_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form")),
        sa.UniqueConstraint("slug", name=op.f("uq_form_slug")),
    )
    op.create_table(
        "topic",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("description", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("purpose", sa.Text(), server_default="marketing", nullable=False),
        sa.Column("accepts", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("public", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_topic_brand_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topic")),
        sa.UniqueConstraint("slug", name=op.f("uq_topic_slug")),
    )
    op.create_table(
        "sign_up",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("form_id", sa.BigInteger(), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("topic_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("tracking", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("ip", postgresql.INET(), nullable=True),
        sa.Column("user_agent", sa.Text(), server_default="", nullable=False),
        sa.Column("page", sa.Text(), server_default="", nullable=False),
        sa.Column("wordings", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_sign_up_brand_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_sign_up_contact_id")),
        sa.ForeignKeyConstraint(["form_id"], ["form.id"], name=op.f("fk_sign_up_form_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_up")),
    )
    op.create_index("ix_sign_up_address_key_created_at", "sign_up", ["address_key", "created_at"], unique=False)
    op.create_index(op.f("ix_sign_up_contact_id"), "sign_up", ["contact_id"], unique=False)
    op.create_index("ix_sign_up_domain_created_at", "sign_up", ["domain", "created_at"], unique=False)
    op.create_index("ix_sign_up_ip_created_at", "sign_up", ["ip", "created_at"], unique=False)
    op.create_table(
        "wording",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("form_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["form_id"], ["form.id"], name=op.f("fk_wording_form_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wording")),
        sa.UniqueConstraint(
            "form_id",
            "kind",
            "language",
            "version",
            name=op.f("uq_wording_form_id_kind_language_version"),
            postgresql_nulls_not_distinct=True,
        ),
    )

    # --- by hand
    op.execute(
        "CREATE TRIGGER permission_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON permission_event"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
