"""Tests for experiments: differences of means, and whether the groups were drawn as planned.

Apart from ``statistics``, because SciPy takes most of a second to load and few processes need it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from reports.policy.statistics import Estimate, quantile


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
    width = float(special.stdtrit(freedom, 0.5 + confidence / 2)) if freedom < 1000 else quantile(confidence)
    spread = width * math.sqrt(a + b)
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
