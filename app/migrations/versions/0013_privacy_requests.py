"""Requests of data subjects, and what was done about each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "privacy_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("address_key", sa.LargeBinary(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("postal", sa.Text(), server_default="", nullable=False),
        sa.Column("new_email", sa.Text(), server_default="", nullable=False),
        sa.Column("wish", sa.Text(), server_default="", nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("extended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extended_why", sa.Text(), nullable=True),
        sa.Column("told_on", sa.Date(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.BigInteger(), nullable=True),
        sa.Column("verified_how", sa.Text(), nullable=True),
        sa.Column("verified_note", sa.Text(), server_default="", nullable=False),
        sa.Column("refused_why", sa.Text(), nullable=True),
        sa.Column("outcome_note", sa.Text(), server_default="", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('received', 'verified', 'done', 'refused', 'withdrawn')", name=op.f("ck_privacy_request_state")
        ),
        sa.CheckConstraint(
            "(state IN ('received', 'verified')) = (closed_at IS NULL)", name=op.f("ck_privacy_request_closed")
        ),
        sa.CheckConstraint("(extended_at IS NULL) = (extended_why IS NULL)", name=op.f("ck_privacy_request_extended")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_privacy_request_contact_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_request")),
    )
    op.create_index(op.f("ix_privacy_request_contact_id"), "privacy_request", ["contact_id"])
    op.create_index(op.f("ix_privacy_request_address_key"), "privacy_request", ["address_key"])
    op.create_index(
        "ix_privacy_request_due_on",
        "privacy_request",
        ["due_on"],
        postgresql_where=sa.text("state IN ('received', 'verified')"),
    )
    op.create_index(
        "ix_privacy_request_closed_at",
        "privacy_request",
        ["closed_at"],
        postgresql_where=sa.text("purged_at IS NULL"),
    )
    op.create_table(
        "privacy_request_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["privacy_request.id"], name=op.f("fk_privacy_request_step_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_request_step")),
    )
    op.create_index(op.f("ix_privacy_request_step_request_id"), "privacy_request_step", ["request_id"])
