"""Forgetting values of fields whose time is over (storage limitation, GDPR 5(1)(e))."""

from __future__ import annotations

from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from app.core import clock
from app.customers.models import Field

PART = 5_000  # people a round
# What a file said dates from the file's own day; else from the last change of the contact, so none goes too early.
_FORGET = text("""
UPDATE contact SET attributes = attributes - CAST(:name AS text), updated_at = :now, known_at = NULL
WHERE id IN (
    SELECT id FROM contact
    WHERE attributes ? :name AND coalesce(known_at, updated_at) < :now - make_interval(days => :days)
    ORDER BY id LIMIT :part FOR UPDATE SKIP LOCKED
)
""")


def forget(session: Session, field_id: int) -> int:
    """Take a field's outlived values from up to ``PART`` people; return how many they were."""
    row = session.get(Field, field_id)
    if row is None or row.keep_days is None:
        return 0
    values = {"name": row.name, "now": clock.now(), "days": row.keep_days, "part": PART}
    result = session.execute(_FORGET, values)
    assert isinstance(result, CursorResult)
    return result.rowcount
