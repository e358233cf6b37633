"""The figures that METRICS says must come out of the 64,000-customer experiment."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from reports.policy.experiments import Sample, sample_ratio, welch
from reports.policy.statistics import newcombe

DATA = Path(os.environ.get("CONFORMANCE_DATA", "../shared/data")) / "campaign" / "hillstrom.csv"
Arms = dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def arms() -> Arms:
    if not DATA.exists():
        pytest.skip(f"{DATA} is not here: set CONFORMANCE_DATA")
    found: Arms = {}
    with DATA.open(newline="") as opened:
        for row in csv.DictReader(opened):
            found.setdefault(row["segment"], []).append(row)
    return found


MEN, WOMEN, NONE = "Mens E-Mail", "Womens E-Mail", "No E-Mail"


def test_the_split_was_fair(arms: Arms) -> None:
    sizes = [len(arms[arm]) for arm in (MEN, WOMEN, NONE)]
    assert sizes == [21_307, 21_387, 21_306]
    assert round(sample_ratio(sizes, [1, 1, 1]), 3) == 0.904


@pytest.mark.parametrize(
    ("outcome", "arm", "expected"),
    [
        ("visit", MEN, (7.659, 6.995, 8.323)),
        ("visit", WOMEN, (4.523, 3.889, 5.157)),
        ("conversion", MEN, (0.681, 0.501, 0.864)),
        ("conversion", WOMEN, (0.311, 0.150, 0.475)),
    ],
)
def test_differences_to_the_hold_out(arms: Arms, outcome: str, arm: str, expected: tuple[float, float, float]) -> None:
    def successes(name: str) -> int:
        return sum(int(row[outcome]) for row in arms[name])

    found = newcombe(successes(arm), len(arms[arm]), successes(NONE), len(arms[NONE]))
    assert found is not None
    assert tuple(round(100 * each, 3) for each in (found.value, found.low, found.high)) == expected


@pytest.mark.parametrize(
    ("arm", "expected"),
    [(MEN, (0.769827, 0.485149, 1.054505)), (WOMEN, (0.424412, 0.168965, 0.679860))],
)
def test_spend_each(arms: Arms, arm: str, expected: tuple[float, float, float]) -> None:
    spend = {name: Sample.of([float(row["spend"]) for row in rows]) for name, rows in arms.items()}
    found = welch(spend[arm], spend[NONE])
    assert (found.value, found.low, found.high) == pytest.approx(expected, abs=1e-6)
