"""Jobs: a row in PostgreSQL is the truth, Celery carries the news of it.

``enqueue`` writes a row in the caller's transaction; after the commit its id is published to Celery. A worker runs
the job under a PostgreSQL advisory lock and deletes the row when it is done. So a job can neither be published
before its data is there, nor be lost with a worker, a broker or a message that vanished on its way: the sweeper
(``sweep``, by beat) publishes again whatever is due, unlocked and not done. A duplicate delivery finds the row
locked or gone and does nothing. Jobs must be safe to repeat, because a worker may die after its work and before
the deletion.

Periodic work has no row: beat sends it, a lock keeps two rounds from overlapping, the next round repeats it.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import psycopg
from sqlalchemy import Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock, db, log
from app.core.errors import UserError
from app.core.registries import Registry

logger = log.get("jobs")

# Spaces in the 63 bits of advisory locks: job ids live above one number, periodic work above another.
_LOCK_SPACE = 0x7065 << 44
_PERIODIC_SPACE = 0x7066 << 44
MAX_ATTEMPTS = 6  # which take some five minutes
MAX_DEATHS = 44  # a job that kills its worker each time leaves no error, and must end, too
_LONGEST_WAIT = 1280  # seconds


class Queue(StrEnum):
    """The queues. ``app.local.run`` starts workers for all of them, and a guard test says so."""

    SYSTEM = "system"  # system mails: somebody waits for them
    IMPORT = "import"  # imports and exports
    SEND = "send"  # the sending pump
    UPKEEP = "upkeep"  # sweeping, partitions, reconciling


class JobRow(db.Base):
    """One job that is due, running or has failed for good."""

    __tablename__ = "job"
    id: Mapped[db.bigint_id]
    name: Mapped[str] = mapped_column(Text)
    queue: Mapped[str] = mapped_column(Text)
    args: Mapped[list[Any]] = mapped_column(JSONB)
    created_at: Mapped[db.created]
    due_at: Mapped[db.timestamp]
    published_at: Mapped[db.timestamp | None]
    started_at: Mapped[db.timestamp | None]
    failed_at: Mapped[db.timestamp | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (Index("ix_job_due_at", "due_at", postgresql_where=text("failed_at IS NULL")),)


class Publisher(Protocol):
    """What carries a job's id to a worker."""

    def __call__(self, name: str, args: list[Any], queue: str) -> None: ...


@dataclass(frozen=True)
class JobName:
    """A job as ``enqueue`` needs to know it; services, which lie below the tasks, name jobs by it."""

    name: str
    queue: Queue


@dataclass(frozen=True)
class Job(JobName):
    """A function that a worker runs. ``args`` of ``enqueue`` are JSON scalars: ids, not objects. After that many
    ``attempts`` that failed it is kept as failed."""

    function: Callable[..., None]
    attempts: int = MAX_ATTEMPTS


@dataclass(frozen=True)
class Periodic:
    """A function that beat has run every ``every`` seconds."""

    name: str
    every: float
    queue: Queue
    function: Callable[[], None]


jobs: Registry[Job] = Registry("jobs")
periodics: Registry[Periodic] = Registry("periodic jobs")
_publisher: Publisher | None = None


def publish_with(publisher: Publisher) -> None:
    """Set what carries job ids to workers; the factory gives Celery's ``send_task``."""
    global _publisher
    _publisher = publisher


def job(name: str, *, queue: Queue, attempts: int = MAX_ATTEMPTS) -> Callable[[Callable[..., None]], Job]:
    """Make a function a job. It opens its own units of work and may run again after a crash."""

    def wrap(function: Callable[..., None]) -> Job:
        return jobs.add(name, Job(name, queue, function, attempts))

    return wrap


def periodic(name: str, *, every: float, queue: Queue = Queue.UPKEEP) -> Callable[[Callable[[], None]], Periodic]:
    """Make a function periodic work: safe to repeat, safe to miss."""

    def wrap(function: Callable[[], None]) -> Periodic:
        return periodics.add(name, Periodic(name, every, queue, function))

    return wrap


