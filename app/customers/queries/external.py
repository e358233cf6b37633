"""What other systems call a contact."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import ExternalId
from app.customers.queries import merging


@dataclass(frozen=True)
class ExternalRef:
    """A contact's id in another system; ``contact_id`` is the number it stands under here."""

    source: str
    value: str
    contact_id: int


def of_person(session: Session, contact_id: int) -> list[ExternalRef]:
    """Return what other systems call a person, under every number, by system."""
    rows = session.scalars(
        select(ExternalId)
        .where(ExternalId.contact_id.in_(merging.person(session, contact_id)))
        .order_by(ExternalId.source, ExternalId.value)
    )
    return [ExternalRef(row.source, row.value, row.contact_id) for row in rows]
