"""Fixtures on real engines. Each pytest process has its own PostgreSQL and Valkey, started when first asked for.

settings    the settings of this test, also in the environment for processes it spawns
session     a Session whose transaction is rolled back: for services and queries
db          a fresh, migrated database bound as this process's own: for what commits or spawns processes
valkey      a client of an empty Valkey
app, client the Flask application on ``db``; forms need no CSRF token here
site        the application over HTTP, for a browser
run_jobs    runs what was enqueued on ``db``, until nothing is due
clock       moves app.core.clock
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import hypothesis
import psycopg
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from app.core import clock as core_clock
from app.core import config, jobs, migrate
from app.core import db as core_db
from app.core.config import Settings
from app.local import engines as local_engines

# Machines differ: a slow one must find the same faults, not others. Fixtures here hold no state between examples.
hypothesis.settings.register_profile(
    "permesso", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
hypothesis.settings.load_profile("permesso")

ENGINE_FIXTURES = {"session", "db", "valkey"}
_numbers = count(1)


# Engines and databases


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local_engines.Running]:
    """This pytest process's PostgreSQL and Valkey, in memory where there is enough: every test clones a database."""
    with _in_memory() or nullcontext(tmp_path_factory.mktemp("engines")) as folder:
        started = local_engines.start(Path(folder), durable=False)
        yield started
        started.stop()


def _in_memory() -> tempfile.TemporaryDirectory[str] | None:
    """Return a folder in memory; None where the system has no such place, or a small one (containers)."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < 4 * 2**30:
        return None
    for left in memory.glob("permesso-*-*"):  # of a process that was killed
        if not Path(f"/proc/{left.name.split('-')[1]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"permesso-{os.getpid()}-", dir=memory, ignore_cleanup_errors=True)


@pytest.fixture(scope="session")
def template(engines: local_engines.Running) -> str:
    """Name of a database that was migrated once, from which the others are cloned."""
    _execute(engines, "CREATE DATABASE migrated")
    migrate.upgrade(_url(engines, "migrated").replace("postgresql://", "postgresql+psycopg://"))
    return "migrated"


@pytest.fixture(scope="session")
def room(engines: local_engines.Running, template: str) -> Iterator[Engine]:
    """The database of tests that roll back."""
    engine = create_engine(_clone(engines, template).replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    engine.dispose()


@pytest.fixture
def clone(engines: local_engines.Running, template: str) -> Iterator[str]:
    """URL of a fresh database of this test."""
    url = _clone(engines, template)
    yield url
    _execute(engines, f"DROP DATABASE {url.rsplit('/', 1)[1]} WITH (FORCE)")


def _execute(engines: local_engines.Running, statement: str) -> None:
    with psycopg.connect(_url(engines, "postgres"), autocommit=True) as connection:
        connection.execute(statement)


def _url(engines: local_engines.Running, database: str) -> str:
    return f"{engines.database_url.rsplit('/', 1)[0]}/{database}"


def _clone(engines: local_engines.Running, template: str) -> str:
    name = f"test_{next(_numbers)}"
    # Copying files is some ten times faster than writing the template through the log.
    _execute(engines, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    return _url(engines, name)


# What a test asks for


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The settings in use; they name engines only for a test that asks for some."""
    asked = ENGINE_FIXTURES & set(request.fixturenames)
    environment = {"PERMESSO_VAR": str(tmp_path / "var"), "BASE_URL": "http://localhost", "SMTP_URL": ""}
    if asked:
        environment["REDIS_URL"] = request.getfixturevalue("engines").redis_url
    if "db" in asked:
        environment["DATABASE_URL"] = request.getfixturevalue("clone")
    elif "session" in asked:
        environment["DATABASE_URL"] = request.getfixturevalue("room").url.render_as_string(hide_password=False)
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SUPPRESSION_KEY", "PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    made = Settings.from_env()
    monkeypatch.setattr(config, "_current", made)
    yield made


@pytest.fixture
def session(room: Engine, settings: Settings) -> Iterator[Session]:
    """A session that may even commit: all of it is rolled back at the end."""
    with room.connect() as connection, connection.begin() as transaction:
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as opened:
            yield opened
        transaction.rollback()


@pytest.fixture
def db(settings: Settings, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """This process's engine, bound to a fresh database."""
    monkeypatch.setattr(core_db, "_engine", None)
    core_db.connect(settings.database_url)
    yield core_db.engine()
    core_db.engine().dispose()


@pytest.fixture
def valkey(engines: local_engines.Running) -> Iterator[redis.Redis]:
    """A client of this pytest process's Valkey, emptied."""
    with redis.Redis.from_url(engines.redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def app(db: Engine, settings: Settings) -> Flask:
    """The Flask application."""
    # The factory imports every room, which tests of one room alone should not wait for.
    from app.factory import create_app

    made = create_app(settings)
    made.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    return made


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The product over HTTP; returns its origin."""
    server = make_server("localhost", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a screen, signed in nowhere."""
    return app.test_client()


@pytest.fixture
def run_jobs(db: Engine) -> Callable[[], int]:
    """Run the jobs that are due, and those that they enqueue, as workers do; returns how many ran.

    A job that fails, fails the test.
    """

    def run() -> int:
        done = 0
        while due := _due():
            for job_id in due:
                jobs.run(job_id)
                done += 1
        return done

    def _due() -> list[int]:
        with core_db.raw() as connection:
            rows = connection.execute(
                "SELECT id, name, error FROM job WHERE due_at <= now() OR attempts > 0"
            ).fetchall()
        failed = [f"{name}: {error}" for _, name, error in rows if error]
        assert not failed, failed
        return [row[0] for row in rows]

    return run


class Clock:
    """Moves the product's clock."""

    def to(self, moment: datetime) -> None:
        """Make it ``moment`` now (it goes on from there)."""
        core_clock.shift(moment - datetime.now(moment.tzinfo))

    def forward(self, step: timedelta) -> None:
        """Let ``step`` pass."""
        self.to(core_clock.now() + step)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """The product's clock, put right after the test."""
    yield Clock()
    core_clock.shift(timedelta())


# Nothing leaves the machine


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """Refuse every connection that leaves this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def _guarded(original: Callable[..., object]) -> Callable[..., object]:
    def call(self: socket.socket, *args: object) -> object:
        address = args[-1]
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            host = str(address[0])
            if host != "localhost" and not ipaddress.ip_address(host.split("%")[0]).is_loopback:
                raise AssertionError(f"A test tried to reach {address}; tests stay on this machine.")
        return original(self, *args)

    return call


# Browsers


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """Drive the system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("No Chromium is here, which browser tests drive: apt-get install chromium.")
    arguments = ["--disable-background-networking", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return {"executable_path": path, "args": arguments}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In CI a test that skips has failed: what it needs is part of the set-up. Published corpora are not."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and os.environ.get("CI") == "true" and "conformance" not in item.path.parts:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
