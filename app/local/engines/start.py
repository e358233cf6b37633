"""Start the embedded engines for a command or a test, share them with whoever else uses them, stop them at the end.

Every user of the engines under a ``var`` folder holds the shared lock of ``var/engines.lock``. Who leaves tries for the
exclusive one, and stops the engines only on getting it: so the last one out puts off the light.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from app.core.errors import EngineUnavailable
from app.local.engines.postgres import Postgres
from app.local.engines.valkey import Valkey
from app.local.guard import Guard, halt

TRIES = 5
PATIENCE = 30.0


class Engine(Protocol):
    """What the two engines have in common."""

    name: str
    grace: float

    @property
    def stop_signal(self) -> int: ...
    @property
    def url(self) -> str: ...
    @property
    def pid(self) -> int | None: ...
    def prepare(self) -> None: ...
    def argv(self) -> list[str]: ...
    def ready(self) -> bool: ...
    def mend(self, output: str) -> bool: ...
    def explain(self, output: str) -> str: ...


class Running:
    """Engines in use by this process; ``stop`` when done."""

    def __init__(self, var: Path, engines: list[Engine], lock: IO[str], guard: Guard | None) -> None:
        self.database_url, self.redis_url = (engine.url for engine in engines)
        self._var, self._engines, self._lock, self._guard = var, engines, lock, guard

    def stop(self) -> None:
        """Give the engines up, and stop them unless someone else uses them."""
        with suppress(BlockingIOError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (self._var / "engines.json").unlink(missing_ok=True)
            for engine in reversed(self._engines):
                if (pid := engine.pid) is not None:
                    halt(pid, engine.stop_signal, engine.grace)
        if self._guard:
            self._guard.dismiss()
        self._lock.close()


def both(var: Path, *, durable: bool = True) -> list[Engine]:
    """Return the two engines of folder ``var``, in starting order."""
    return [Postgres(var, durable=durable), Valkey(var, durable=durable)]


def running(var: Path) -> Running | None:
    """Join the engines that run under ``var``; ``None`` when they don't."""
    if not (var / "engines.lock").exists():
        return None
    lock = shared_lock(var)
    found = _join(var, lock)
    if found is None:
        lock.close()
    return found


def start(var: Path, *, durable: bool = True) -> Running:
    """Join the engines under ``var`` or start them; without ``durable`` they are quick and forget on power loss.

    Raises ``EngineUnavailable`` with one sentence and the way out; nothing is then left running.
    """
    try:
        var.mkdir(parents=True, exist_ok=True)
        lock = shared_lock(var)
    except OSError as error:
        raise EngineUnavailable(
            f"{var} cannot be written ({error.strerror}): set PERMESSO_VAR to another folder."
        ) from None
    with (var / "starting.lock").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        if found := _join(var, lock):
            return found
        engines = both(var, durable=durable)
        guard = Guard(var / "engines.lock")
        try:
            for engine in engines:
                if engine.pid is None:
                    _bring_up(engine, guard, var / "log" / f"{engine.name}.log")
                else:
                    engine.prepare()
                    _wait(engine, lambda: False)
            note(var, database_url=engines[0].url, redis_url=engines[1].url)
            return Running(var, engines, lock, guard)
        except BaseException:
            for engine in reversed(engines):
                if (pid := engine.pid) is not None:
                    halt(pid, engine.stop_signal, engine.grace)
            guard.dismiss()
            lock.close()
            raise


def note(var: Path, **urls: str) -> None:
    """Write ``var/engines.json``, by which other processes of this deployment find the engines."""
    draft = var / f"engines.{os.getpid()}"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(urls))
    draft.replace(var / "engines.json")


def shared_lock(var: Path) -> IO[str]:
    """Return the open lock file, held as one of the engines' users."""
    lock = (var / "engines.lock").open("a")
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def _join(var: Path, lock: IO[str]) -> Running | None:
    engines = both(var)
    if any(engine.pid is None for engine in engines):
        return None
    for engine in engines:
        engine.prepare()
    return Running(var, engines, lock, None) if all(engine.ready() for engine in engines) else None


def _bring_up(engine: Engine, guard: Guard, log: Path) -> None:
    """Start one engine, trying again while what stands in its way passes or can be mended."""
    log.parent.mkdir(exist_ok=True)
    for attempt in range(TRIES):
        engine.prepare()
        with log.open("w") as out:
            process = subprocess.Popen(
                engine.argv(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
                env={**os.environ, "LC_ALL": "C"},
            )
        guard.watch(process.pid, engine.stop_signal, engine.grace)
        if _wait(engine, lambda: process.poll() is not None):  # noqa: B023 - called before the next turn
            return
        guard.forget(process.pid)
        if not engine.mend(log.read_text(errors="replace")):
            break
        time.sleep(0.1 * 2**attempt)
    raise EngineUnavailable(engine.explain(log.read_text(errors="replace")))


def _wait(engine: Engine, ended: Callable[[], bool]) -> bool:
    """Wait until ``engine`` is ready (true) or has ``ended`` (false)."""
    end = time.monotonic() + PATIENCE
    while not engine.ready():
        if ended():
            return False
        if time.monotonic() > end:
            raise EngineUnavailable(f"{engine.name} does not answer within {PATIENCE:.0f} seconds: start again.")
        time.sleep(0.02)
    return True
