"""Calendar conditions where calendars are nasty: 29 February, daylight saving, the date line, the ends of time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from campaigns.queries import segments
from campaigns.queries.segments.calendar import month_days, years_before
from tests.factories.consent import make_brand
from tests.factories.customers import make_contact, make_field


@pytest.fixture
def born(session: Session) -> None:
    make_field(session, "born", "date")


def named(session: Session, leaf: dict[str, object]) -> list[str]:
    """First names of the people whom a condition fits."""
    ids = segments.compile(session, leaf)
    found = {"ids": list(session.scalars(ids))}
    rows = session.execute(text("SELECT first_name FROM contact WHERE id = ANY(:ids)"), found)
    return sorted(row.first_name for row in rows)


def birthday(op: str, days: int) -> dict[str, object]:
    return {"field": "born", "op": op, "value": days}


@pytest.mark.parametrize(
    ("now", "finds"),
    [
        (datetime(2025, 2, 28, 12, tzinfo=UTC), ["28th", "29th"]),  # no 29th this year
        (datetime(2028, 2, 28, 12, tzinfo=UTC), ["28th"]),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), ["29th"]),
        (datetime(2100, 2, 28, 12, tzinfo=UTC), ["28th", "29th"]),  # centuries have none either
        (datetime(2025, 3, 1, 12, tzinfo=UTC), ["1st"]),
    ],
)
def test_birthdays_around_29_february(
    session: Session, clock: object, born: None, now: datetime, finds: list[str]
) -> None:
    for name, day in (("28th", "1990-02-28"), ("29th", "1992-02-29"), ("1st", "1990-03-01")):
        make_contact(session, first_name=name, born=day)
    clock.to(now)
    assert named(session, birthday("anniversary_within_days", 0)) == sorted(finds)
    assert named(session, birthday("anniversary_in_days", 0)) == sorted(finds)
    assert named(session, birthday("anniversary_within_days", 366)) == ["1st", "28th", "29th"]


def test_it_is_another_day_on_the_other_side_of_the_world(session: Session, clock: object, born: None) -> None:
    for name, zone in (("Apia", "Pacific/Apia"), ("Pago", "Pacific/Pago_Pago"), ("London", "Europe/London"), ("", "")):
        make_contact(session, first_name=name or "Nowhere", born="1990-06-15", time_zone=zone)
    make_brand(session)
    session.execute(text("UPDATE brand SET time_zone = 'Asia/Tokyo'"))
    today = birthday("anniversary_within_days", 0)
    clock.to(datetime(2026, 6, 14, 10, 30, tzinfo=UTC))  # in Samoa (UTC+13) the 14th ended half an hour ago
    assert named(session, today) == []
    clock.to(datetime(2026, 6, 14, 11, 0, tzinfo=UTC))
    assert named(session, today) == ["Apia"]
    clock.to(datetime(2026, 6, 14, 16, 0, tzinfo=UTC))  # who has no zone lives where the first brand is
    assert named(session, today) == ["Apia", "Nowhere"]
    clock.to(datetime(2026, 6, 15, 12, 0, tzinfo=UTC))
    assert named(session, today) == ["London", "Nowhere", "Pago"]


def test_the_day_begins_with_daylight_saving_time(session: Session, clock: object, born: None) -> None:
    """On 29 March 2026 London goes from UTC to UTC+1: the 30th begins an hour earlier than the 29th did."""
    make_contact(session, first_name="Lon", born="1990-03-30", time_zone="Europe/London")
    clock.to(datetime(2026, 3, 29, 22, 59, tzinfo=UTC))
    assert named(session, birthday("anniversary_within_days", 0)) == []
    clock.to(datetime(2026, 3, 29, 23, 1, tzinfo=UTC))
    assert named(session, birthday("anniversary_within_days", 0)) == ["Lon"]


def test_days_of_ours_are_those_of_the_first_brand_daylight_saving_and_all(session: Session, clock: object) -> None:
    make_brand(session)
    session.execute(text("UPDATE brand SET time_zone = 'America/New_York'"))
    clock.to(datetime(2026, 11, 5, tzinfo=UTC))
    for name, at in (
        ("before", "2026-11-01T03:59:00Z"),  # 23:59 on 31 October, UTC-4
        ("first", "2026-11-01T04:01:00Z"),
        ("last", "2026-11-02T04:59:00Z"),  # 23:59 on 1 November, UTC-5: the day has 25 hours
        ("after", "2026-11-02T05:01:00Z"),
    ):
        contact_id = make_contact(session, first_name=name)
        session.execute(text("UPDATE contact SET created_at = :at WHERE id = :id"), {"at": at, "id": contact_id})
    assert named(session, {"field": "created_at", "op": "eq", "value": "2026-11-01"}) == ["first", "last"]
    assert named(session, {"field": "created_at", "op": "before", "value": "2026-11-01"}) == ["before"]
    assert named(session, {"field": "created_at", "op": "after", "value": "2026-11-01"}) == ["after"]
    assert named(session, {"field": "created_at", "op": "anniversary_within_days", "value": 366}) == [
        "after",
        "before",
        "first",
        "last",
    ]


@pytest.mark.parametrize("op", ["eq", "before", "after", "ne"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1582-10-10"])
def test_the_ends_of_time_raise_nothing(session: Session, clock: object, born: None, op: str, day: str) -> None:
    make_brand(session)
    make_contact(session, born="1990-01-01")
    for field in ("born", "created_at"):
        segments.count(session, {"field": field, "op": op, "value": day})


def test_who_is_eighteen(session: Session, clock: object, born: None) -> None:
    clock.to(datetime(2026, 2, 28, 12, tzinfo=UTC))
    for name, day in (
        ("leap", "2008-02-29"),
        ("March", "2008-03-01"),
        ("today", "2008-02-28"),
        ("soon", "2027-01-01"),
    ):
        make_contact(session, first_name=name, born=day)
    assert named(session, birthday("at_least_years_ago", 18)) == ["leap", "today"]
    assert named(session, birthday("less_than_years_ago", 18)) == ["March"]


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.integers(0, 150))
def test_years_before_is_the_last_day_of_those_who_are_so_old(day: date, years: int) -> None:
    edge = years_before(day, years)
    assert birthday_of(edge, years) <= day < birthday_of(edge + timedelta(days=1), years)


def birthday_of(born: date, years: int) -> date:
    """The day on which somebody becomes so old."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 2, 28)


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.integers(0, 400))
def test_month_days_hold_every_day_and_no_other(first: date, days: int) -> None:
    found = month_days(first, days)
    assert len(found) == len(set(found)) <= 366
    for step in range(min(days, 366) + 1):
        assert f"{first + timedelta(days=step):%m-%d}" in found
