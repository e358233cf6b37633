"""The embedded engines come up whatever a crash left, and say in a sentence what they cannot mend."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from app.core.errors import EngineUnavailable
from app.local import engines
from app.local.engines import postgres
from app.local.engines.postgres import Postgres
from app.local.engines.valkey import Valkey
from tests.local.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def var(tmp_path):
    yield tmp_path / "a folder with spaces"
    for engine in (Postgres(tmp_path / "a folder with spaces"), Valkey(tmp_path / "a folder with spaces")):
        assert engine.pid is None, "the test left an engine running"


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_nothing_is_lost_by_killing_both_engines(var):
    first = engines.start(var)
    with psycopg.connect(first.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    kill(Postgres(var).pid)
    kill(Valkey(var).pid)
    wait_until(lambda: Postgres(var).pid is None and Valkey(var).pid is None)
    first.stop()
    again = engines.start(var)
    try:
        with psycopg.connect(again.database_url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
    finally:
        again.stop()


def test_an_empty_pid_file_and_a_foreign_pid_do_not_matter(var):
    engines.start(var, durable=False).stop()
    for content in ("", f"{os.getpid()}\n"):
        (var / "postgres" / "data" / "postmaster.pid").write_text(content)
        engines.start(var, durable=False).stop()


def test_running_engines_are_shared_and_the_last_one_out_stops_them(var):
    first = engines.start(var, durable=False)
    second = engines.start(var, durable=False)
    assert second.database_url == first.database_url
    first.stop()
    with psycopg.connect(second.database_url):
        pass
    second.stop()
    assert engines.running(var) is None


def test_a_killed_user_leaves_no_engine(var):
    code = (
        "import os, sys, pathlib; from app.local import engines;"
        "engines.start(pathlib.Path(sys.argv[1]), durable=False); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(var)], cwd=ROOT)
    wait_until(lambda: Postgres(var).pid is None and Valkey(var).pid is None)


def test_a_taken_port_is_left_for_another(var):
    engines.start(var, durable=False).stop()
    taken = engines.start(var.with_name("other"), durable=False)
    try:
        port = taken.database_url.rsplit(":", 1)[1].split("/")[0]
        for name in ("postgres", "valkey"):
            (var / name / "port").write_text(port)
        started = engines.start(var, durable=False)
        assert f":{port}/" not in started.database_url + started.redis_url
        started.stop()
    finally:
        taken.stop()


def test_a_damaged_append_only_file_is_set_aside(var):
    started = engines.start(var)
    redis.Redis.from_url(started.redis_url).set("a", "b")
    started.stop()
    for file in (var / "valkey" / "appendonlydir").glob("*.aof"):
        file.write_bytes(b"this is no append-only file\r\n")
    engines.start(var).stop()
    assert list((var / "valkey").glob("appendonlydir.damaged-*"))


def test_a_wrong_password_is_said_with_the_way_out_and_nothing_is_left(var):
    engines.start(var, durable=False).stop()
    (var / "secrets" / "postgres").write_text("not the password")
    with pytest.raises(EngineUnavailable, match=r"secrets/postgres: put the file back .* DATABASE_URL"):
        engines.start(var, durable=False)


def test_data_of_another_version_is_said_with_the_way_out(var):
    engines.start(var, durable=False).stop()
    (var / "postgres" / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(EngineUnavailable, match=r"written by PostgreSQL 12,.* install 12"):
        engines.start(var, durable=False)


def test_absent_programs_are_said_with_the_way_out(var, monkeypatch):
    monkeypatch.setattr(postgres, "programs", dict)
    with pytest.raises(EngineUnavailable, match="No PostgreSQL 15 or newer is here: run make setup"):
        engines.start(var, durable=False)


def test_a_full_disk_is_said_with_the_way_out(var):
    said = Postgres(var).explain('FATAL:  could not write to file "pg_wal/xlogtemp": No space left on device')
    assert "is full: make room" in said
    assert "is full: make room" in Valkey(var).explain("write: No space left on device")


def test_no_password_shows_in_the_process_list_or_to_others(var):
    started = engines.start(var, durable=False)
    try:
        secrets = [(var / "secrets" / name).read_text() for name in ("postgres", "valkey")]
        shown = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True).stdout
        assert not any(secret in shown for secret in secrets)
        for file in (*(var / "secrets").iterdir(), var / "valkey" / "valkey.conf", var / "engines.json"):
            assert file.stat().st_mode & 0o077 == 0, file
    finally:
        started.stop()


@pytest.mark.parametrize("version", sorted(postgres.programs()))
def test_every_version_that_is_here_serves(var, monkeypatch, version):
    found = postgres.programs()
    monkeypatch.setattr(postgres, "programs", lambda: {version: found[version]})
    started = engines.start(var, durable=False)
    try:
        with psycopg.connect(started.database_url) as connection:
            assert connection.info.server_version // 10_000 == version
    finally:
        started.stop()
