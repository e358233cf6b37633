"""Notes on a contact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import ContactNote
from app.customers.queries import merging


@dataclass(frozen=True)
class Note:
    """One note; ``created_by`` is the number of a staff account, None for a command."""

    id: int
    contact_id: int
    text: str
    created_at: datetime
    created_by: int | None


def notes(session: Session, contact_id: int, limit: int | None = None) -> list[Note]:
    """Return the notes on a contact, the latest first."""
    query = (
        select(ContactNote)
        .where(ContactNote.contact_id == contact_id)
        .order_by(ContactNote.created_at.desc(), ContactNote.id.desc())
        .limit(limit)
    )
    return [Note(row.id, row.contact_id, row.text, row.created_at, row.created_by) for row in session.scalars(query)]


def of_person(session: Session, contact_id: int) -> list[Note]:
    """Return the notes on a person, under every number, the latest first."""
    found = [note for number in merging.person(session, contact_id) for note in notes(session, number)]
    return sorted(found, key=lambda note: note.created_at, reverse=True)


def held(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return the notes on a contact for their export, as JSON, oldest first, without who of the staff wrote them."""
    return [{"at": note.created_at.isoformat(), "text": note.text} for note in notes(session, contact_id)[::-1]]
