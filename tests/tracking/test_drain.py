"""Draining: every hit exactly once, whatever dies."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine

from app.core.config import Settings
from app.core.db import unit_of_work
from app.core.ids import host_id
from tests.factories.tracking import Sent, hit, make_sent
from tracking.engine import drainer, folder, spool
from tracking.engine.spool import Spool
from tracking.policy.flood import Flood
from tracking.policy.hits import Hit, encode
from tracking.services.fold import fold
from tracking.services.rebuild import rebuild

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def sent(db: Engine) -> Sent:
    with unit_of_work() as session:
        return make_sent(session, 5)


@pytest.fixture
def here(db: Engine, settings: Settings) -> drainer.Drainer:
    return drainer.build()


def spooled(settings: Settings, hits: list[Hit], **options: int) -> Spool:
    writer = Spool(settings.var / "spool", host_id(settings.var), **options)
    for each in hits:
        writer.append(encode(each))
    return writer


def count(db: Engine, table: str = "event") -> int:
    with db.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def files(settings: Settings) -> list[Path]:
    return list((settings.var / "spool").glob("*.spool"))


def test_hits_reach_events_once_and_the_file_goes_when_closed(
    db: Engine, settings: Settings, here: drainer.Drainer, sent: Sent
) -> None:
    writer = spooled(settings, [hit(sent, n, after=60 + n) for n in range(5)])
    assert here.drain().kept == 5
    assert here.drain().bytes == 0
    assert len(files(settings)) == 1
    writer.append(encode(hit(sent, 0, after=500)))
    assert here.drain().kept == 1
    writer.close()
    here.drain()
    assert files(settings) == []
    assert count(db) == 6


def test_a_drainer_without_memory_goes_on_where_the_database_says(
    db: Engine, settings: Settings, here: drainer.Drainer, sent: Sent
) -> None:
    writer = spooled(settings, [hit(sent, n, after=60 + n) for n in range(5)])
    here.drain()
    writer.append(encode(hit(sent, 0, after=500)))
    assert drainer.build().drain().kept == 1
    assert count(db) == 6
    writer.close()


def test_torn_and_poisoned_records_are_set_aside_with_a_reason(
    db: Engine, settings: Settings, here: drainer.Drainer, sent: Sent
) -> None:
    writer = spooled(settings, [hit(sent, 0)])
    writer.append(encode(hit(sent, 1)._replace(at_us=9_000_000_000_000_000)))
    writer.append(b"not a hit")
    writer.close()
    (path,) = files(settings)
    with path.open("ab") as opened:
        opened.write(spool.frame(encode(hit(sent, 2)))[:-5])
    drained = here.drain()
    assert (drained.kept, drained.aside) == (1, 3)
    (aside,) = (settings.var / "spool" / "aside").glob("*.jsonl")
    reasons = [json.loads(line)["reason"] for line in aside.read_text().splitlines()]
    assert reasons == ["torn or altered", "impossible time", "unknown form of record"]
    assert files(settings) == []


def test_nothing_of_an_untracked_person_outlives_the_spool(
    db: Engine, settings: Settings, here: drainer.Drainer
) -> None:
    with unit_of_work() as session:
        untracked = make_sent(session, 2, tracked=False)
    writer = spooled(settings, [hit(untracked, 0), hit(untracked, 1, link=0)])
    writer.close()
    drained = here.drain()
    assert (drained.kept, drained.dropped) == (0, 2)
    assert files(settings) == []
    assert count(db) == count(db, "event_batch") == 0


def test_a_database_that_drops_its_connections_loses_and_doubles_nothing(
    db: Engine, settings: Settings, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drainer, "ROUND_BYTES", 65_536)
    spooled(settings, [hit(sent, n % 5, after=60 + n) for n in range(6000)]).close()
    stop = threading.Event()
    draining = threading.Thread(target=drainer.build().run, args=[stop])
    draining.start()
    with psycopg.connect(settings.psycopg_url, autocommit=True) as other:
        for _ in range(5):
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            time.sleep(0.15)
    wait_for(lambda: files(settings) == [], seconds=60)
    stop.set()
    draining.join()
    db.dispose()
    assert count(db) == 6000


def drain_process() -> subprocess.Popen[bytes]:
    script = (
        "import threading; from app.core import config, db; import tracking.engine.drainer as drainer;"
        "config.use(config.Settings.from_env()); db.connect(config.current().database_url);"
        "drainer.ROUND_BYTES = 40_000; drainer.build().run(threading.Event())"
    )
    return subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=dict(os.environ))


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_kill_9_of_the_drainer_at_any_moment_counts_every_hit_once(db: Engine, settings: Settings, sent: Sent) -> None:
    writer = spooled(settings, [], max_bytes=60_000)
    written = 0

    def write(number: int) -> None:
        nonlocal written
        for _ in range(number):
            writer.append(encode(hit(sent, written % 5, after=60 + written)))
            written += 1

    rng = random.Random(4)
    for _ in range(4):
        write(2000)
        before = count(db)
        process = drain_process()
        wait_for(lambda before=before: count(db) > before)  # type: ignore[misc]
        time.sleep(rng.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    writer.close()
    process = drain_process()
    try:
        wait_for(lambda: files(settings) == [])
    finally:
        process.kill()
        process.wait()
    assert count(db) == written
    with unit_of_work() as session:
        session.connection().exec_driver_sql("UPDATE event_batch SET drained_at = now() - interval '1 minute'")
    while folder.fold_once():
        pass
    with unit_of_work() as session:
        total = session.connection().exec_driver_sql("SELECT sum(opens) FROM message").scalar_one()
        assert total == written
        assert rebuild(session).total == 0
        assert fold(session) == 0


def test_one_message_takes_so_many_hits_a_day_and_no_more(
    db: Engine, settings: Settings, here: drainer.Drainer, sent: Sent
) -> None:
    here._flood = Flood(most=10)
    writer = spooled(settings, [hit(sent, 0, after=60 + n) for n in range(8)])
    assert here.drain().kept == 8
    for each in [*(hit(sent, 0, after=90 + n) for n in range(8)), hit(sent, 1, after=90)]:
        writer.append(encode(each))
    drained = here.drain()
    assert (drained.kept, drained.dropped) == (3, 6)


def test_what_was_set_aside_is_deleted_after_a_week(
    db: Engine, settings: Settings, here: drainer.Drainer, sent: Sent
) -> None:
    aside = settings.var / "spool" / "aside"
    aside.mkdir(parents=True)
    for name, age in (("old", 8), ("new", 6)):
        (aside / f"{name}.jsonl").touch()
        os.utime(aside / f"{name}.jsonl", (time.time() - age * 86_400,) * 2)
    stop = threading.Event()
    stop.set()
    here.run(stop)
    assert [path.name for path in aside.iterdir()] == ["new.jsonl"]
