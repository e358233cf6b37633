"""Promise 5 at size: events of a year go while new and late ones come in and the run is killed; no figure moves."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.core import clock as now
from app.core.db import unit_of_work
from consent.services.ageing import running, upkeeps
from tests.conftest import Clock
from tests.factories.retention import (
    NOW,
    RUN,
    Cut,
    Shape,
    buy,
    buyers,
    cuts,
    figures,
    live_twice,
    progress_of,
    raw,
    seal_anywhere,
    streams,
    two_campaigns,
)
from tests.factories.sending import wait_for
from tests.factories.tracking import APPLE_PREFETCH, CHROME, Sent, drained, hit
from tracking import tasks
from tracking.policy.hits import Hit
from tracking.services import retention
from tracking.services.fold import fold
from tracking.services.rebuild import rebuild

pytestmark = pytest.mark.proof

PEOPLE, EVENTS, MONTHS, LATE, LATER = 1500, 200_000, 12, 60, 365 * 3


@given(stream=streams, cuts=cuts)
@settings(max_examples=300)
def test_whatever_comes_and_whenever_something_goes(session: Session, stream: list[Shape], cuts: list[Cut]) -> None:
    seal_anywhere(session, stream, cuts)


@given(stream=streams, orders=buyers)
@settings(max_examples=300)
def test_two_worlds_tell_the_same(session: Session, stream: list[Shape], orders: list[tuple[int, float]]) -> None:
    live_twice(session, stream, orders)


def random_hits(chance: Random, campaigns: list[Sent], size: int) -> list[Hit]:
    """Events anywhere within the months, some of them close together."""
    made: list[Hit] = []
    while len(made) < size:
        sent, person = chance.choice(campaigns), chance.choice([*range(PEOPLE), None])
        after = chance.uniform(0, MONTHS * 30 * 86400)
        for _ in range(chance.choice([1, 1, 1, 2, 4])):
            link = chance.choice([None, 0, 1, 2]) if person is not None else chance.randrange(3)
            agent = chance.choice([CHROME, CHROME, CHROME, APPLE_PREFETCH, "curl/8"])
            made.append(hit(sent, person, after=after, link=link, agent=agent))
            after += chance.choice([0.3, 0.7, 5, 600])
    return made[:size]


def test_a_year_goes_while_others_come_and_the_run_is_killed(db: Engine, clock: Clock) -> None:
    upkeeps.add(retention.UPKEEP.name, retention.UPKEEP)
    chance = Random(11)
    with unit_of_work() as session:
        campaigns = two_campaigns(session, PEOPLE)
        hits = random_hits(chance, campaigns, EVENTS)
        for start in range(0, EVENTS, 20_000):
            drained(session, hits[start : start + 20_000])
            fold(session, settled=NOW)
        for person in range(0, PEOPLE, 10):
            buy(session, campaigns[person % 2], person, chance.uniform(0, 86400 * 300), refunded=person % 3 == 0)
    clock.forward(timedelta(days=LATER))
    with unit_of_work() as session:
        before = figures(session, campaigns)
        assert rebuild(session).total == 0
        running.set_months(session, retention.UPKEEP, 3)
        running.switch(session, retention.UPKEEP, True, seen_months=3)
        run_id = running.start(session, retention.UPKEEP)
    deaths = 0
    for _ in range(4):
        deaths += _run_and_kill(run_id, chance.randint(100, 800))
        with unit_of_work() as session:
            assert figures(session, campaigns) == before
            assert rebuild(session).total == 0
    assert deaths

    coming = threading.Thread(target=_come_late, args=(campaigns,))
    coming.start()
    while progress_of(run_id)[0] in ("waiting", "running"):
        _run_and_kill(run_id, 3000)
    coming.join()
    with unit_of_work() as session:
        fold(session, settled=NOW)
        assert session.scalar(text("SELECT sum(events) FROM rollup")) == EVENTS + LATE * 100
        assert rebuild(session).total == 0
        before = figures(session, campaigns)
        again = running.start(session, retention.UPKEEP)
    while progress_of(again)[0] in ("waiting", "running"):
        _run_and_kill(again, 10_000)
    tasks.empty_partitions.function()
    with unit_of_work() as session:
        assert raw(session) == 0 and retention.old_partitions(session) == []
        assert figures(session, campaigns) == before and rebuild(session).total == 0


def _come_late(campaigns: list[Sent]) -> None:
    chance = Random(12)
    for _ in range(LATE):
        with unit_of_work() as session:
            drained(session, random_hits(chance, campaigns, 100))
        with unit_of_work() as session:
            fold(session, settled=NOW)


def _run_and_kill(run_id: int, after_hours: int) -> bool:
    """Run on, and kill it once so many more hours are sealed; tells whether it was killed."""
    target = progress_of(run_id)[1] + after_hours
    command = [sys.executable, "-c", RUN.format(run_id=run_id, days=LATER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        started = now.now()
        wait_for(lambda: progress_of(run_id)[1] >= target or process.poll() is not None, "hours to be sealed", 300)
        killed = process.poll() is None
        process.kill()
    print(f"{progress_of(run_id)[1] - target + after_hours} hours in {(now.now() - started).total_seconds():.1f} s")
    return killed
