"""Pauses that people asked for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from consent.models import Pause


def of_contact(session: Session, contact_id: int) -> dict[int, datetime]:
    """Return, for each brand id that a contact gets no mail of at present, when that ends."""
    rows = session.execute(
        select(Pause.brand_id, Pause.until).where(Pause.contact_id == contact_id, Pause.until > clock.now())
    )
    return {row.brand_id: row.until for row in rows}


def paused_until(session: Session, contact_id: int, brand_id: int) -> datetime | None:
    """Return when the present pause of a brand's mail ends, or None."""
    return of_contact(session, contact_id).get(brand_id)
