"""Fields say who may see and edit them, where they come from, how long they are kept, and what files call them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("field", sa.Column("subscriber_may_see", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("field", sa.Column("staff_may_edit", sa.Boolean(), server_default="true", nullable=False))
    op.add_column("field", sa.Column("origin", sa.Text(), server_default="", nullable=False))
    op.add_column("field", sa.Column("keep_days", sa.Integer(), nullable=True))
    op.add_column("field", sa.Column("titles", sa.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.create_check_constraint(op.f("ck_field_keep_days"), "field", "keep_days > 0")
