"""Asking a segment: who is in it, how many, some of them."""

from __future__ import annotations

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.customers.queries.contacts import ContactInfo, contact_table, several
from campaigns.queries.segments.condition import Context
from campaigns.queries.segments.tree import where


def compile(session: Session, definition: object) -> Select[int]:
    """Return one SELECT of ``contact_id`` with bound parameters. Erased people are in no segment.

    Raises ``SegmentError`` naming the condition that cannot be understood, and why.
    """
    contact = contact_table()
    test = where(definition, Context.of(session))
    return select(contact.c.id.label("contact_id")).where(contact.c.erased_at.is_(None), test)


def count(session: Session, definition: object) -> int:
    """Return how many people are in a segment. Raises ``SegmentError``."""
    members = compile(session, definition)
    return session.scalar(members.with_only_columns(func.count(), maintain_column_froms=True)) or 0


def sample(session: Session, definition: object, size: int = 10) -> list[ContactInfo]:
    """Return some members of a segment, the newest first. Raises ``SegmentError``."""
    ids = session.scalars(compile(session, definition).order_by(contact_table().c.id.desc()).limit(size))
    return several(session, list(ids))


def joined(include: list[object], exclude: list[object]) -> dict[str, object]:
    """Return the definition of who is in one of ``include`` and in none of ``exclude``."""
    return {"all": [{"any": include}, {"none": exclude}]}
