from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.accounts.policy import Role, highest, session_lives

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_each_role_includes_the_ones_below_it() -> None:
    order = [Role.VIEWER, Role.ANALYST, Role.MARKETER, Role.ADMINISTRATOR]
    for i, role in enumerate(order):
        assert [role.reaches(other) for other in order] == [j <= i for j in range(4)]


def test_the_highest_of_several_grants_counts() -> None:
    assert highest([Role.ANALYST, Role.MARKETER, Role.VIEWER]) is Role.MARKETER
    assert highest([]) is Role.VIEWER


@pytest.mark.parametrize(
    ("began", "seen", "lives"),
    [
        (timedelta(hours=1), timedelta(0), True),
        (timedelta(hours=13), timedelta(hours=11, minutes=59), True),
        (timedelta(hours=13), timedelta(hours=12), False),
        (timedelta(days=6), timedelta(minutes=1), True),
        (timedelta(days=7), timedelta(minutes=1), False),
    ],
)
def test_a_session_ends_when_idle_and_at_last(began: timedelta, seen: timedelta, lives: bool) -> None:
    assert session_lives(NOW, began=NOW - began, seen=NOW - seen) is lives
