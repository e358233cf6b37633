"""How many people permit what."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from consent.models import Permission


def granted_by_topic(session: Session) -> dict[int, int]:
    """Return how many contacts permit each topic id."""
    rows = session.execute(
        select(Permission.topic_id, func.count()).where(Permission.state == "granted").group_by(Permission.topic_id)
    )
    return {row[0]: row[1] for row in rows}
