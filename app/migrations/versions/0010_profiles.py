"""The soft opt-in of charities as a basis of its own."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BASES = "'consent', 'soft_opt_in', 'charity_support', 'b2b_interest', 'implied_purchase', 'implied_inquiry'"


def upgrade() -> None:
    # Every stored row satisfies the wider constraint, so the ledger is not read through under a lock.
    op.drop_constraint(op.f("ck_permission_event_basis"), "permission_event", type_="check")
    op.execute(
        f"ALTER TABLE permission_event ADD CONSTRAINT ck_permission_event_basis CHECK (basis IN ({BASES})) NOT VALID"
    )
