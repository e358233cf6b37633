"""When a request must be answered: one month, two more with reasons (GDPR 12(3)).

The days are counted as Regulation (EEC, Euratom) No 1182/71, article 3, says. The period ends with the day that has the
same date as the day on which the request came, or with the last day of a shorter month (3(2)(c)); on a Saturday or a
Sunday it goes on to the next working day (3(4)). Public holidays would move it too; they differ from place to place and
are not known here, so the day that is shown may be earlier than the law asks, never later.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

MONTHS, EXTENDED_MONTHS = 1, 3  # the extension is two further months
REMIND_BEFORE = timedelta(days=5)


def due(received: date) -> date:
    """Return the last day to answer a request that came on ``received``."""
    return _working(add_months(received, MONTHS))


def extended_due(received: date) -> date:
    """Return the last day when the period was extended by two further months."""
    return _working(add_months(received, EXTENDED_MONTHS))


def add_months(day: date, months: int) -> date:
    """Return the same date ``months`` later, or the last day of that month when it has no such date."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _working(day: date) -> date:
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)
