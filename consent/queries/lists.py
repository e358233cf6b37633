"""Reading lists of suppressed addresses that were handed over, and what was refused of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from consent.models import SuppressionList, SuppressionReject


@dataclass(frozen=True)
class ListInfo:
    """A list as pages and commands show it. ``size`` and ``position`` are bytes of the file."""

    id: int
    status: str
    filename: str
    path: str
    encoding: str
    delimiter: str
    column: int
    language: str
    reason: str
    scope: str
    brand_id: int | None
    topic_id: int | None
    source: str
    evidence: str
    until: datetime | None
    size: int
    position: int
    line: int
    rows: int
    added: int
    known: int
    rejected: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None

    @property
    def percent(self) -> int:
        """How much of the file is read."""
        return 100 if self.status == "done" or not self.size else min(99, self.position * 100 // self.size)

    @property
    def active(self) -> bool:
        """Whether it moves by itself, so that a page should look again."""
        return self.status in ("waiting", "running")


@dataclass(frozen=True)
class RejectInfo:
    """A refused line of a list."""

    line: int
    reason: str
    text: str


def one(session: Session, list_id: int) -> ListInfo:
    """Return one list. Raises ``NotFound``."""
    row = session.get(SuppressionList, list_id, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no list {list_id}.")
    return _info(row)


def latest(session: Session, limit: int = 20) -> list[ListInfo]:
    """Return lists, newest first."""
    rows = session.scalars(select(SuppressionList).order_by(SuppressionList.id.desc()).limit(limit))
    return [_info(row) for row in rows]


def rejects(session: Session, list_id: int, limit: int, *, behind: int = 0) -> list[RejectInfo]:
    """Return refused lines of a list behind a line, in order."""
    rows = session.scalars(
        select(SuppressionReject)
        .where(SuppressionReject.list_id == list_id, SuppressionReject.line > behind)
        .order_by(SuppressionReject.line)
        .limit(limit)
    )
    return [RejectInfo(row.line, row.reason, row.text) for row in rows]


def _info(row: SuppressionList) -> ListInfo:
    return ListInfo(
        id=row.id,
        status=row.status,
        filename=row.filename,
        path=row.path,
        encoding=str(row.shape["encoding"]),
        delimiter=str(row.shape["delimiter"]),
        column=int(row.shape["column"]),
        language=str(row.shape["language"]),
        reason=row.reason,
        scope=row.scope,
        brand_id=row.brand_id,
        topic_id=row.topic_id,
        source=row.source,
        evidence=row.evidence,
        until=row.until,
        size=row.size,
        position=row.position,
        line=row.line,
        rows=row.rows,
        added=row.added,
        known=row.known,
        rejected=row.rejected,
        error=row.error,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
