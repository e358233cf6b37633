"""Where sign-ups came from, and figures of forms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sign_up", sa.Column("source", sa.Text(), server_default="", nullable=False))
    op.add_column("sign_up", sa.Column("referrer", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "form_figure",
        sa.Column("form_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("seen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("submitted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("confirmed", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["form_id"], ["form.id"], name=op.f("fk_form_figure_form_id")),
        sa.PrimaryKeyConstraint("form_id", "day", "source", name=op.f("pk_form_figure")),
    )
    op.execute(
        "INSERT INTO form_figure (form_id, day, source, submitted, confirmed)"
        " SELECT form_id, (created_at AT TIME ZONE 'UTC')::date, '', count(*), count(confirmed_at)"
        " FROM sign_up GROUP BY 1, 2"
    )
