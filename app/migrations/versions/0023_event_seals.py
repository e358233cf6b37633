"""Seals: what raw events that are gone said; raw events of people who were erased before go, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_seal",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("link_n", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "contact_id", "kind", "label", "link_n", name=op.f("pk_event_seal")),
    )
    op.add_column("rollup", sa.Column("sealed", sa.Integer(), server_default="0", nullable=False))
    op.add_column("conversion", sa.Column("sealed", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("conversion", sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(CLICKED)
    op.alter_column("conversion", "clicked_at", nullable=False)
    op.execute(SEAL_ERASED)


# The click that an order was credited for; of a refund, that of its order.
CLICKED = """
UPDATE conversion c SET clicked_at = coalesce(
    (SELECT max(e.at) FROM event e
     WHERE e.campaign_id = c.campaign_id AND e.contact_id = c.contact_id AND e.kind = 'click'
         AND e.label IN ('human', 'repeat') AND e.at BETWEEN bought.at - interval '5 days' AND bought.at),
    c.credited_at)
FROM "order" o JOIN "order" bought ON bought.id = coalesce(o.refunds, o.id)
WHERE o.id = c.order_id
"""

SEAL_ERASED = """
INSERT INTO job (name, queue, args, due_at)
SELECT 'tracking.seal_person', 'upkeep', jsonb_build_array(id), now() FROM contact WHERE erased_at IS NOT NULL
"""
