"""What imports set on a contact, as long as they can be undone."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import ImportChange
from app.customers.policy.origins import Origin, Set


def imported(session: Session, contact_id: int) -> dict[str, Set]:
    """Return for each field which import changed it last, and when."""
    rows = session.execute(
        select(ImportChange.batch_id, ImportChange.changes, ImportChange.at)
        .where(ImportChange.contact_id == contact_id)
        .order_by(ImportChange.at)
    )
    return {name: Set(Origin.IMPORT, row.batch_id, row.at) for row in rows for name in row.changes}
