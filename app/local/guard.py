"""A guard that outlives what started it: when its pipe closes without a goodbye, it stops what is left.

``kill -9`` gives a runner no chance to stop its programs. The guard is a process of its own session that holds
the reading end of a pipe; the kernel closes the pipe with the runner, however it died. Run as a script it
imports nothing but the standard library, so that it starts in some milliseconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path


def gone(pid: int) -> bool:
    """Say whether process ``pid`` has ended; one that only waits to be reaped has."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except ProcessLookupError:
        return True
    except OSError:
        return False


def send(pid: int, number: int, *, group: bool = False) -> None:
    """Send a signal to a process (or its group) that may have ended already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        (os.killpg if group else os.kill)(pid, number)


def halt(pid: int, number: int, grace: float) -> None:
    """Ask ``pid`` politely by signal ``number``, wait up to ``grace`` seconds, then kill what is left of its group."""
    send(pid, number)
    for _ in pauses(grace):
        if gone(pid):
            break
    send(pid, signal.SIGKILL, group=True)


class Guard:
    """The guarded side: tell the guard what to watch, forget, and when all is well.

    With ``lock`` it stops nothing as long as another process holds that file's lock.
    """

    def __init__(self, lock: Path | None = None) -> None:
        reading, self._pipe = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, *([str(lock)] if lock else [])],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        os.close(reading)

    def watch(self, pid: int, number: int, grace: float) -> None:
        """Stop ``pid`` by signal ``number`` with ``grace`` seconds if this process dies."""
        self._tell(f"+ {pid} {number} {grace}")

    def forget(self, pid: int) -> None:
        """``pid`` has ended."""
        self._tell(f"- {pid}")

    def dismiss(self) -> None:
        """All is stopped, or handed over: the guard may go."""
        self._tell("bye")
        os.close(self._pipe)
        self._process.wait()

    def _tell(self, line: str) -> None:
        # Someone may have killed the guard: the programs run on, only less protected.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._pipe, f"{line}\n".encode())


def main(arguments: list[str]) -> None:
    """Read orders from standard input until it closes; then stop what is watched, last started first."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watched: dict[int, tuple[int, float]] = {}
    for line in sys.stdin:
        order, *values = line.split()
        if order == "bye":
            return
        if order == "+":
            watched[int(values[0])] = int(values[1]), float(values[2])
        else:
            watched.pop(int(values[0]), None)
    # The kernel closes the files of the dead one by one: its own lock may be the last to go.
    if arguments and all(in_use(Path(arguments[0])) for _ in pauses(1.0)):
        return
    for pid, (number, grace) in reversed(watched.items()):
        halt(pid, number, grace)


def pauses(seconds: float) -> Iterator[None]:
    """Yield at once and then every 50 ms until ``seconds`` have passed."""
    end = time.monotonic() + seconds
    yield
    while time.monotonic() < end:
        time.sleep(0.05)
        yield


def in_use(lock: Path) -> bool:
    """Say whether another process holds the lock of file ``lock``."""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


if __name__ == "__main__":
    main(sys.argv[1:])
