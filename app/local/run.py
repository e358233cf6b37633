"""``make run``: the whole product on one machine, under one supervisor."""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import http.client
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import psycopg

from app.core import migrate
from app.core.config import Settings
from app.core.errors import EngineUnavailable, PermessoError
from app.core.jobs import Queue
from app.local import given
from app.local.engines.host import is_free, kept_port
from app.local.engines.postgres import Postgres
from app.local.engines.start import Engine, both, note
from app.local.engines.valkey import Valkey
from app.local.guard import halt
from app.local.supervisor import Program, Step, Supervisor, sweep

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 10.0

# System mails are waited for by a person, so they never queue behind an import or a mailing.
SLOW = (Queue.SEND, Queue.IMPORT)
QUICK = tuple(queue for queue in Queue if queue not in SLOW)


class Deployment:
    """What one run is made of: settings, the engines it starts itself, the programs in their order."""

    def __init__(self, settings: Settings, *, empty: bool) -> None:
        self.settings, self.empty = settings, empty
        self.postgres = None if settings.database_url else Postgres(settings.var)
        self.valkey = None if settings.redis_url else Valkey(settings.var)
        self._outbox = settings.var / "outbox"
        self._half_filled = settings.var / "sample.loading"
        self._sink_port = 0

    @property
    def database_url(self) -> str:
        """The database, as psycopg spells it."""
        return self.postgres.url if self.postgres else self.settings.psycopg_url

    @property
    def redis_url(self) -> str:
        """The broker."""
        return self.valkey.url if self.valkey else self.settings.redis_url

    @property
    def smtp_url(self) -> str:
        """The relay, or the local sink."""
        return self.settings.smtp_url or f"smtp://127.0.0.1:{self._sink_port}"

    def env(self) -> dict[str, str]:
        """Return what tells a program of this run where everything is."""
        return {
            "PERMESSO_VAR": str(self.settings.var),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "SMTP_URL": self.smtp_url,
            "BASE_URL": self.settings.base_url,
            "PORT": str(self.settings.port),
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser",  # root in a container is usual
        }

    def plan(self, engines_lock: IO[str]) -> list[Program | Step]:
        """Return what is to be started, in order."""
        cores = os.cpu_count() or 1
        engines = [self._engine(engine) for engine in (self.postgres, self.valkey) if engine]
        sink = [] if self.settings.smtp_url else [self._sink()]
        return [
            *engines,
            Step("migrate", self._migrate),
            *sink,
            Step("note", lambda: self._announce(engines_lock)),
            self._sample(),
            Step("whole", lambda: self._half_filled.unlink(missing_ok=True)),
            self._web(cores),
            self._python("drainer", "-m", "flask", "tracking", "drain"),
            self._python("folder", "-m", "flask", "tracking", "fold"),
            self._worker("worker", SLOW, cores + 1),
            self._worker("quick", QUICK, 2),
            self._python(
                "beat", "-m", "celery", "-q", "-A", "worker:celery", "beat", "--loglevel=WARNING", "--pidfile="
            ),
            Step("ready", self._banner),
        ]

    def _engine(self, engine: Engine) -> Program:
        log = self.settings.var / "log" / f"{engine.name}.log"
        log.parent.mkdir(exist_ok=True)
        log.unlink(missing_ok=True)
        return Program(
            engine.name,
            before=engine.prepare,
            argv=engine.argv,
            env=lambda: {"LC_ALL": "C"},  # so that what they say can be understood by ``mend`` and ``explain``
            ready=engine.ready,
            mend=engine.mend,
            explain=engine.explain,
            stop_signal=engine.stop_signal,
            grace=engine.grace,
            log=log,
        )

    def _sample(self) -> Program:
        """The first start's sample; a mark stands for as long as it is loading, so that none is left half loaded."""
        return Program(
            "sample",
            argv=lambda: [sys.executable, "-m", "flask", "sample", "load"],
            env=self.env,
            wanted=self._wants_sample,
            before=self._half_filled.touch,
            explain=lambda _: "The sample cannot be loaded; why stands above. Start without it: make run EMPTY=1",
            patience=600,
            once=True,
        )

    def _python(self, name: str, *words: str) -> Program:
        return Program(
            name,
            argv=lambda: [sys.executable, *words],
            env=self.env,
        )

    def _worker(self, name: str, queues: tuple[Queue, ...], processes: int) -> Program:
        words = ["-m", "celery", "-q", "-A", "worker:celery", "worker", "-n", f"{name}@%h", "--loglevel=WARNING"]
        words += ["--without-gossip", "--without-mingle", f"--concurrency={processes}"]
        return self._python(name, *words, "--queues=" + ",".join(queue.value for queue in queues))

    def _web(self, cores: int) -> Program:
        port = self.settings.port
        words = ["-m", "granian", "--interface=wsgi", "--http=1", "--no-ws", "--host=127.0.0.1", f"--port={port}"]
        words += [f"--workers={min(2, cores)}", "--blocking-threads=4", "--respawn-failed-workers"]
        words += ["--workers-kill-timeout=10", "--log-level=warning", "wsgi:application"]
        return Program(
            "web",
            argv=lambda: [sys.executable, *words],
            env=self.env,
            before=lambda: check_port(port),
            ready=lambda: answers(port),
            grace=15,
        )

    def _sink(self) -> Program:
        def choose() -> None:
            self._outbox.mkdir(exist_ok=True, mode=0o700)  # mails hold links that confirm
            self._sink_port = self._sink_port or kept_port(self._outbox / "port")

        return Program(
            "sink",
            before=choose,
            argv=lambda: [
                *(sys.executable, "-m", "app.local.sink"),
                *(str(self._outbox), str(self._sink_port), self.settings.inbound_maildir),
            ],
            ready=lambda: listens(self._sink_port),
        )

    def _migrate(self) -> None:
        if self.postgres and self._half_filled.exists():
            self.postgres.start_over()
            self._half_filled.unlink()
        try:
            migrate.upgrade(self.database_url.replace("postgresql://", "postgresql+psycopg://", 1))
        except Exception as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise EngineUnavailable(
                f"The database cannot be brought up to date ({lines[0]}): mend that, or name another by DATABASE_URL."
            ) from error

    def _announce(self, engines_lock: IO[str]) -> None:
        """Let commands find the engines from now on."""
        urls = {"database_url": self.postgres, "redis_url": self.valkey}
        sink = {} if self.settings.smtp_url else {"smtp_url": self.smtp_url}
        note(self.settings.var, **{name: engine.url for name, engine in urls.items() if engine}, **sink)
        fcntl.flock(engines_lock, fcntl.LOCK_SH)

    def _wants_sample(self) -> bool:
        if self.empty:
            return False
        with psycopg.connect(self.database_url) as connection:
            found = connection.execute("SELECT EXISTS (SELECT FROM staff)").fetchone()
        return not (found and found[0])

    def _banner(self) -> None:
        sample = self.settings.var / "secrets" / "sample_password"
        how = "Create the administrator there." if self.empty else "Sign in with your account."
        if sample.exists():
            how = f"Sign in as ana@permesso.example, password {sample.read_text().strip()}"
        print(f"\nPermesso is ready: {self.settings.base_url}\n{how}\nCtrl-C stops it.\n", flush=True)


