"""Counting what becomes of a form: numbers by day and source, nothing of anybody."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from consent.policy.sources import OTHER

SOURCES_A_DAY = 100  # counted apart of one form; whoever makes up more of them fills no table
_ADD = text(
    "INSERT INTO form_figure (form_id, day, source, seen, submitted, confirmed)"
    " SELECT :form, :day, CASE WHEN"
    "   EXISTS (SELECT FROM form_figure WHERE form_id = :form AND day = :day AND source = :source)"
    "   OR (SELECT count(*) FROM form_figure WHERE form_id = :form AND day = :day) < :most"
    "   THEN :source ELSE :other END, :seen, :submitted, :confirmed"
    " WHERE EXISTS (SELECT FROM form WHERE id = :form)"
    " ON CONFLICT (form_id, day, source) DO UPDATE SET seen = form_figure.seen + excluded.seen,"
    " submitted = form_figure.submitted + excluded.submitted, confirmed = form_figure.confirmed + excluded.confirmed"
)


def day_of(moment: datetime) -> date:
    """Return the day (UTC) that a moment is counted on."""
    return moment.astimezone(UTC).date()


def add(
    session: Session, form_id: int, day: date, source: str, *, seen: int = 0, submitted: int = 0, confirmed: int = 0
) -> None:
    """Add to the figures of a form. ``source`` is ``policy.sources.label``."""
    session.execute(
        _ADD,
        {
            "form": form_id,
            "day": day,
            "source": source,
            "most": SOURCES_A_DAY,
            "other": OTHER,
            "seen": seen,
            "submitted": submitted,
            "confirmed": confirmed,
        },
    )
