"""Erasing a person from tracking: orders and what raw events said stay as figures on the opaque id, the events go."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import column, delete, exists, table, update
from sqlalchemy.orm import Session

from app.core.jobs import enqueue
from tracking.models import Order
from tracking.services.seal import SEAL_PERSON

# A drainer that saw them permit tracking a moment ago has written what it had by then.
PATIENCE = timedelta(minutes=1)


def keep_buyers(session: Session, people: str, batch_id: int) -> None:
    """Take from the temporary table ``people`` (contact_id), whom an undone import would remove, who bought."""
    given = table(people, column("contact_id"))
    session.execute(delete(given).where(exists().where(Order.contact_id == given.c.contact_id)))


def forget(session: Session, contact_id: int) -> None:
    """Empty what was bought, which a shop may have filled with names and wishes; amount, time and number stay. A job
    seals their raw events: it must wait for the folder, which waits for nobody."""
    session.execute(update(Order).where(Order.contact_id == contact_id).values(items=[]))
    enqueue(session, SEAL_PERSON, contact_id, delay=PATIENCE)
