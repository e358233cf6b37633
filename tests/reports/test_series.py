"""Buckets on a brand's wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reports.policy.series import DAY, HOUR, QUARTER, SIX_HOURS, Point, series, step_for


def test_the_span_chooses_the_step() -> None:
    spans = [timedelta(hours=2), timedelta(days=2), timedelta(days=10), timedelta(days=60)]
    assert [step_for(span) for span in spans] == [QUARTER, HOUR, SIX_HOURS, DAY]


def test_days_are_those_of_the_brand_over_a_change_of_the_clock() -> None:
    start = datetime(2025, 3, 28, 23, 30, tzinfo=UTC)  # 00:30 on the 29th in Paris; the 30th has 23 hours
    points = [Point(start + timedelta(hours=hours), "clicks", 1) for hours in (0, 20, 23, 40, 46, 47)]
    made = series(points, ["clicks"], start, start + timedelta(days=20), "Europe/Paris")
    assert made.step == DAY
    assert made.x[:4] == ["2025-03-29", "2025-03-30", "2025-03-31", "2025-04-01"]
    assert made.lines["clicks"][:3] == [3, 2, 1]
    assert sum(made.lines["clicks"]) == 6


def test_buckets_without_events_are_there() -> None:
    start = datetime(2025, 6, 1, 8, 7, tzinfo=UTC)
    made = series([Point(start, "opens", 3)], ["opens"], start, start + timedelta(hours=1), "UTC")
    assert made.x == [
        "2025-06-01T08:00",
        "2025-06-01T08:15",
        "2025-06-01T08:30",
        "2025-06-01T08:45",
        "2025-06-01T09:00",
    ]
    assert made.lines == {"opens": [3, 0, 0, 0, 0]}
