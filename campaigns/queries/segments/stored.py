"""Segments that have a name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from campaigns.models import CampaignSegment, Segment, SegmentCount


@dataclass(frozen=True)
class SegmentInfo:
    """A named segment. ``last_count`` is how many people it had at ``counted_at``; ``campaigns`` how many use it."""

    id: int
    name: str
    definition: dict[str, Any]
    last_count: int | None
    counted_at: datetime | None
    updated_at: datetime
    archived_at: datetime | None
    campaigns: int


def _select() -> Select[Any]:
    uses = select(func.count()).where(CampaignSegment.segment_id == Segment.id).correlate(Segment).scalar_subquery()
    return select(Segment, uses)


def _info(row: Segment, campaigns: int) -> SegmentInfo:
    return SegmentInfo(
        row.id,
        row.name,
        row.definition,
        row.last_count,
        row.counted_at,
        row.updated_at,
        row.archived_at,
        campaigns,
    )


def segments(session: Session, *, archived: bool = False) -> list[SegmentInfo]:
    """Return the segments in use, or the archived ones, by name."""
    test = Segment.archived_at.is_not(None) if archived else Segment.archived_at.is_(None)
    rows = session.execute(_select().where(test).order_by(func.lower(Segment.name)))
    return [_info(*row) for row in rows]


def segment(session: Session, segment_id: int) -> SegmentInfo:
    """Return one segment. Raises ``NotFound``."""
    row = session.execute(_select().where(Segment.id == segment_id)).first()
    if row is None:
        raise NotFound(_("There is no segment with the number %(id)d.", id=segment_id))
    return _info(*row)


def by_names(session: Session, names: Iterable[str]) -> dict[str, SegmentInfo]:
    """Return the named segments that exist, by name."""
    rows = session.execute(_select().where(Segment.name.in_(list(names))))
    return {row.name: _info(row, uses) for row, uses in rows}


@dataclass(frozen=True)
class Counted:
    """How many people a segment had at a moment."""

    at: datetime
    people: int


def history(session: Session, segment_id: int, limit: int = 400) -> list[Counted]:
    """Return the latest counts of a segment, in order of time."""
    rows = session.execute(
        select(SegmentCount.at, SegmentCount.people)
        .where(SegmentCount.segment_id == segment_id)
        .order_by(SegmentCount.at.desc())
        .limit(limit)
    )
    return [Counted(at, people) for at, people in rows][::-1]


def due(session: Session, before: datetime) -> list[int]:
    """Return the segments in use that were counted last before then, the longest uncounted first."""
    test = or_(Segment.counted_at.is_(None), Segment.counted_at < before)
    query = select(Segment.id).where(Segment.archived_at.is_(None), test).order_by(Segment.counted_at, Segment.id)
    return list(session.scalars(query))
