"""Suppressions by digest, who made and lifted them, and lists that other systems hand over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# A digest becomes the suppression of an address in the transaction that brings the address, whatever code adds it.
# The lock makes it wait for a list that is just being compared with the base (consent.services.lists.LOCK), so that
# neither misses the other.
_RECOGNISE = """
CREATE FUNCTION suppression_recognise(keys text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(506267929986203648);
    IF EXISTS (SELECT FROM suppression WHERE kind = 'hash' AND lifted_at IS NULL) THEN
        UPDATE suppression s SET kind = 'address', address_key = c.address_key
        FROM unnest(keys) k JOIN contact c ON c.email_key = k
        WHERE s.kind = 'hash' AND s.lifted_at IS NULL AND s.sha256 = sha256(convert_to(k, 'UTF8'));
        UPDATE suppression s SET kind = 'address', address_key = c.address_key
        FROM unnest(keys) k JOIN contact c ON c.email_key = k
        WHERE s.kind = 'hash' AND s.lifted_at IS NULL AND s.md5 = decode(md5(k), 'hex');
    END IF;
END $$
"""
_ADDED = """
CREATE FUNCTION suppression_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM suppression_recognise(ARRAY(SELECT email_key FROM arrived WHERE email_key IS NOT NULL));
    RETURN NULL;
END $$
"""
_CHANGED = """
CREATE FUNCTION suppression_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM suppression_recognise(ARRAY[NEW.email_key]);
    RETURN NULL;
END $$
"""
_TRIGGERS = (
    "CREATE TRIGGER suppression_added AFTER INSERT ON contact REFERENCING NEW TABLE AS arrived"
    " FOR EACH STATEMENT EXECUTE FUNCTION suppression_added()",
    "CREATE TRIGGER suppression_changed AFTER UPDATE OF email_key ON contact FOR EACH ROW"
    " WHEN (NEW.email_key IS NOT NULL AND NEW.email_key IS DISTINCT FROM OLD.email_key)"
    " EXECUTE FUNCTION suppression_changed()",
)


def upgrade() -> None:
    _suppression()
    _lists()
    for statement in (_RECOGNISE, _ADDED, _CHANGED, *_TRIGGERS):
        op.execute(statement)


def _suppression() -> None:
    for column in (
        sa.Column("md5", sa.LargeBinary(), nullable=True),
        sa.Column("evidence", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("list_id", sa.BigInteger(), nullable=True),
        sa.Column("lifted_by", sa.BigInteger(), nullable=True),
        sa.Column("lifted_why", sa.Text(), server_default="", nullable=False),
    ):
        op.add_column("suppression", column)
    op.drop_constraint(op.f("ck_suppression_kind"), "suppression")
    op.drop_constraint(op.f("ck_suppression_address"), "suppression")
    op.create_check_constraint(
        op.f("ck_suppression_kind"), "suppression", "kind IN ('address', 'hash', 'domain', 'pattern')"
    )
    op.create_check_constraint(
        op.f("ck_suppression_address"), "suppression", "(kind = 'address') = (address_key IS NOT NULL)"
    )
    op.create_check_constraint(
        op.f("ck_suppression_hash"), "suppression", "kind <> 'hash' OR sha256 IS NOT NULL OR md5 IS NOT NULL"
    )
    for name in ("sha256", "md5"):
        op.create_index(
            f"ix_suppression_{name}",
            "suppression",
            [name],
            postgresql_where=sa.text(f"lifted_at IS NULL AND {name} IS NOT NULL"),
        )
    op.create_index(
        "ix_suppression_hash", "suppression", ["id"], postgresql_where=sa.text("lifted_at IS NULL AND kind = 'hash'")
    )


def _lists() -> None:
    op.create_table(
        "suppression_list",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("status", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("shape", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("brand_id", sa.BigInteger(), nullable=True),
        sa.Column("topic_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), server_default="", nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows", sa.Integer(), server_default="0", nullable=False),
        sa.Column("added", sa.Integer(), server_default="0", nullable=False),
        sa.Column("known", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rejected", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'running', 'done', 'failed')", name=op.f("ck_suppression_list_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression_list")),
    )
    op.create_table(
        "suppression_reject",
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["suppression_list.id"], name=op.f("fk_suppression_reject_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("list_id", "line", name=op.f("pk_suppression_reject")),
    )
