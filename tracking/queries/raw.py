"""Raw events beyond their time: which hours hold some, how many they are, of how many people."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, ColumnElement, DateTime, Select, cast, exists, func, select
from sqlalchemy.orm import Session

from consent.services.ageing import Month
from tracking.models import Event

HOUR_S = 3600


def _border(now: datetime, months: int) -> ColumnElement[datetime]:
    """The start of the month (UTC) in which the period began: only whole months have passed their time."""
    moment = cast(now, DateTime(timezone=True)) - func.make_interval(0, months)
    return func.date_trunc("month", moment, "UTC")


def hours(now: datetime, months: int) -> Select[int]:
    """Return a SELECT of the hours, numbered since 1970, with events older than ``months`` calendar months."""
    oldest = select(func.min(Event.at)).scalar_subquery()
    hour = func.generate_series(_hour(oldest), _hour(_border(now, months)) - 1).column_valued("hour")
    start = func.to_timestamp(hour * HOUR_S)
    end = func.to_timestamp((hour + 1) * HOUR_S)
    return select(hour).where(exists().where(Event.at >= start, Event.at < end))


def _hour(at: ColumnElement[datetime]) -> ColumnElement[int]:
    return cast(func.floor(func.extract("epoch", at) / HOUR_S), BigInteger)


def by_month(session: Session, now: datetime, months: int) -> list[Month]:
    """Return how many events of each month have passed their time, and of how many people, the oldest first."""
    month = func.date_trunc("month", Event.at, "UTC").label("month")
    each = (
        select(month, Event.contact_id, func.count().label("events"))
        .where(Event.at < _border(now, months))
        .group_by(month, Event.contact_id)
        .subquery()
    )
    rows = session.execute(
        select(each.c.month, func.sum(each.c.events), func.count(each.c.contact_id))
        .group_by(each.c.month)
        .order_by(each.c.month)
    )
    return [Month(row[0].astimezone(UTC).date(), int(row[1]), row[2]) for row in rows]