def enqueue(session: Session, what: JobName, *args: str | int | None, delay: timedelta = timedelta()) -> int:
    """Write a job in the session's transaction; it is published after the commit. Returns the job's id.

    With ``delay`` the sweeper publishes it when it is due.
    """
    now = clock.now()
    row = JobRow(name=what.name, queue=what.queue.value, args=list(args), due_at=now + delay)
    if not delay:
        row.published_at = now
    session.add(row)
    session.flush()
    if not delay:
        db.after_commit(session, lambda: _publish(row.id, what.name, what.queue.value))
    return row.id


def is_waiting(session: Session, what: JobName, *args: str | int | None) -> bool:
    """Tell whether this job with these ``args`` is enqueued already and nobody has begun it."""
    rows = session.execute(
        text(
            "SELECT 1 FROM job WHERE name = :name AND args = CAST(:args AS jsonb)"
            " AND started_at IS NULL AND failed_at IS NULL LIMIT 1"
        ),
        {"name": what.name, "args": json.dumps(list(args))},
    )
    return rows.first() is not None


def is_open(session: Session, what: JobName) -> bool:
    """Tell whether a job of this kind waits or runs."""
    query = text("SELECT 1 FROM job WHERE name = :name AND failed_at IS NULL LIMIT 1")
    return session.execute(query, {"name": what.name}).first() is not None


def due(session: Session, what: JobName, first: int) -> list[int]:
    """Return the ids of this kind of job whose first argument is ``first`` and whose time has come."""
    rows = session.execute(
        text(
            "SELECT id FROM job WHERE name = :name AND args -> 0 = to_jsonb(CAST(:first AS bigint))"
            " AND failed_at IS NULL AND due_at <= now() ORDER BY id"
        ),
        {"name": what.name, "first": first},
    )
    return [row.id for row in rows]


def _publish(job_id: int, name: str, queue: str) -> None:
    if _publisher is None:
        return  # a process without a broker (a command on the database alone): the sweeper publishes
    try:
        _publisher(name, [job_id], queue)
    except Exception as error:  # the broker is away: the row is safe and the sweeper will publish it
        logger.warning("publish_failed", job=name, job_id=job_id, error=type(error).__name__)


@contextmanager
def lock(key: int) -> Iterator[psycopg.Connection | None]:
    """Hold advisory lock ``key`` on a connection of its own; yields None when somebody else holds it.

    The lock goes with the connection, so a killed process cannot keep it. PostgreSQL may notice a moment later that a
    connection was closed, so at the end the lock is given back in so many words.
    """
    with db.raw(autocommit=True) as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
        if not (row and row[0]):
            yield None
            return
        try:
            yield connection
        finally:
            with suppress(psycopg.Error):
                connection.execute("SELECT pg_advisory_unlock(%s)", [key])


def run(job_id: int) -> None:
    """Run one job to its end, as a worker does: at most one run at a time, none after it is done."""
    with lock(_LOCK_SPACE + job_id) as held:
        if held is None:
            return
        row = held.execute(
            "UPDATE job SET started_at = now(), attempts = attempts + 1 WHERE id = %s AND failed_at IS NULL"
            " RETURNING name, args, attempts",
            [job_id],
        ).fetchone()
        if row is None:
            return
        name, args, attempts = row
        log.bind(job=name, job_id=job_id)
        what = jobs.get(name)
        most = what.attempts if what else MAX_ATTEMPTS
        try:
            if attempts > most + MAX_DEATHS:
                raise UserError(f"It was begun {attempts} times, and its worker died each time.")
            if what is None:
                raise UserError(f"No job is called {name!r}: this worker runs another version of the code.")
            what.function(*args)
        except Exception as error:
            logger.exception("job_failed", attempts=attempts)
            _put_back(held, job_id, attempts, error, last=attempts >= most)
        else:
            held.execute("DELETE FROM job WHERE id = %s", [job_id])


def _put_back(held: psycopg.Connection, job_id: int, attempts: int, error: Exception, *, last: bool) -> None:
    """Make a failed job due again later, doubling the wait; after the last attempt keep it as failed."""
    held.execute(
        "UPDATE job SET started_at = NULL, published_at = NULL, error = %s, due_at = now() + %s * interval '1 second',"
        " failed_at = CASE WHEN %s THEN now() END WHERE id = %s",
        [f"{type(error).__name__}: {error}"[:2000], min(5 * 2 ** min(attempts, 20), _LONGEST_WAIT), last, job_id],
    )


