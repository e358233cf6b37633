"""Intervals for the rates that campaigns show. Intervals are two-sided, 95 % by default."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

# Not scipy.stats, which holds the same functions but takes a second to import, in every process.


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
    z = quantile(confidence)
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


@lru_cache
def quantile(confidence: float) -> float:
    """Return how many standard deviations of a normal distribution hold ``confidence`` of it, e.g. 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)
