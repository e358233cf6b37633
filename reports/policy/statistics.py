"""Intervals and tests for what campaigns show. Intervals are two-sided, 95 % by default."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Not scipy.stats, which holds the same functions but takes a second to import, in every process.
from scipy import special


@dataclass(frozen=True)
class Interval:
    """A confidence interval, in the unit of its estimate."""

    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """An estimate with its interval."""

    value: float
    low: float
    high: float


def wilson(successes: int, trials: int, confidence: float = 0.95) -> Interval | None:
    """Return Wilson's score interval for a proportion; None without trials.

    Wilson, JASA 22 (1927) 209-212. It stays within 0 and 1 and holds its level for small counts and rates near 0.
    """
    if trials == 0:
        return None
    z = _z(confidence)
    p = successes / trials
    centre = p + z * z / (2 * trials)
    spread = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    # At 0 and at ``trials`` the bound is exact; rounding must not put it a hair inside.
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == trials else (centre + spread) / scale
    return Interval(low, high)


def newcombe(
    successes: int, trials: int, control: int, control_trials: int, confidence: float = 0.95
) -> Estimate | None:
    """Return the difference of two independent proportions with its interval; None when either has no trials.

    Newcombe's hybrid score method (method 10 in Statistics in Medicine 17 (1998) 873-890), made of Wilson intervals.
    """
    one, two = wilson(successes, trials, confidence), wilson(control, control_trials, confidence)
    if one is None or two is None:
        return None
    p, q = successes / trials, control / control_trials
    below = math.hypot(p - one.low, two.high - q)
    above = math.hypot(one.high - p, q - two.low)
    return Estimate(p - q, p - q - below, p - q + above)


@dataclass(frozen=True)
class Sample:
    """Size, mean and variance (with n - 1) of a measured quantity."""

    n: int
    mean: float
    variance: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Sample:
        """Summarise ``values``; needs two or more."""
        n = len(values)
        mean = math.fsum(values) / n
        return cls(n, mean, math.fsum((value - mean) ** 2 for value in values) / (n - 1))


def welch(treated: Sample, control: Sample, confidence: float = 0.95) -> Estimate:
    """Return the difference of two means with unequal variances and its interval (Welch, Biometrika 34 (1947)).

    From 1,000 degrees of freedom on, the normal quantile stands for Student's, from which it differs by 0.1 % or less.
    """
    a, b = treated.variance / treated.n, control.variance / control.n
    freedom = (a + b) ** 2 / (a**2 / (treated.n - 1) + b**2 / (control.n - 1))
    quantile = float(special.stdtrit(freedom, 0.5 + confidence / 2)) if freedom < 1000 else _z(confidence)
    spread = quantile * math.sqrt(a + b)
    difference = treated.mean - control.mean
    return Estimate(difference, difference - spread, difference + spread)


def sample_ratio(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Return the p-value that groups of ``counts`` were drawn with ``shares`` (Pearson's chi-squared test).

    A small value (below 0.001) means that the split itself went wrong, and no result of it is to be trusted.
    """
    total, weight = sum(counts), sum(shares)
    expected = [total * share / weight for share in shares]
    statistic = sum((count - mean) ** 2 / mean for count, mean in zip(counts, expected, strict=True))
    return float(special.chdtrc(len(counts) - 1, statistic))


def _z(confidence: float) -> float:
    return float(special.ndtri(0.5 + confidence / 2))
