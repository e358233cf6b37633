"""Tables of what time does: which upkeep is on, and its runs."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, bigint_id, created, timestamp


class Upkeep(Base):
    """What the controller decided about one upkeep; no row means its own defaults. ``looked_at`` is the last round."""

    __tablename__ = "upkeep"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    enabled: Mapped[bool | None]
    months: Mapped[int | None]
    looked_at: Mapped[timestamp | None]
    changed_at: Mapped[timestamp | None]
    changed_by: Mapped[int | None] = mapped_column(BigInteger)
    __table_args__ = (CheckConstraint("months > 0", name="months"),)


class UpkeepRun(Base):
    """One run: ``position`` is the highest id dealt with, written with what was done, so that a run can go on."""

    __tablename__ = "upkeep_run"
    id: Mapped[bigint_id]
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="waiting")
    total: Mapped[int] = mapped_column(server_default="0")
    done: Mapped[int] = mapped_column(server_default="0")
    position: Mapped[int] = mapped_column(BigInteger, server_default="0")
    error: Mapped[str | None] = mapped_column(Text)
    started_by: Mapped[int | None] = mapped_column(BigInteger)  # nobody: the timetable
    created_at: Mapped[created]
    finished_at: Mapped[timestamp | None]
    __table_args__ = (
        CheckConstraint("status IN ('waiting', 'running', 'stopping', 'stopped', 'done', 'failed')", name="status"),
        Index("ix_upkeep_run_name_id", "name", "id"),
        # One run of a kind at a time.
        Index(
            "uq_upkeep_run_active",
            "name",
            unique=True,
            postgresql_where=text("status IN ('waiting', 'running', 'stopping')"),
        ),
    )
