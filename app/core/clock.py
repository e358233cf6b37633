"""The only source of time. All times are aware and in UTC; tests move this clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_offset = timedelta()


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC) + _offset


def shift(offset: timedelta) -> None:
    """Move this process's clock by ``offset`` from real time (tests only; ``timedelta()`` puts it right)."""
    global _offset
    _offset = offset
