"""Permission over time, folded from the ledger by day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    counts = ("gained", "withdrawn", "expired", "objected", "complained", "purged", "moved_in", "moved_out")
    op.create_table(
        "permission_day",
        sa.Column("topic_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("form_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        sa.PrimaryKeyConstraint("topic_id", "day", "level", "basis", "form_id", name=op.f("pk_permission_day")),
    )
    op.create_table(
        "permission_fold",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("folded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_permission_fold_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permission_fold")),
    )
