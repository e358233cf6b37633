"""How long a person may ask for silence: a month, three, or until a day within a year."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from app.core.errors import InvalidInput

MONTHS = (1, 3)
LONGEST = timedelta(days=366)


def first_day(choice: str, day: str, today: date) -> date:
    """Return the day on which mail comes again: ``choice`` is a number of months, or ``date`` for ``day`` (ISO).

    Raises ``InvalidInput`` for anything else, for a day that is not in the future, or further away than a year.
    """
    if choice.isdecimal() and int(choice) in MONTHS:
        return _months_later(today, int(choice))
    try:
        found = date.fromisoformat(day.strip())
    except ValueError:
        raise InvalidInput(_("Choose how long, or give a day like 2026-03-04."), field="until") from None
    if found <= today or found - today > LONGEST:
        raise InvalidInput(_("Choose a day from tomorrow on and within a year."), field="until")
    return found


def begin(day: date, time_zone: str) -> datetime:
    """Return the moment at which ``day`` begins in a time zone."""
    return datetime.combine(day, time(), ZoneInfo(time_zone))


def _months_later(today: date, months: int) -> date:
    """Return the same day of a later month; its last day when it has no such day."""
    year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=today.day - 1), following - timedelta(days=1))
