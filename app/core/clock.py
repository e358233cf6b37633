"""The only source of time. All times are aware and in UTC; tests move this clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import available_timezones

_offset = timedelta()


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC) + _offset


@cache
def time_zones() -> frozenset[str]:
    """Return the names of the time zones of the IANA database. Looking them up walks its folders: once will do."""
    return frozenset(available_timezones())


def shift(offset: timedelta) -> None:
    """Move this process's clock by ``offset`` from real time (tests only; ``timedelta()`` puts it right)."""
    global _offset
    _offset = offset
