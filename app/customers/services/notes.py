"""Writing and deleting notes on a contact."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.core import clock
from app.core.errors import Conflict, InvalidInput, NotFound
from app.customers.models import ContactNote
from app.customers.queries.contacts import contact

LONGEST = 4000


def add(session: Session, contact_id: int, text: str) -> int:
    """Write a note; return its id. Raises ``NotFound``, ``InvalidInput`` for a blank or long one, and ``Conflict``
    for somebody erased."""
    if contact(session, contact_id).erased_at is not None:
        raise Conflict(_("This person's data was erased."))
    clean = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not clean or len(clean) > LONGEST:
        raise InvalidInput(_("A note has 1 to %(most)s characters.", most=LONGEST), field="text")
    note = ContactNote(contact_id=contact_id, text=clean, created_at=clock.now(), created_by=audit.actor().staff_id)
    session.add(note)
    session.flush()
    audit.record(session, "noted", "contact", contact_id, detail={"note": note.id})
    return note.id


def delete(session: Session, note_id: int) -> int:
    """Delete a note; return whom it was about. Raises ``NotFound``."""
    note = session.get(ContactNote, note_id, with_for_update=True)
    if note is None:
        raise NotFound(_("This note does not exist any more."))
    session.delete(note)
    audit.record(session, "deleted note", "contact", note.contact_id, detail={"note": note_id})
    session.flush()
    return note.contact_id
