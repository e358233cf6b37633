"""One topic's permissions as the gates ask for them, in one index that a launch reads instead of the table."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_permission_standing",
        "permission",
        ["topic_id", "contact_id"],
        postgresql_include=["state", "level", "basis", "address_key", "expires_at", "event_id"],
    )
    op.drop_index("ix_permission_topic_id_contact_id", table_name="permission")
