"""Re-permission: campaigns that ask people whether they still want to be written to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("campaign", sa.Column("kind", sa.Text(), server_default="mailing", nullable=False))
    op.create_check_constraint(op.f("ck_campaign_kind"), "campaign", "kind IN ('mailing', 'repermission')")
    op.create_table(
        "repermission",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("per_day", sa.Integer(), nullable=False),
        sa.Column("answer_days", sa.Integer(), nullable=False),
        sa.Column("ends_within_days", sa.Integer(), nullable=True),
        sa.Column("weaker", sa.Boolean(), nullable=False),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.Column("quiet_months", sa.Integer(), nullable=True),
        sa.Column("max_complaints", sa.Float(), nullable=False),
        sa.Column("max_bounces", sa.Float(), nullable=False),
        sa.Column("min_sample", sa.Integer(), nullable=False),
        sa.Column("next_wave_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("judged_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_for", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_repermission_campaign_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_repermission")),
    )
    # What answered which campaign; most entries were no answer to one.
    op.create_index(
        "ix_permission_event_campaign_id",
        "permission_event",
        ["campaign_id"],
        postgresql_where=sa.text("campaign_id IS NOT NULL"),
    )
