"""The subscriber's own pages: pauses, reasons for leaving, access links, changes of address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pause",
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("brand_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contact_id", "brand_id", name=op.f("pk_pause")),
    )
    op.create_table(
        "leaving_reason",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("reason ~ '^[a-z_]+$'", name=op.f("ck_leaving_reason_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leaving_reason")),
        sa.UniqueConstraint(
            "contact_id", "brand_id", "campaign_id", name=op.f("uq_leaving_reason_contact_id_brand_id_campaign_id")
        ),
    )
    op.create_index("ix_leaving_reason_created_at", "leaving_reason", ["created_at"])
    op.create_table(
        "access_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("ip", postgresql.INET(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_request")),
    )
    op.create_index("ix_access_request_address_key_created_at", "access_request", ["address_key", "created_at"])
    op.create_index("ix_access_request_ip_created_at", "access_request", ["ip", "created_at"])
    op.create_table(
        "address_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("former_key", sa.LargeBinary(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_change")),
    )
    op.create_index(op.f("ix_address_change_contact_id"), "address_change", ["contact_id"])
    op.create_index("ix_address_change_address_key_created_at", "address_change", ["address_key", "created_at"])
    op.drop_constraint(op.f("ck_permission_event_subject"), "permission_event")
    op.create_check_constraint(
        op.f("ck_permission_event_subject"),
        "permission_event",
        "subject IN ('topic', 'tracking', 'marketing', 'brand', 'contact')",
    )
