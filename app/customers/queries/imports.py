"""Reading imports and what they refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.customers.models import ImportBatch, ImportReject


class Table(Protocol):
    """What it takes to read the rows of a file again."""

    @property
    def path(self) -> str: ...
    @property
    def columns(self) -> list[str]: ...
    @property
    def codec(self) -> str: ...
    @property
    def delimiter(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def start_line(self) -> int: ...


@dataclass(frozen=True)
class BatchInfo:
    """An import as pages and commands show it. ``size`` and ``position`` are bytes of the file."""

    id: int
    status: str
    filename: str
    path: str
    mapping: dict[str, str]
    columns: list[str]
    form: str
    original: str
    encoding: str
    codec: str
    delimiter: str
    start: int
    start_line: int
    rules: dict[str, str]
    like: int | None
    header: bool
    date_order: str
    language: str
    topic_id: int | None
    level: str | None
    basis: str | None
    source: str
    evidence: str
    conditions: dict[str, str]
    dry_run: bool
    size: int
    position: int
    line: int
    rows: int
    added: int
    updated: int
    unchanged: int
    permitted: int
    rejected: int
    refused: dict[str, int]
    preview: list[dict[str, Any]]
    undone: dict[str, Any]
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def percent(self) -> int:
        """How much of the file is read."""
        return 100 if self.status == "done" or not self.size else min(99, self.position * 100 // self.size)

    @property
    def prepared(self) -> bool:
        """Whether it was said how it is done."""
        return bool(self.source)

    @property
    def active(self) -> bool:
        """Whether it moves by itself, so that a page should look again."""
        return self.status in ("running", "stopping", "undoing") or (self.status == "waiting" and self.prepared)


@dataclass(frozen=True)
class RejectInfo:
    """A refused row: the line it begins at, the column, why, and its cells."""

    line: int
    column: str
    reason: str
    cells: list[str]


def batch(session: Session, batch_id: int) -> BatchInfo:
    """Return one import. Raises ``NotFound``."""
    row = session.get(ImportBatch, batch_id, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no import {batch_id}.")
    return _info(row)


def latest(session: Session, limit: int = 50) -> list[BatchInfo]:
    """Return imports, newest first."""
    return [_info(row) for row in session.scalars(select(ImportBatch).order_by(ImportBatch.id.desc()).limit(limit))]


def rejects(session: Session, batch_id: int, limit: int | None = None, *, behind: int = 0) -> Iterator[RejectInfo]:
    """Yield the rows an import refused, by line, from behind line ``behind``."""
    statement = (
        select(ImportReject)
        .where(ImportReject.batch_id == batch_id, ImportReject.line > behind)
        .order_by(ImportReject.line)
        .limit(limit)
    )
    for row in session.scalars(statement.execution_options(yield_per=1000)):
        yield RejectInfo(row.line, row.column, row.reason, json.loads(row.row))


def _info(row: ImportBatch) -> BatchInfo:
    return BatchInfo(
        id=row.id,
        status=row.status,
        filename=row.filename,
        path=row.path,
        mapping=row.mapping,
        columns=row.options["columns"],
        form=row.options.get("form", "csv"),
        original=row.options.get("original", ""),
        codec=row.options.get("codec", row.options["encoding"]),
        start=row.options["start"],
        start_line=row.options["start_line"],
        rules=row.options.get("rules", {}),
        like=row.options.get("like"),
        encoding=row.options["encoding"],
        delimiter=row.options["delimiter"],
        header=row.options["header"],
        date_order=row.options["date_order"],
        language=row.options["language"],
        topic_id=row.topic_id,
        level=row.level,
        basis=row.basis,
        source=row.source,
        evidence=row.evidence,
        conditions=row.options.get("conditions", {}),
        dry_run=row.dry_run,
        size=row.size,
        position=row.position,
        line=row.line,
        rows=row.rows,
        added=row.added,
        updated=row.updated,
        unchanged=row.unchanged,
        permitted=row.permitted,
        rejected=row.rejected,
        refused=row.refused,
        preview=row.preview,
        undone=row.undone,
        error=row.error,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
