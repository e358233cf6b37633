"""Time series for charts: 15-minute cells summed into buckets that suit the span, on the wall clock of a brand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

QUARTER, HOUR, SIX_HOURS, DAY = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))


@dataclass(frozen=True)
class Point:
    """``events`` of one ``line`` of the chart at ``at`` (aware)."""

    at: datetime
    line: str
    events: int


@dataclass(frozen=True)
class Series:
    """Sums by bucket. ``x`` holds the beginnings of buckets on the wall clock, ISO without offset."""

    x: list[str]
    lines: dict[str, list[int]]
    step: timedelta


def step_for(span: timedelta) -> timedelta:
    """Return the width of bucket that shows ``span`` in some 12 to 90 points."""
    if span <= timedelta(hours=12):
        return QUARTER
    if span <= timedelta(days=3):
        return HOUR
    if span <= timedelta(days=14):
        return SIX_HOURS
    return DAY


def series(
    points: Iterable[Point],
    lines: Iterable[str],
    start: datetime,
    end: datetime,
    zone: str,
    step: timedelta | None = None,
) -> Series:
    """Sum ``points`` from ``start`` to ``end`` (both aware) into buckets of ``step``, chosen by the span if not given.

    Buckets without events are there with 0. Days are days of ``zone``, 23 or 25 hours long where its clock changes.
    """
    width = step or step_for(end - start)
    local = ZoneInfo(zone)
    sums: Counter[tuple[str, str]] = Counter()
    for point in points:
        if start - width <= point.at <= end:
            sums[point.line, _bucket(point.at, local, width)] += point.events
    stride = min(width, HOUR)
    x: dict[str, None] = {}
    at = start
    while at <= end:
        x[_bucket(at, local, width)] = None
        at += stride
    x[_bucket(end, local, width)] = None
    return Series(list(x), {line: [sums[line, bucket] for bucket in x] for line in lines}, width)


def _bucket(at: datetime, local: ZoneInfo, width: timedelta) -> str:
    wall = at.astimezone(local).replace(tzinfo=None)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = midnight + (wall - midnight) // width * width
    return begin.date().isoformat() if width == DAY else begin.isoformat(timespec="minutes")
