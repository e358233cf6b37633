"""Anchors of the permission ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_anchor",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chains", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("lengths", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_ledger_anchor_number")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_anchor")),
    )
    op.execute("ALTER TABLE ledger_anchor ALTER COLUMN lengths SET STORAGE EXTERNAL")  # it is compressed already
    op.execute(
        "CREATE TRIGGER ledger_anchor_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_anchor"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
