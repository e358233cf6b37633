"""Lists of people, the history of a segment's count, categories of links, and indexes for segments on orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign_link", sa.Column("category", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "segment_count",
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segment.id"], name=op.f("fk_segment_count_segment_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("segment_id", "at", name=op.f("pk_segment_count")),
    )
    op.create_table(
        "people_list",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("segment_id", sa.BigInteger(), nullable=True),
        sa.Column("people", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unknown", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('snapshot', 'upload')", name=op.f("ck_people_list_kind")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_people_list_segment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_list")),
        sa.UniqueConstraint("name", name=op.f("uq_people_list_name")),
    )
    op.create_table(
        "people_list_member",
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["people_list.id"], name=op.f("fk_people_list_member_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("list_id", "contact_id", name=op.f("pk_people_list_member")),
    )
    op.create_index(op.f("ix_people_list_member_contact_id"), "people_list_member", ["contact_id"], unique=False)
    op.create_index(
        "ix_order_items",
        "order",
        ["items"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"items": "jsonb_path_ops"},
    )
