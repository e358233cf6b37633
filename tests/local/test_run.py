"""``make run``'s program, as a newcomer and a crash meet it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import psycopg
import pytest

from app.local import engines
from app.local.engines.host import free_port
from tests.local.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


def environment(var: Path, port: int, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not re.search("_URL$|_KEY$|^PORT$|^FLASK", name)}
    return {**kept, "PERMESSO_VAR": str(var), "PORT": str(port), "PERMESSO_EMPTY": "1", **more}


def fails_to_run(var: Path, port: int, **more: str) -> str:
    """Run it, expect a failure, return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "app.local.run"],
        cwd=ROOT,
        env=environment(var, port, **more),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    return done.stderr


class Run:
    """The whole product in the background."""

    def __init__(self, var: Path, port: int) -> None:
        self.var, self.port, self.log = var, port, var.with_suffix(".log")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.local.run"],
                cwd=ROOT,
                env=environment(var, port),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: "Permesso is ready" in self.log.read_text() or self.process.poll() is not None, 120)
        assert self.process.poll() is None, self.log.read_text()

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def processes(self) -> list[str]:
        """Return the command lines of everything that belongs to this run."""
        mine = f"PERMESSO_VAR={self.var}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
                if mine in (folder / "environ").read_bytes() or str(self.var).encode() in command:
                    found.append(command.replace(b"\0", b" ").decode())
            except OSError:
                continue
        return [command for command in found if command]


@pytest.fixture
def start(tmp_path):
    """Start the product in the test's folder; whatever the test does to it, it ends with the test."""
    started, port = [], free_port()

    def start_one() -> Run:
        started.append(Run(tmp_path / "var", port))
        return started[-1]

    yield start_one
    for run in started:
        run.process.terminate()
        run.process.wait(60)


def test_it_survives_kills_and_leaves_nothing_behind(start):
    run = start()
    var, port = run.var, run.port
    assert run.answers()
    with psycopg.connect(engines.running(var).database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    run.process.kill()
    run.process.wait()
    wait_until(lambda: not run.processes(), 60)
    assert not run.answers()

    again = start()
    with psycopg.connect(engines.running(var).database_url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    assert "runs already" in fails_to_run(var, port)
    again.process.send_signal(signal.SIGINT)
    assert again.process.wait(60) == 0, again.log.read_text()
    assert not again.processes()
    assert not (var / "engines.json").exists()


def test_a_taken_port_is_said_in_a_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = fails_to_run(tmp_path / "var", port)
    assert engines.running(tmp_path / "var") is None
    assert said.startswith(f"Port {port} is taken by another program: stop that, or choose another port: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "DATABASE_URL",
            "postgresql://127.0.0.1:1/x",
            "DATABASE_URL names no database that can be used (Connection",
        ),
        ("REDIS_URL", "redis://127.0.0.1:1/0", "REDIS_URL names no server that can be used (Error 111"),
        ("SMTP_URL", "http://127.0.0.1", "SMTP_URL must begin with one of smtp://, smtp+starttls://, smtps://"),
        ("BASE_URL", "ftp://x", "BASE_URL must begin with http:// or https://"),
        ("SECRET_KEY", "short", "SECRET_KEY and SUPPRESSION_KEY must have 32 characters or more."),
        ("SEND_PARALLEL", "many", "SEND_PARALLEL is 'many', which cannot be used"),
    ],
)
def test_what_is_named_wrongly_is_said_in_a_sentence(tmp_path, name, value, sentence):
    said = fails_to_run(tmp_path / "var", free_port(), **{name: value})
    assert said.startswith(sentence)
    assert said.count("\n") == 1


def test_a_wrong_database_password_is_said_in_a_sentence(tmp_path):
    other = engines.start(tmp_path / "other", durable=False)
    try:
        url = re.sub("(?<=permesso:)[^@]+", "wrong", other.database_url)
        said = fails_to_run(tmp_path / "var", free_port(), DATABASE_URL=url)
        assert said.startswith("DATABASE_URL names no database that can be used (password authentication failed")
    finally:
        other.stop()
