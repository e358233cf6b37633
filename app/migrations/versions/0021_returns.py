"""Which message a mail that came in is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("inbound_mail", sa.Column("campaign_id", sa.Integer(), nullable=True))
    op.add_column("inbound_mail", sa.Column("contact_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_inbound_mail_contact_id"), "inbound_mail", ["contact_id"], unique=False)
