"""Which day it is, for whom: calendar conditions on a person's own dates look at the day in the person's time zone.

At any moment at most three days are going on in the world. So time zones are sorted by their day here, by the same
rules (daylight saving included) that Python reads everywhere else, and the statement only asks which zone a person
has. It never computes with a zone, and so never meets one that the database does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import ColumnElement, Text, and_, literal, or_
from sqlalchemy.dialects.postgresql import ARRAY


@lru_cache(maxsize=1)
def _zones() -> tuple[ZoneInfo, ...]:
    return tuple(ZoneInfo(name) for name in sorted(available_timezones()))


def days_elsewhere(now: datetime, home: ZoneInfo) -> Mapping[date, list[str]]:
    """Return the zones in which it is another day than at ``home``, by that day."""
    today = now.astimezone(home).date()
    found: dict[date, list[str]] = {}
    for zone in _zones():
        if (day := now.astimezone(zone).date()) != today:
            found.setdefault(day, []).append(zone.key)
    return found


def on_their_day(
    zone: ColumnElement[str | None], now: datetime, home: ZoneInfo, test: Callable[[date], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Return ``test`` of the day that it is for each person; who has no zone, or one nobody knows, is at ``home``."""
    elsewhere = days_elsewhere(now, home)
    at_home = test(now.astimezone(home).date())
    if not elsewhere:
        return at_home
    away = [name for names in elsewhere.values() for name in names]
    return or_(
        and_(or_(zone.is_(None), zone != literal(away, ARRAY(Text())).all_()), at_home),
        *(and_(zone == literal(names, ARRAY(Text())).any_(), test(day)) for day, names in elsewhere.items()),
    )


def month_days(first: date, days: int) -> list[str]:
    """Return ``MM-DD`` of ``first`` and the ``days`` after it. Who was born on 29 February has their day on 28
    February of the years that have no 29th."""
    found: dict[str, None] = {}
    for step in range(min(days, 366) + 1):
        day = first + timedelta(days=step)
        found[f"{day:%m-%d}"] = None
        if _ends_short_february(day):
            found["02-29"] = None
    return list(found)


def years_before(day: date, years: int) -> date:
    """Return the latest day that lies ``years`` years or more before ``day``: who was born on it is ``years`` old."""
    year = day.year - years
    if (day.month, day.day) == (2, 29) or _ends_short_february(day):
        return date(year, 3, 1) - timedelta(days=1)
    return day.replace(year=year)


def _ends_short_february(day: date) -> bool:
    return (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3
