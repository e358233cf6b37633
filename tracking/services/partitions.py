"""Partitions of ``event``, one a month."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock

AHEAD_MONTHS = 3


def ensure(session: Session) -> None:
    """Make the partitions of this month and the next three where they are missing."""
    session.execute(
        text(
            "SELECT ensure_event_partition(CAST(:now AS timestamptz) + make_interval(months => m))"
            " FROM generate_series(0, :ahead) AS m"
        ),
        {"now": clock.now(), "ahead": AHEAD_MONTHS},
    )
