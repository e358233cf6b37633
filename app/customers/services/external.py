"""Telling what another system (a shop, an ERP) calls a contact: one value names one contact."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.core.errors import Conflict, InvalidInput, NotFound
from app.customers.models import ExternalId
from app.customers.policy.values import single_line
from app.customers.queries.contacts import contact

LONGEST = 200


def add(session: Session, contact_id: int, source: str, value: str) -> None:
    """Say that ``source`` calls a contact ``value``. Repeating does nothing.

    Raises ``InvalidInput`` for blanks, ``Conflict`` when the source calls another contact so, or for somebody erased.
    """
    if contact(session, contact_id).erased_at is not None:
        raise Conflict(_("This person's data was erased."))
    name, number = single_line(source).lower(), single_line(value)
    if not name or not number or max(len(name), len(number)) > LONGEST:
        raise InvalidInput(_("Say which system it is, and what it calls this contact, in up to 200 characters each."))
    known = session.get(ExternalId, (name, number))
    if known is not None and known.contact_id != contact_id:
        raise Conflict(
            _("%(source)s calls contact %(id)s so already. Is it the same person?", source=name, id=known.contact_id)
        )
    if known is None:
        session.add(ExternalId(source=name, value=number, contact_id=contact_id))
        audit.record(session, "named", "contact", contact_id, detail={"system": name})
        session.flush()


def remove(session: Session, source: str, value: str) -> int:
    """Forget what a source calls a contact; return that contact. Raises ``NotFound``."""
    known = session.get(ExternalId, (source, value), with_for_update=True)
    if known is None:
        raise NotFound(_("This is not known any more."))
    session.delete(known)
    audit.record(session, "unnamed", "contact", known.contact_id, detail={"system": source})
    session.flush()
    return known.contact_id
