"""The register of processing: what the controller adds, and who runs the relays, where."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "register_text",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_register_text")),
    )
    op.add_column("relay", sa.Column("operator", sa.Text(), server_default="", nullable=False))
    op.add_column("relay", sa.Column("country", sa.Text(), server_default="", nullable=False))
    op.create_check_constraint(op.f("ck_relay_country"), "relay", "country ~ '^([A-Z]{2})?$'")
