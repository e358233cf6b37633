"""Jobs survive a rollback, a dead worker, a lost message and a failure; none runs twice at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from app.core import clock, jobs
from app.core.db import unit_of_work
from app.core.jobs import Queue, enqueue, job

ran: list[int] = []
published: list[int] = []


@job("test.note", queue=Queue.UPKEEP)
def note(number: int) -> None:
    ran.append(number)


@job("test.fail", queue=Queue.UPKEEP)
def fail() -> None:
    raise RuntimeError("the relay is away")


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    ran.clear()
    published.clear()
    monkeypatch.setattr(jobs, "_publisher", lambda name, args, queue: published.append(args[0]))
    yield


def rows(db: Engine) -> list[tuple[int, int, str | None]]:
    with db.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT id, attempts, error FROM job ORDER BY id"))]


def test_a_job_is_published_only_after_its_transaction_commits(db: Engine) -> None:
    with unit_of_work() as session:
        job_id = enqueue(session, note, 7)
        assert published == []
    assert published == [job_id]


def test_a_rolled_back_job_never_was(db: Engine) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work() as session:
        enqueue(session, note, 7)
        raise ZeroDivisionError
    assert published == [] and rows(db) == []


def test_a_job_runs_once_however_often_it_is_delivered(db: Engine) -> None:
    with unit_of_work() as session:
        job_id = enqueue(session, note, 7)
    jobs.run(job_id)
    jobs.run(job_id)
    assert ran == [7] and rows(db) == []


def test_a_job_that_runs_elsewhere_is_left_alone(db: Engine) -> None:
    started, end = threading.Event(), threading.Event()

    @job("test.slow", queue=Queue.UPKEEP)
    def slow() -> None:
        ran.append(1)
        started.set()
        end.wait(10)

    with unit_of_work() as session:
        job_id = enqueue(session, slow)
    worker = threading.Thread(target=jobs.run, args=(job_id,))
    worker.start()
    started.wait(10)
    jobs.run(job_id)
    with db.begin() as connection:
        connection.execute(text("UPDATE job SET started_at = now() - interval '1 hour'"))
    assert jobs.sweep(lambda queue: 0) == 0
    end.set()
    worker.join(10)
    assert ran == [1] and rows(db) == []


def test_a_job_whose_worker_died_is_published_again(db: Engine) -> None:
    with unit_of_work() as session:
        job_id = enqueue(session, note, 7)
    with db.begin() as connection:  # what a worker leaves that was killed a little later
        connection.execute(text("UPDATE job SET started_at = now() - interval '6 seconds', attempts = 1"))
    assert jobs.sweep(lambda queue: 5) == 1
    assert published == [job_id, job_id]


def test_a_message_lost_by_the_broker_is_sent_again_only_when_its_queue_is_empty(db: Engine) -> None:
    with unit_of_work() as session:
        enqueue(session, note, 7)
    with db.begin() as connection:
        connection.execute(text("UPDATE job SET published_at = now() - interval '21 seconds'"))
    assert jobs.sweep(lambda queue: 3) == 0
    assert jobs.sweep(lambda queue: 0) == 1


def test_a_delayed_job_waits_for_its_time(db: Engine) -> None:
    with unit_of_work() as session:
        enqueue(session, note, 7, delay=timedelta(hours=1))
    assert jobs.sweep(lambda queue: 0) == 0
    with db.begin() as connection:
        connection.execute(text("UPDATE job SET due_at = now() - interval '3 seconds'"))
    assert jobs.sweep(lambda queue: 0) == 1


def test_a_delayed_job_is_published_although_its_queue_is_busy(db: Engine) -> None:
    with unit_of_work() as session:
        for number in range(1001):
            enqueue(session, note, number)
        delayed = enqueue(session, note, 7, delay=timedelta(hours=1))
    published.clear()
    with db.begin() as connection:
        connection.execute(text("UPDATE job SET published_at = published_at - interval '1 hour'"))
        connection.execute(text("UPDATE job SET due_at = due_at - interval '1 hour' - interval '3 seconds'"))
    assert jobs.sweep(lambda queue: 1) == 1
    assert published == [delayed]


def test_a_job_that_kills_its_worker_each_time_ends_as_failed(db: Engine) -> None:
    with unit_of_work() as session:
        job_id = enqueue(session, note, 7)
    with db.begin() as connection:
        connection.execute(text("UPDATE job SET attempts = :starts"), {"starts": jobs.MAX_ATTEMPTS + jobs.MAX_DEATHS})
    jobs.run(job_id)
    with unit_of_work() as session:
        [(failed_id, _, _, error)] = jobs.failed(session)
    assert ran == [] and failed_id == job_id and "its worker died" in error


def test_a_failing_job_is_tried_again_later_and_in_the_end_kept_as_failed(db: Engine) -> None:
    with unit_of_work() as session:
        job_id = enqueue(session, fail)
    jobs.run(job_id)
    assert rows(db) == [(job_id, 1, "RuntimeError: the relay is away")]
    for _ in range(jobs.MAX_ATTEMPTS):
        jobs.run(job_id)
    with unit_of_work() as session:
        [(failed_id, name, _, error)] = jobs.failed(session)
    assert (failed_id, name, error) == (job_id, "test.fail", "RuntimeError: the relay is away")


def test_a_job_may_be_more_patient_than_others(db: Engine) -> None:
    @job("test.patient", queue=Queue.UPKEEP, attempts=jobs.MAX_ATTEMPTS + 2)
    def patient() -> None:
        raise RuntimeError("the relay is away")

    with unit_of_work() as session:
        job_id = enqueue(session, patient)
    for attempt in range(jobs.MAX_ATTEMPTS + 2):
        with unit_of_work() as session:
            assert jobs.failed(session) == [], attempt
        jobs.run(job_id)
    with unit_of_work() as session:
        assert [row[0] for row in jobs.failed(session)] == [job_id]


def test_a_broker_that_is_away_loses_nothing(db: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(name: str, args: list[int], queue: str) -> None:
        raise ConnectionError

    monkeypatch.setattr(jobs, "_publisher", away)
    with unit_of_work() as session:
        job_id = enqueue(session, note, 7)
    assert [row[0] for row in rows(db)] == [job_id]


def test_two_rounds_of_periodic_work_do_not_overlap(db: Engine) -> None:
    @jobs.periodic("test.round", every=1)
    def work() -> None:
        ran.append(1)
        jobs.run_periodic("test.round")

    jobs.run_periodic("test.round")
    assert ran == [1]


def test_the_clock_is_utc() -> None:
    assert clock.now().utcoffset() == timedelta()


def test_a_lock_is_free_as_soon_as_it_was_given_back(db: Engine) -> None:
    for _ in range(100):
        with jobs.lock(7) as held:
            assert held is not None
            with jobs.lock(7) as other:
                assert other is None
