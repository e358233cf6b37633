"""What forms do beside asking: see floods, remind once, welcome, doubt addresses, ask minors' parents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_sign_up_form_id_created_at", "sign_up", ["form_id", "created_at"])
    op.add_column("form", sa.Column("reminds", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("form", sa.Column("welcomes", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("form", sa.Column("disposable", sa.Text(), server_default="allow", nullable=False))
    op.add_column("form", sa.Column("age_country", sa.Text(), server_default="", nullable=False))
    op.create_check_constraint(op.f("ck_form_disposable"), "form", "disposable IN ('allow', 'warn', 'refuse')")
    op.add_column("sign_up", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sign_up", sa.Column("reminder_settled", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("sign_up", sa.Column("minor_email", sa.Text(), nullable=True))
    op.add_column("sign_up", sa.Column("minor_key", sa.LargeBinary(), nullable=True))
    op.add_column("sign_up", sa.Column("statements", postgresql.JSONB(), server_default="{}", nullable=False))
    op.create_table(
        "paper_list",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("form_id", sa.BigInteger(), nullable=False),
        sa.Column("topic_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("wording_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("confirms", sa.Boolean(), nullable=False),
        sa.Column("scan_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("scan_type", sa.Text(), nullable=False),
        sa.Column("scan_size", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("result", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(["form_id"], ["form.id"], name=op.f("fk_paper_list_form_id")),
        sa.ForeignKeyConstraint(["wording_id"], ["wording.id"], name=op.f("fk_paper_list_wording_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_list")),
    )
    op.create_index(op.f("ix_paper_list_form_id"), "paper_list", ["form_id"])
    op.create_index(
        "ix_sign_up_mailed_at",
        "sign_up",
        ["mailed_at"],
        postgresql_where=sa.text("confirmed_at IS NULL AND NOT reminder_settled"),
    )
