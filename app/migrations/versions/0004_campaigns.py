"""Segments, campaigns and messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "claim",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("lane_id", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("size", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sent", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
    )
    op.create_index("ix_claim_campaign_id_closed_at", "claim", ["campaign_id", "closed_at"], unique=False)
    op.create_index(
        "ix_claim_open", "claim", ["host", "lease_until"], unique=False, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "message",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("permission_event_id", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("tracked", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("address_key", sa.LargeBinary(), nullable=True),
        sa.Column("lane_id", sa.Integer(), nullable=True),
        sa.Column("claim_id", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("smtp_code", sa.SmallInteger(), nullable=True),
        sa.Column("enhanced_code", sa.Text(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("bounce_class", sa.Text(), nullable=True),
        sa.Column("complained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("human_opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("human_opens", sa.Integer(), server_default="0", nullable=False),
        sa.Column("clicks", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'claimed', 'sent', 'deferred', 'failed', 'unknown', 'skipped', 'held_out', 'cancelled')",
            name=op.f("ck_message_state"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", "contact_id", name=op.f("pk_message")),
        postgresql_partition_by="RANGE (campaign_id)",
    )
    op.create_index(
        "ix_message_claim_id",
        "message",
        ["claim_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('claimed', 'unknown')"),
    )
    op.create_index("ix_message_contact_id", "message", ["contact_id", "campaign_id"], unique=False)
    op.create_index(
        "ix_message_deferred",
        "message",
        ["campaign_id", "lane_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'deferred'"),
    )
    op.create_index(
        "ix_message_queued",
        "message",
        ["campaign_id", "lane_id", "contact_id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "segment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("last_count", sa.Integer(), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
        sa.UniqueConstraint("name", name=op.f("uq_segment_name")),
    )
    op.create_table(
        "sending_host",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sending_host")),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("topic_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("objective", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="draft", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("relay_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("launched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'launching', 'sending', 'paused', 'finished', 'cancelled')",
            name=op.f("ck_campaign_status"),
        ),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name=op.f("fk_campaign_brand_id")),
        sa.ForeignKeyConstraint(["relay_id"], ["relay.id"], name=op.f("fk_campaign_relay_id")),
        sa.ForeignKeyConstraint(["sender_id"], ["sender.id"], name=op.f("fk_campaign_sender_id")),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_campaign_topic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_table(
        "lane",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("relay_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["relay_id"], ["relay.id"], name=op.f("fk_lane_relay_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lane")),
        sa.UniqueConstraint("relay_id", "provider", name=op.f("uq_lane_relay_id_provider")),
    )
    op.create_table(
        "campaign_content",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("preheader", sa.Text(), server_default="", nullable=False),
        sa.Column("mjml", sa.Text(), server_default="", nullable=False),
        sa.Column("skeleton", sa.LargeBinary(), nullable=True),
        sa.Column("untracked_skeleton", sa.LargeBinary(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_content_campaign_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "language", name=op.f("pk_campaign_content")),
    )
    op.create_table(
        "campaign_link",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("pieces", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_link_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", "n", name=op.f("pk_campaign_link")),
    )
    op.create_table(
        "campaign_segment",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.CheckConstraint("mode IN ('include', 'exclude')", name=op.f("ck_campaign_segment_mode")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_segment_campaign_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_campaign_segment_segment_id")),
        sa.PrimaryKeyConstraint("campaign_id", "segment_id", name=op.f("pk_campaign_segment")),
    )

    # --- by hand
    op.execute(ENSURE_PARTITION)
    op.execute("SELECT ensure_message_partition(1)")


# A partition holds 64 campaigns (campaigns.models.CAMPAIGNS_PER_PARTITION). Launch and beat call this.
ENSURE_PARTITION = """
CREATE FUNCTION ensure_message_partition(campaign integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first integer := campaign / 64 * 64;
    name text := 'message_p' || first;
BEGIN
    IF to_regclass(name) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('ensure_message_partition'));
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS %I PARTITION OF message FOR VALUES FROM (%s) TO (%s) WITH (fillfactor = 80)',
            name, first, first + 64);
    END IF;
END $$
"""
