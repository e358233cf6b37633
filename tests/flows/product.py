"""The whole product in processes of its own, as ``make run`` starts it, for flows to drive, kill and start again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")

# What a process's command line holds, by the name that a flow calls it.
PATTERNS = {
    "runner": "app.local.run",
    "web": "granian",
    "worker": "celery",
    "drainer": "tracking\0drain",
    "folder": "tracking\0fold",
    "sink": "app.local.sink",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], T], *, patience: float = 60, what: str = "") -> T:
    """Wait for ``condition`` to give something true, and return it."""
    end = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"waited {patience} s for {what or condition}"
        time.sleep(0.1)


class Product:
    """One deployment under ``var``. ``with`` starts and stops it."""

    def __init__(self, var: Path, *, empty: bool = False, **environment: str) -> None:
        self.var, self.port = var, free_port()
        self.url = f"http://localhost:{self.port}"
        names = ("DATABASE_URL", "REDIS_URL", "SMTP_URL", "BASE_URL", "SECRET_KEY", "SUPPRESSION_KEY", "CI")
        self.environment = {name: value for name, value in os.environ.items() if name not in names}
        self.environment |= {"PERMESSO_VAR": str(var), "PORT": str(self.port), **environment}
        if empty:
            self.environment["PERMESSO_EMPTY"] = "1"
        self.log = var.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Product:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, patience: float = 180) -> None:
        """Start everything and wait for the banner."""
        with self.log.open("ab") as log:
            began = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.local.run"],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

        def up() -> bool:
            said = self.log.read_bytes()[began:]
            assert self.process is not None
            code = self.process.poll()
            assert code is None, f"it ended ({code}): {said.decode(errors='replace')[-4000:]}"
            return b"Permesso is ready" in said

        until(up, patience=patience, what="the product to start")

    def stop(self) -> int:
        """Stop as Ctrl-C does; returns the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(60)
        self.process = None
        return code

    def kill(self, name: str) -> list[int]:
        """``kill -9`` every process called ``name`` (see ``PATTERNS``); returns their ids."""
        killed = self.pids(name)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        if name == "runner" and self.process is not None:
            self.process.wait(10)
            self.process = None
        return killed

    def pids(self, name: str | None = None) -> list[int]:
        """Return the ids of this deployment's processes, or of those called ``name``."""
        mine = f"PERMESSO_VAR={self.var}\0".encode()
        found = []
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            try:
                command = (folder / "cmdline").read_bytes()
                called = name is None or PATTERNS[name].encode() in command
                if command and called and mine in (folder / "environ").read_bytes() + b"\0":
                    found.append(int(folder.name))
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
        return found

    def flask(self, *words: str, ok: bool = True) -> Any:
        """Run ``flask WORDS`` and return the JSON it prints (None when it prints nothing)."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode == 0) is ok, f"flask {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        if not ok:
            return done.stderr
        lines = done.stdout.strip().splitlines()
        try:
            return json.loads(done.stdout) if lines else None
        except json.JSONDecodeError:
            return json.loads(lines[-1])
