"""Merging contacts who are the same person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("merged_into", sa.BigInteger(), nullable=True))
    op.add_column("contact", sa.Column("merged_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(op.f("fk_contact_merged_into"), "contact", "contact", ["merged_into"], ["id"])
    op.create_check_constraint(
        op.f("ck_contact_merged_at_with_merged_into"), "contact", "(merged_into IS NULL) = (merged_at IS NULL)"
    )
    op.create_check_constraint(op.f("ck_contact_merged_into_another"), "contact", "merged_into <> id")
    op.create_index(
        "ix_contact_merged_into", "contact", ["merged_into"], postgresql_where=sa.text("merged_into IS NOT NULL")
    )
    # Nothing wrote this table before.
    op.drop_constraint(op.f("pk_contact_alias"), "contact_alias", type_="primary")
    op.add_column("contact_alias", sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False))
    op.create_primary_key(op.f("pk_contact_alias"), "contact_alias", ["id"])
    op.add_column(
        "contact_alias",
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("contact_alias", sa.Column("merged_by", sa.BigInteger(), nullable=True))
    op.add_column("contact_alias", sa.Column("undone_by", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_contact_alias_alias_id"), "contact_alias", "contact", ["alias_id"], ["id"])
    op.create_check_constraint(op.f("ck_contact_alias_another"), "contact_alias", "alias_id <> contact_id")
    op.create_index(op.f("ix_contact_alias_contact_id"), "contact_alias", ["contact_id"])
    op.create_index(
        "uq_contact_alias_alias_id",
        "contact_alias",
        ["alias_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
