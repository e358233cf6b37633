"""Imports that can be undone and tell what they would change; when a file's knowledge of somebody dates from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact", sa.Column("known_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("contact", sa.Column("batch_id", sa.BigInteger(), nullable=True))
    op.add_column("import_batch", sa.Column("preview", postgresql.JSONB(), server_default="[]", nullable=False))
    op.add_column("import_batch", sa.Column("undone", postgresql.JSONB(), server_default="{}", nullable=False))
    op.drop_constraint(op.f("ck_import_batch_status"), "import_batch")
    op.create_check_constraint(
        op.f("ck_import_batch_status"),
        "import_batch",
        "status IN ('waiting', 'running', 'stopping', 'stopped', 'done', 'failed', 'undoing', 'undone')",
    )
    op.create_table(
        "import_change",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("changes", postgresql.JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batch.id"], name=op.f("fk_import_change_batch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("batch_id", "contact_id", name=op.f("pk_import_change")),
    )
    op.create_index("ix_import_change_contact_id", "import_change", ["contact_id"])
