"""Builders for the customer base."""

from __future__ import annotations

from itertools import count

from sqlalchemy.orm import Session

from app.customers.policy.values import Kind
from app.customers.services import contacts, fields

_numbers = count(1)


def make_contact(session: Session, email: str | None = None, *, tags: tuple[str, ...] = (), **values: str) -> int:
    """Add a contact and return the id; ``values`` are core and declared fields as text."""
    return contacts.create(session, email or f"person{next(_numbers)}@example.com", values, tags)


def make_contacts(session: Session, number: int, **values: str) -> list[int]:
    """Add several contacts."""
    return [make_contact(session, **values) for _ in range(number)]


def make_field(session: Session, name: str, kind: Kind | str = Kind.TEXT, choices: tuple[str, ...] = ()) -> int:
    """Declare a field and return its id."""
    return fields.declare(session, name, kind, name.capitalize(), choices=choices)
