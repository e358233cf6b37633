"""How far the figures are behind, for the operations page and ``/metrics``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import clock
from tracking.models import EventBatch


@dataclass(frozen=True)
class Lag:
    """What is drained and not yet folded. ``seconds`` is the age of its oldest batch, 0 when there is none."""

    batches: int
    events: int
    seconds: float
    last_drained_at: datetime | None
    last_folded_at: datetime | None


def lag(session: Session) -> Lag:
    """Return how far folding is behind draining."""
    waiting = session.execute(
        select(func.count(), func.coalesce(func.sum(EventBatch.rows), 0), func.min(EventBatch.drained_at)).where(
            EventBatch.folded_at.is_(None)
        )
    ).one()
    newest = session.scalars(select(EventBatch).order_by(EventBatch.id.desc()).limit(1)).first()
    folded = session.scalar(
        select(EventBatch.folded_at).where(EventBatch.folded_at.is_not(None)).order_by(EventBatch.id.desc()).limit(1)
    )
    seconds = (clock.now() - waiting[2]).total_seconds() if waiting[2] else 0.0
    return Lag(waiting[0], int(waiting[1]), seconds, newest.drained_at if newest else None, folded)
