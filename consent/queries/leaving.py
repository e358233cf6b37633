"""Why people left, for staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from consent.models import LeavingReason

COMMENTS = 10  # shown of the latest


@dataclass(frozen=True)
class Comment:
    """What somebody wrote in words of their own; whose it is, staff need not know."""

    at: datetime
    reason: str
    text: str
    brand_id: int


@dataclass(frozen=True)
class WhyTheyLeft:
    """How often each reason was chosen, the most frequent first, and the latest comments."""

    counts: tuple[tuple[str, int], ...]
    comments: tuple[Comment, ...]

    @property
    def total(self) -> int:
        """Return how many people said why."""
        return sum(count for _, count in self.counts)


def why_they_left(session: Session, since: datetime) -> WhyTheyLeft:
    """Return what people said on leaving since then."""
    count = func.count()
    recent = LeavingReason.created_at >= since
    rows = session.execute(
        select(LeavingReason.reason, count)
        .where(recent)
        .group_by(LeavingReason.reason)
        .order_by(count.desc(), LeavingReason.reason)
    )
    said = session.scalars(
        select(LeavingReason)
        .where(recent, LeavingReason.comment != "")
        .order_by(LeavingReason.created_at.desc(), LeavingReason.id.desc())
        .limit(COMMENTS)
    )
    return WhyTheyLeft(
        tuple((row[0], row[1]) for row in rows),
        tuple(Comment(row.created_at, row.reason, row.comment, row.brand_id) for row in said),
    )