def run_periodic(name: str) -> None:
    """Run one round of periodic work, unless a round is still under way."""
    what = periodics.get(name)
    if what is None:
        return
    with lock(_PERIODIC_SPACE + zlib.crc32(name.encode())) as held:
        if held is not None:
            log.bind(periodic=name)
            what.function()


# Those that were never published come first: a long queue of one kind must not hide the others.
_LOST = """
SELECT id, name, queue FROM job
WHERE failed_at IS NULL AND due_at <= now()
  AND (published_at IS NULL AND due_at < now() - interval '2 seconds'
       OR started_at IS NOT NULL AND started_at < now() - interval '5 seconds'
       OR started_at IS NULL AND published_at < now() - interval '20 seconds' AND queue = ANY(%s))
ORDER BY published_at NULLS FIRST, id LIMIT 1000
"""


def sweep(waiting: Callable[[str], int]) -> int:
    """Publish again every due job that nobody runs; returns how many.

    ``waiting(queue)`` is the number of messages in a queue: a published job that has not started is lost only
    when its queue is empty, else it is merely waiting its turn.
    """
    count = 0
    empty = [queue.value for queue in Queue if waiting(queue.value) == 0]
    with db.raw(autocommit=True) as connection:
        for job_id, name, queue in connection.execute(_LOST, [empty]).fetchall():
            key = _LOCK_SPACE + job_id
            free = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
            if not free or not free[0]:
                continue  # a worker is on it
            connection.execute("UPDATE job SET started_at = NULL, published_at = now() WHERE id = %s", [job_id])
            connection.execute("SELECT pg_advisory_unlock(%s)", [key])
            _publish(job_id, name, queue)
            count += 1
    if count:
        logger.info("jobs_published_again", count=count)
    return count


def failed(session: Session, limit: int = 50) -> list[tuple[int, str, datetime, str]]:
    """Return the newest jobs that failed for good: id, name, time, error."""
    rows = session.execute(
        text("SELECT id, name, failed_at, error FROM job WHERE failed_at IS NOT NULL ORDER BY id DESC LIMIT :n"),
        {"n": limit},
    )
    return [(row[0], row[1], row[2], row[3] or "") for row in rows]


def waiting(session: Session) -> dict[str, int]:
    """Return how many jobs of each queue are not done and have not failed for good."""
    rows = session.execute(text("SELECT queue, count(*) FROM job WHERE failed_at IS NULL GROUP BY queue"))
    found = {row[0]: int(row[1]) for row in rows}
    return {queue.value: found.get(queue.value, 0) for queue in Queue}


def count_failed(session: Session) -> int:
    """Return how many jobs failed for good."""
    return int(session.execute(text("SELECT count(*) FROM job WHERE failed_at IS NOT NULL")).scalar_one())


def retry(session: Session, job_id: int) -> bool:
    """Make a failed job due again, with all its attempts; the sweeper publishes it. False when it is not there."""
    row = session.execute(
        text(
            "UPDATE job SET failed_at = NULL, attempts = 0, error = NULL, due_at = now(), published_at = NULL"
            " WHERE id = :id AND failed_at IS NOT NULL RETURNING id"
        ),
        {"id": job_id},
    ).first()
    return row is not None


def discard(session: Session, job_id: int) -> bool:
    """Forget a failed job. False when it is not there."""
    row = session.execute(text("DELETE FROM job WHERE id = :id AND failed_at IS NOT NULL RETURNING id"), {"id": job_id})
    return row.first() is not None


def forget(session: Session, texts: Collection[str]) -> None:
    """Forget failed jobs that name one of ``texts`` (the addresses of somebody erased), and such errors of others."""
    for what in texts:
        like = {"like": "%" + re.sub(r"([\\\\%_])", r"\\\1", what) + "%"}
        session.execute(
            text("DELETE FROM job WHERE failed_at IS NOT NULL AND (error ILIKE :like OR args::text ILIKE :like)"), like
        )
        session.execute(text("UPDATE job SET error = NULL WHERE error ILIKE :like"), like)
