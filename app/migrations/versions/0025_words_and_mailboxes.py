"""Words that people agreed to are never changed, only succeeded: the database holds it, too. And whose mailbox a
request is about, however its address is spelled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE TRIGGER wording_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wording"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    # Requests of before stay without: they are counted for a month at most.
    for table in ("sign_up", "address_change"):
        op.add_column(table, sa.Column("mailbox_key", sa.LargeBinary(), nullable=True))
        op.create_index(f"ix_{table}_mailbox_key_created_at", table, ["mailbox_key", "created_at"])