def listens(port: int) -> bool:
    """Say whether something takes connections on ``port`` of the loopback interface."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def answers(port: int) -> bool:
    """Say whether the web process answers at all: it may be healthy only once the workers are up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status > 0
    except OSError:
        return False
    finally:
        connection.close()


def check_port(port: int) -> None:
    """Raise ``EngineUnavailable`` when something uses ``port`` already."""
    if not is_free(port):
        raise EngineUnavailable(
            f"Port {port} is taken by another program: stop that, or choose another port: make run PORT={port + 80}."
        )


def _lock(path: Path, patience: float, sentence: str) -> IO[str]:
    """Return the open file ``path``, locked for this process alone; ``EngineUnavailable`` if others hold it."""
    file = path.open("a")
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() > end:
                raise EngineUnavailable(sentence) from None
            time.sleep(0.1)


def _end_with_parent() -> None:
    """Be told to stop when ``make`` is killed (Linux only; elsewhere the terminal tells)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def main() -> int:
    """Run until stopped; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--with-parent", action="store_true", help="stop when the process that started this one ends")
    if parser.parse_args().with_parent:
        _end_with_parent()
    os.chdir(ROOT)
    var = Path(os.environ.get("PERMESSO_VAR", "var")).absolute()
    try:
        return _run(var)
    except PermessoError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(
            f"{var} cannot be used ({error.strerror}): mend that, or set PERMESSO_VAR to another folder.",
            file=sys.stderr,
        )
    return 1


def _run(var: Path) -> int:
    var.mkdir(parents=True, exist_ok=True)
    running = f"Permesso runs already from {var}: stop that first, or set PERMESSO_VAR to another folder."
    in_use = f"A command uses the engines of {var}: start again when it has ended."
    with _lock(var / "run.lock", 2, running), _lock(var / "engines.lock", PATIENCE, in_use) as engines_lock:
        (var / "engines.json").unlink(missing_ok=True)
        _clear_away(var)
        settings = Settings.from_env()
        check_port(settings.port)
        given.check(settings)
        deployment = Deployment(settings, empty=bool(os.environ.get("PERMESSO_EMPTY")))
        try:
            return Supervisor(deployment.plan(engines_lock), var / "run.state").run()
        finally:
            (var / "engines.json").unlink(missing_ok=True)


def _clear_away(var: Path) -> None:
    """Stop what an earlier run or a killed command left, if even its guard was killed."""
    sweep(var / "run.state")
    for engine in reversed(both(var)):
        if (pid := engine.pid) is not None:
            halt(pid, engine.stop_signal, engine.grace)


if __name__ == "__main__":
    sys.exit(main())
