"""Statistics against published values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.policy.experiments import Sample, sample_ratio, welch
from reports.policy.statistics import newcombe, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ],
)
def test_wilson(successes: int, trials: int, low: float, high: float) -> None:
    interval = wilson(successes, trials)
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("a", "m", "b", "n", "low", "high"),
    [  # Newcombe 1998 (Statistics in Medicine 17:873), table II, method 10
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 10, -0.2775, 0.2775),
        (10, 10, 0, 10, 0.6075, 1.0),
    ],
)
def test_newcombe(a: int, m: int, b: int, n: int, low: float, high: float) -> None:
    estimate = newcombe(a, m, b, n)
    assert estimate is not None
    assert (round(estimate.low, 4), round(estimate.high, 4)) == (low, high)


def test_nothing_tried_is_no_rate() -> None:
    assert wilson(0, 0) is None
    assert newcombe(0, 0, 1, 2) is None


@given(st.integers(1, 10_000_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_wilson_interval_holds_its_estimate_and_stays_a_share(pair: tuple[int, int]) -> None:
    successes, trials = pair
    interval = wilson(successes, trials)
    assert interval is not None
    assert 0 <= interval.low <= successes / trials <= interval.high <= 1


def test_welch() -> None:  # R: t.test(extra ~ group, data = sleep)
    one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    two = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    estimate = welch(Sample.of(one), Sample.of(two))
    assert (round(estimate.low, 6), round(estimate.high, 6)) == (-3.365483, 0.205483)


def test_sample_ratio() -> None:
    assert sample_ratio([500, 500], [1, 1]) == 1
    assert sample_ratio([5200, 4800], [1, 1]) < 0.001
