"""Upkeep as pages and commands read it: how many are due, who, and what runs did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from consent.models import SignUp, Upkeep, UpkeepRun

ACTIVE = ("waiting", "running", "stopping")
Ids = Select[int]


@dataclass(frozen=True)
class RunInfo:
    """One run of an upkeep; ``total`` is how many were due when it began."""

    id: int
    name: str
    status: str
    total: int
    done: int
    error: str | None
    started_by: int | None
    created_at: datetime
    finished_at: datetime | None

    @property
    def active(self) -> bool:
        """Whether the figures still move."""
        return self.status in ACTIVE


def count(session: Session, due: Ids) -> int:
    """Return how many a SELECT of ids names."""
    return session.scalar(select(func.count()).select_from(due.subquery())) or 0


def some(session: Session, due: Ids, *, after: int = 0, limit: int = 10) -> list[int]:
    """Return ids of a SELECT, the lowest first, behind ``after``."""
    found = due.subquery()
    key = found.c[0]
    return list(session.scalars(select(key).where(key > after).order_by(key).limit(limit)))


def addresses_of_sign_ups(session: Session, ids: list[int]) -> dict[int, str]:
    """Return the address of each sign-up."""
    return {row.id: row.email for row in session.execute(select(SignUp.id, SignUp.email).where(SignUp.id.in_(ids)))}


def looked_at(session: Session, name: str) -> datetime | None:
    """Return when the timetable last looked at an upkeep."""
    return session.scalar(select(Upkeep.looked_at).where(Upkeep.name == name))


def runs(session: Session, name: str, limit: int = 10) -> list[RunInfo]:
    """Return the latest runs, the newest first."""
    query = select(UpkeepRun).where(UpkeepRun.name == name).order_by(UpkeepRun.id.desc()).limit(limit)
    return [_info(row) for row in session.scalars(query.execution_options(populate_existing=True))]


def run(session: Session, run_id: int) -> RunInfo:
    """Return one run. Raises ``NotFound``."""
    row = session.get(UpkeepRun, run_id, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no run with the number {run_id}.")
    return _info(row)


def active_run(session: Session, name: str) -> int | None:
    """Return the id of the run that is under way, or None."""
    return session.scalar(select(UpkeepRun.id).where(UpkeepRun.name == name, UpkeepRun.status.in_(ACTIVE)))


def _info(row: UpkeepRun) -> RunInfo:
    return RunInfo(
        row.id,
        row.name,
        row.status,
        row.total,
        row.done,
        row.error,
        row.started_by,
        row.created_at,
        row.finished_at,
    )
