"""Live counts of segments: 200 of five conditions each, drawn from a fixed seed, over a seeded base, without any cache.

Each is a statement compiled and run as the builder does it. The reference is one sequential count over ``contact``,
taken again before every tenth segment. Where the base is already a seeded one of the size that is asked for (``flask
bench seed``), it is read as it is; else one is made and dropped again.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from app.bench import seed, segment_draw
from app.bench.ground import Result, database
from app.core.db import unit_of_work
from campaigns.queries import segments
from campaigns.services import lists
from campaigns.services import segments as service
from tracking.queries import segments as tracking_segments

SEGMENTS = 200
_SEED = 20261125
_HELPERS: dict[str, dict[str, object]] = {
    "Bench: in France": {"field": "country", "op": "eq", "value": "FR"},
    "Bench: members": {"field": "member", "op": "eq", "value": True},
}
_LIST = "Bench: listed"


def run(*, quick: bool, contacts: int | None = None) -> Result:
    """Measure with 1,000,000 people unless told otherwise; with 20,000 when ``quick``."""
    people = contacts or (20_000 if quick else 1_000_000)
    tracking_segments.register()
    with _base(people), _helpers() as (inside, listed):
        dice = random.Random(_SEED)
        drawn = [segment_draw.segment(dice, inside, listed) for _ in range(SEGMENTS)]
        _count(drawn[0]), _plain()
        times, ratios, plain = [], [], _plain()
        for number, definition in enumerate(drawn):
            if number % 10 == 0:
                plain = statistics.median(_plain() for _ in range(3))
            times.append(_count(definition))
            ratios.append(times[-1] / plain)
        reference = statistics.median(_plain() for _ in range(5))
    slowest = max(range(SEGMENTS), key=lambda n: times[n])
    print(f"slowest: {times[slowest] * 1000:.0f} ms: {drawn[slowest]}")
    return Result(
        "segments",
        figures={
            "people": people,
            "segments": SEGMENTS,
            "median_ms": 1000 * statistics.median(times),
            "p95_ms": 1000 * _percentile(times, 95),
            "slowest_ms": 1000 * max(times),
        },
        references={"sequential_count_ms": 1000 * reference},
        ratios={"median_to_sequential": statistics.median(ratios), "p95_to_sequential": _percentile(ratios, 95)},
    )


@contextmanager
def _base(people: int) -> Iterator[None]:
    """Stand on the deployment's own base when it is a seeded one of this size, else on a fresh one."""
    if seed.seeded() == people:
        yield
        return
    with database():
        seed.fill(people)
        yield


@contextmanager
def _helpers() -> Iterator[tuple[list[int], int]]:
    """Make the segments and the list that others ask for, and take them away, as well as what a killed run left."""
    _clear()
    with unit_of_work() as session:
        inside = [service.create(session, name, {"all": [condition]}) for name, condition in _HELPERS.items()]
        listed = lists.snapshot(session, inside[-1], _LIST)
    try:
        yield inside, listed
    finally:
        _clear()


def _clear() -> None:
    with unit_of_work() as session:
        session.execute(text("DELETE FROM people_list WHERE name = :name"), {"name": _LIST})
        session.execute(text("DELETE FROM segment WHERE name = ANY(:names)"), {"names": list(_HELPERS)})


def _count(definition: dict[str, object]) -> float:
    """Return the seconds that compiling and counting take."""
    with unit_of_work() as session:
        begun = time.perf_counter()
        segments.count(session, definition)
        return time.perf_counter() - begun


def _plain() -> float:
    with unit_of_work() as session:
        session.execute(text("SET LOCAL enable_indexscan = off"))
        session.execute(text("SET LOCAL enable_indexonlyscan = off"))
        session.execute(text("SET LOCAL enable_bitmapscan = off"))
        begun = time.perf_counter()
        session.scalar(text("SELECT count(*) FROM contact WHERE erased_at IS NULL"))
        return time.perf_counter() - begun


def _percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]
