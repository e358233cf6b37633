"""Who is who: the contacts that stand for one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.customers.models import Contact, ContactAlias, ContactProfile
from app.customers.policy import merging
from app.customers.policy.values import FieldValue
from app.customers.queries.contacts import ContactInfo, several


@dataclass(frozen=True)
class Folded:
    """A contact that was merged into another: since when, by whom of the staff."""

    contact: ContactInfo
    merged_at: datetime
    merged_by: int | None


def head(session: Session, contact_id: int) -> int:
    """Return the contact that stands for the person: the one it was merged into, or itself. Raises ``NotFound``."""
    found = session.scalar(select(func.coalesce(Contact.merged_into, Contact.id)).where(Contact.id == contact_id))
    if found is None:
        raise NotFound(f"There is no contact {contact_id}.")
    return found


def person(session: Session, contact_id: int) -> list[int]:
    """Return every contact id of the person whom this contact stands for or was merged into, the kept one first.

    Raises ``NotFound``.
    """
    kept = head(session, contact_id)
    return [kept, *session.scalars(select(Contact.id).where(Contact.merged_into == kept).order_by(Contact.id))]


def folded(session: Session, contact_id: int) -> list[Folded]:
    """Return the contacts merged into this one, also by way of others, the earliest merge first."""
    rows = session.execute(
        select(ContactAlias.alias_id, ContactAlias.merged_at, ContactAlias.merged_by)
        .join(Contact, Contact.id == ContactAlias.alias_id)
        .where(Contact.merged_into == contact_id, ContactAlias.undone_at.is_(None))
        .order_by(ContactAlias.id)
    ).all()
    known = {found.id: found for found in several(session, [row.alias_id for row in rows])}
    return [Folded(known[row.alias_id], row.merged_at, row.merged_by) for row in rows]


def links(session: Session, contact_id: int) -> list[dict[str, object]]:
    """Return every merge that a contact had part in, undone ones too, as JSON, in order."""
    rows = session.scalars(
        select(ContactAlias)
        .where(or_(ContactAlias.alias_id == contact_id, ContactAlias.contact_id == contact_id))
        .order_by(ContactAlias.id)
    )
    return [
        {
            "number": row.alias_id,
            "merged_into": row.contact_id,
            "merged_at": row.merged_at.isoformat(),
            "changes": row.changes,
            "undone_at": row.undone_at.isoformat() if row.undone_at else None,
        }
        for row in rows
    ]


def held(contact: ContactInfo | Contact) -> dict[str, FieldValue | None]:
    """Return a contact's core and declared fields by name."""
    return {name: getattr(contact, name) for name in merging.CORE} | contact.attributes


@dataclass(frozen=True)
class Behaviour:
    """What a contact did, in numbers."""

    opens: int
    clicks: int
    orders: int
    order_value: Decimal


def behaviour(session: Session, contact_id: int) -> Behaviour:
    """Return what was folded from a contact's opens, clicks and orders."""
    row = session.get(ContactProfile, contact_id)
    return Behaviour(row.opens, row.clicks, row.orders, row.order_value) if row else Behaviour(0, 0, 0, Decimal(0))
