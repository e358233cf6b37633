"""Raw events go, figures stay: sealing by the hour and by the person, partitions, what is said of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.core import clock as now
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from campaigns.queries import segments
from consent.commands import COMMANDS
from consent.policy.standing import Actor
from consent.queries.proof import export
from consent.services.ageing import purge, running, upkeeps
from consent.services.erase import erase
from tests.conftest import Clock
from tests.factories.accounts import make_staff, sign_in
from tests.factories.retention import (
    FIRST_HOUR,
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
from tests.factories.tracking import SENT, Sent, drained, hit, make_sent
from tracking import tasks
from tracking.queries.segments import register
from tracking.services import retention
from tracking.services.fold import fold
from tracking.services.rebuild import rebuild
from tracking.services.seal import seal_hours, seal_person


@pytest.fixture(autouse=True)
def offered() -> None:
    upkeeps.add(retention.UPKEEP.name, retention.UPKEEP)


# Whatever comes, whenever something goes


@given(stream=streams, cuts=cuts)
@settings(max_examples=10)
def test_no_figure_shows_what_was_sealed(session: Session, stream: list[Shape], cuts: list[Cut]) -> None:
    """Events in any order, also for hours that are sealed already, orders early and late, people erased between."""
    seal_anywhere(session, stream, cuts)


@given(stream=streams, orders=buyers)
@settings(max_examples=10)
def test_a_world_that_seals_tells_what_one_that_keeps_all_tells(
    session: Session, stream: list[Shape], orders: list[tuple[int, float]]
) -> None:
    """Events as they come, hour after hour, with bursts and repetitions that lie on both sides of what is sealed."""
    live_twice(session, stream, orders)


def test_what_was_judged_together_stays_so_when_half_of_it_is_sealed(session: Session, clock: Clock) -> None:
    """A burst and a repetition on both sides of the hour; whatever touches the message later judges it again."""
    sent = make_sent(session, 2)
    drained(session, [hit(sent, 0, link=n, after=3599.4 + n * 0.7) for n in range(3)])
    drained(session, [hit(sent, 1, link=0, after=after) for after in (3595, 3604)])
    fold(session, settled=NOW)
    seal_hours(session, [FIRST_HOUR])
    drained(session, [hit(sent, person, link=2, after=5000) for person in (0, 1)])
    fold(session, settled=NOW)
    reasons = session.execute(text("SELECT contact_id, label_reason FROM event ORDER BY at")).all()
    assert sorted((sent.people.index(who), why) for who, why in reasons) == [
        (0, ""), (0, "burst"), (0, "burst"), (1, ""), (1, "same_link")
    ]  # fmt: skip
    assert list(session.scalars(text("SELECT clicks FROM message ORDER BY contact_id"))) == [1, 2]
    assert rebuild(session).total == 0


def test_an_order_that_comes_in_late_is_credited_by_what_the_seal_remembers(session: Session) -> None:
    first, second = two_campaigns(session)
    drained(session, [hit(first, 0, link=0, after=after) for after in (100, 200, 300)])
    drained(session, [hit(second, 0, link=0, after=after) for after in (150, 1000)])
    fold(session, settled=NOW)
    buy(session, first, 0, 250)
    seal_hours(session, [FIRST_HOUR])
    buy(session, first, 0, 160)
    buy(session, first, 0, 5000, refunded=True)
    rows = session.execute(text("SELECT campaign_id, clicked_at, sealed FROM conversion ORDER BY order_id")).all()
    assert [(row[0], (row[1] - SENT).total_seconds(), row[2]) for row in rows] == [
        (first.id, 200, True),  # neither first nor last: kept by the conversion itself
        (second.id, 150, True),
        (second.id, 1000, True),
        (second.id, 1000, True),
    ]
    drained(session, [hit(first, 0, link=1, after=4000)])
    fold(session, settled=NOW)
    assert session.scalar(text("SELECT count(*) FROM conversion WHERE NOT sealed")) == 2
    assert rebuild(session).total == 0


def test_segments_know_of_sealed_clicks_what_can_be_known(session: Session, clock: Clock) -> None:
    register()
    clock.to(SENT + timedelta(days=1))
    sent = make_sent(session, 2)
    drained(session, [hit(sent, 0, link=0, after=after) for after in (60, 600, 1200)])
    fold(session, settled=NOW)
    seal_hours(session, [FIRST_HOUR])
    clicked = {"clicks": "link", "value": "shop.example", "op": "did"}

    def known(days: int, times: int) -> int:
        return segments.count(session, clicked | {"within_days": days, "times": times})

    assert [known(2, times) for times in (1, 3, 4)] == [1, 1, 0]
    session.execute(text("UPDATE message SET sent_at = sent_at + interval '1 hour'"))
    clock.to(SENT + timedelta(days=1, seconds=900))  # two of the clicks lie a day back, and more
    assert [known(1, times) for times in (1, 2)] == [1, 0]


def test_events_that_are_not_folded_wait(session: Session) -> None:
    sent = make_sent(session)
    drained(session, [hit(sent, 0, link=0), hit(sent, None, link=0)])
    assert seal_hours(session, [FIRST_HOUR]) == 0 and raw(session) == 2
    assert seal_person(session, sent.people[0]) is False
    fold(session, settled=NOW)
    assert seal_person(session, sent.people[0]) is True and raw(session) == 1
    assert seal_hours(session, [FIRST_HOUR]) == 1 and raw(session) == 0


# The upkeep


def due(session: Session, months: int) -> list[int]:
    return sorted(session.scalars(retention.UPKEEP.due(now.now(), months)))


def test_whole_months_go_once_they_are_older_than_the_period(session: Session, clock: Clock) -> None:
    """``SENT`` is in March 2025."""
    sent = make_sent(session)
    drained(session, [hit(sent, 0), hit(sent, 1), hit(sent, 1, after=7300), hit(sent, None, link=0, after=86400 * 40)])
    clock.to(SENT.replace(month=6, day=30))
    assert due(session, 3) == []
    clock.to(SENT.replace(month=7, day=1))
    assert due(session, 3) == [FIRST_HOUR, FIRST_HOUR + 2]
    [march] = retention.UPKEEP.by_month(session, now.now(), 3)  # type: ignore[misc]
    assert (march.first.isoformat(), march.events, march.people) == ("2025-03-01", 3, 2)
    clock.to(SENT.replace(month=8, day=1))
    assert [(each.events, each.people) for each in running.by_month(session, retention.UPKEEP)] == []
    assert [each.people for each in retention.UPKEEP.by_month(session, now.now(), 3)] == [2, 0]  # type: ignore[misc]


def test_the_period_has_a_lower_bound_and_the_switch_a_dry_run(session: Session, clock: Clock) -> None:
    with pytest.raises(InvalidInput, match="3 to 600"):
        running.set_months(session, retention.UPKEEP, 2)
    assert not running.is_on(session, retention.UPKEEP) and running.months_of(session, retention.UPKEEP) == 25
    drained(session, [hit(make_sent(session), 0)])
    fold(session, settled=NOW)
    clock.to(SENT + timedelta(days=800))
    running.switch(session, retention.UPKEEP, True, seen_months=25)
    assert "raw_events" in running.start_due(session)


def _life(db: Engine) -> list[Sent]:
    """Two campaigns with events in three months and an order, all folded."""
    with unit_of_work() as session:
        campaigns = two_campaigns(session)
        for days in (0, 30, 61):
            hits = [hit(campaigns[n % 2], n // 2 % 2, link=n % 3, after=86400 * days + 3000 * n) for n in range(40)]
            drained(session, [*hits, hit(campaigns[0], None, link=0, after=86400 * days)])
        fold(session, settled=NOW)
        buy(session, campaigns[0], 0, 5000, refunded=True)
    return campaigns


def age(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(COMMANDS[0], ["age", "--job", "raw_events", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.output))


def test_the_command_shows_does_and_empties_partitions(db: Engine, clock: Clock) -> None:
    campaigns = _life(db)
    clock.to(SENT.replace(month=9))
    with unit_of_work() as session:
        before = figures(session, campaigns)
    said = age("--months", "4")
    assert said["events"] == 82 and said["on"] is False
    assert [(month["month"], month["events"]) for month in said["by_month"]] == [  # type: ignore[attr-defined]
        ("2025-03", 41), ("2025-04", 41)
    ]  # fmt: skip
    tasks.empty_partitions.function()
    with unit_of_work() as session:
        assert raw(session) == 123 and figures(session, campaigns) == before  # a dry run changes nothing
    age("--switch", "on")
    assert age()["status"] == "done"
    with unit_of_work() as session:
        assert "event_p202503" in retention.old_partitions(session)
    tasks.empty_partitions.function()
    with unit_of_work() as session:
        assert retention.old_partitions(session) == ["event_p202505"]
        assert raw(session) == 41 and figures(session, campaigns) == before
        assert rebuild(session).total == 0 and figures(session, campaigns) == before
    with unit_of_work() as session:  # an event that was long on its way
        drained(session, [hit(campaigns[0], 1, link=1, after=777)])
        fold(session, settled=NOW)
        assert session.scalar(text("SELECT sum(events) FROM rollup")) == 124
        before = figures(session, campaigns)
    assert age()["events"] == 1
    with unit_of_work() as session:
        assert raw(session) == 41 and figures(session, campaigns) == before and rebuild(session).total == 0


def test_a_partition_that_somebody_reads_is_dropped_later(db: Engine, clock: Clock) -> None:
    _life(db)
    with unit_of_work() as session:
        session.execute(text("DELETE FROM event"))
    clock.to(SENT.replace(month=9))
    with unit_of_work() as reader:
        raw(reader)
        tasks.empty_partitions.function()
        assert raw(reader) == 0
    with unit_of_work() as session:
        assert len(retention.old_partitions(session)) == 3
    tasks.empty_partitions.function()
    with unit_of_work() as session:
        assert retention.old_partitions(session) == []


# Erasure and purge


def test_raw_events_of_somebody_erased_go_and_no_figure_moves(app: Flask, run_jobs: Callable[[], int]) -> None:
    with unit_of_work() as session:
        campaigns = two_campaigns(session)
        first = campaigns[0]
        drained(session, [hit(first, 0), hit(first, 0, link=1, after=90), hit(first, 1, link=1, after=95)])
        fold(session, settled=NOW)
        drained(session, [hit(first, 0, link=2, after=200)])
        buy(session, first, 0, 100)
    with unit_of_work() as session:
        erase(session, first.people[0], actor=Actor.STAFF)
    with unit_of_work() as session:
        before = figures(session, campaigns)
        session.execute(text("UPDATE job SET due_at = now()"))
    tasks.seal_person.function(first.people[0])
    with unit_of_work() as session:  # what was drained and not folded waits for its turn
        assert figures(session, campaigns) == before and raw(session) == 2
        fold(session, settled=NOW)
        before = figures(session, campaigns)
        session.execute(text("UPDATE job SET due_at = now()"))
    run_jobs()
    with unit_of_work() as session:
        assert list(session.scalars(text("SELECT contact_id FROM event"))) == [first.people[1]]
        assert figures(session, campaigns) == before and rebuild(session).total == 0


def test_a_purge_seals_too(app: Flask, run_jobs: Callable[[], int]) -> None:
    with unit_of_work() as session:
        sent = make_sent(session, 1)
        drained(session, [hit(sent, 0, link=1)])
        fold(session, settled=NOW)
        purge.purge(session, list(sent.people))
        before = figures(session, [sent])
        session.execute(text("UPDATE job SET due_at = now()"))
    run_jobs()
    with unit_of_work() as session:
        assert raw(session) == 0 and figures(session, [sent]) == before and rebuild(session).total == 0


# What people are told


def test_an_export_tells_what_is_left_of_older_events(app: Flask) -> None:
    with unit_of_work() as session:
        sent = make_sent(session, 1)
        drained(session, [hit(sent, 0, link=1, after=after) for after in (60, 3000, 4000)])
        fold(session, settled=NOW)
        seal_hours(session, [FIRST_HOUR])
        held = export(session, sent.people[0])
    at = {name: (SENT + timedelta(seconds=after)).isoformat() for name, after in (("first", 60), ("last", 3000))}
    assert held["sealed_events"] == [
        {
            "kind": "click",
            "campaign": sent.id,
            "link": 1,
            "label": "human",
            "times": 2,
            "first_at": at["first"],
            "last_at": at["last"],
        }
    ]
    assert len(held["events"]) == 1  # type: ignore[arg-type]


def test_the_page_shows_months_and_runs(client: FlaskClient, clock: Clock, db: Engine) -> None:
    _life(db)
    make_staff()
    clock.to(SENT.replace(month=9))
    sign_in(client)
    assert "3 to 600 months" in client.post("/ageing/raw_events/months", data={"months": 1}, follow_redirects=True).text
    client.post("/ageing/raw_events/months", data={"months": 4})
    page = client.get("/ageing/raw_events").text
    assert "March 2025" in page and "April 2025" in page and "May 2025" not in page and "82 raw opens" in page
    assert "82</a>" in client.get("/ageing/raw_events/count").text
    client.post("/ageing/raw_events/switch", data={"on": "1", "seen": "4"})
    assert client.post("/ageing/raw_events/run").status_code == 302
    assert "waiting for a worker" in client.get("/ageing/raw_events").text


# Killed


def test_a_run_that_is_killed_again_and_again_loses_and_doubles_nothing(db: Engine, clock: Clock) -> None:
    campaigns = _life(db)
    later = 365 * 5
    clock.forward(timedelta(days=later))
    with unit_of_work() as session:
        before = figures(session, campaigns)
        running.switch(session, retention.UPKEEP, True, seen_months=25)
        run_id = running.start(session, retention.UPKEEP)
        hours = len(due(session, 25))
    deaths, chance = 0, Random(7)
    while progress_of(run_id)[0] in ("waiting", "running"):
        command = [sys.executable, "-c", RUN.format(run_id=run_id, days=later)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        target = progress_of(run_id)[1] + chance.randint(hours // 5, hours // 3)
        wait_for(lambda: progress_of(run_id)[1] >= target or process.poll() is not None, "some hours to be sealed", 60)  # noqa: B023
        deaths += process.poll() is None
        process.kill()
        process.wait()
        with unit_of_work() as session:
            assert figures(session, campaigns) == before and rebuild(session).total == 0
    assert deaths and progress_of(run_id) == ("done", hours)
    with unit_of_work() as session:
        assert raw(session) == 0 and figures(session, campaigns) == before
