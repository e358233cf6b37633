"""What is to be covered on scans of paper lists because somebody on them was erased, and the covered scan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "paper_list", sa.Column("to_cover", sa.ARRAY(sa.Integer()), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column("paper_list", sa.Column("covered_at", sa.DateTime(timezone=True)))
    op.add_column("paper_list", sa.Column("covered_sha256", sa.LargeBinary()))
