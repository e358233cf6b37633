"""What the customer base holds of a person beside the contact itself, for their export (GDPR 15, 20)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import ContactProfile, ExternalId, ImportChange
from app.customers.queries.contacts import earlier_addresses


def addresses(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return the addresses a person had before, as JSON, latest first."""
    return [
        {"email": former.email, "until": former.until.isoformat()} for former in earlier_addresses(session, contact_id)
    ]


def other_systems(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return what other systems call a person, as JSON."""
    rows = session.scalars(
        select(ExternalId).where(ExternalId.contact_id == contact_id).order_by(ExternalId.source, ExternalId.value)
    )
    return [{"source": row.source, "value": row.value} for row in rows]


def imported(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return what imports changed about a person, kept while they can be taken back, as JSON: name to what stood
    before and after."""
    rows = session.scalars(
        select(ImportChange)
        .where(ImportChange.contact_id == contact_id)
        .order_by(ImportChange.at, ImportChange.batch_id)
    )
    return [{"at": row.at.isoformat(), "import_batch": row.batch_id, "changed": dict(row.changes)} for row in rows]


def behaviour(session: Session, contact_id: int) -> dict[str, object]:
    """Return what was folded from a person's opens, clicks and orders, as JSON; empty when nothing was."""
    row = session.get(ContactProfile, contact_id)
    if row is None:
        return {}
    times = {name: getattr(row, name) for name in ("opened_at", "clicked_at", "ordered_at")}
    return {
        **{name: moment.isoformat() if moment else None for name, moment in times.items()},
        "opens": row.opens,
        "clicks": row.clicks,
        "orders": row.orders,
        "order_value": str(row.order_value),
    }
