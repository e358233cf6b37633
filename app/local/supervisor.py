"""A small supervisor: ordered start with readiness, restart of what crashes, prefixed logs, ordered stop, no orphans.

Programs run in sessions of their own. Should the supervisor itself be killed, its guard stops them; should the guard
be killed too, ``sweep`` finds them in the state file before the next run.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.core.errors import EngineUnavailable
from app.local.guard import Guard, gone, halt, send

STEADY = 30.0  # seconds after which a program's earlier crashes are forgotten
LONGEST_WAIT = 15.0
TRIES = 5


def _nothing() -> None: ...


def _empty() -> dict[str, str]:
    return {}


def _never(_: str) -> bool:
    return False


@dataclass(frozen=True)
class Program:
    """One program. The functions are called when their turn comes, so they may use what earlier programs settled.

    ``wanted`` is asked once, when the program's turn comes. ``once``: it is run to its end before the next one starts.
    ``mend`` gets what a failed start said and tells whether another try may go well; ``explain`` makes one sentence
    with the way out from it. What it prints goes to our own output, or else to the file ``log``.
    """

    name: str
    argv: Callable[[], list[str]]
    wanted: Callable[[], bool] = lambda: True
    env: Callable[[], Mapping[str, str]] = _empty
    before: Callable[[], None] = _nothing
    ready: Callable[[], bool] = lambda: True
    mend: Callable[[str], bool] = _never
    explain: Callable[[str], str] | None = None
    stop_signal: int = signal.SIGTERM
    grace: float = 10.0
    patience: float = 60.0
    once: bool = False
    log: Path | None = None


@dataclass(frozen=True)
class Step:
    """Something short that the supervisor itself does between two programs."""

    name: str
    action: Callable[[], None]


@dataclass
class _Slot:
    """A program and what is known of its process."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    code: int | None = None
    born: float = 0.0
    due: float = float("inf")
    crashes: int = 0
    rest: bytes = b""
    last: deque[str] = field(default_factory=lambda: deque(maxlen=30))


class Supervisor:
    """Carries out ``plan`` in order and keeps its programs running until a signal comes.

    ``state`` is the file that lists what runs.
    """

    def __init__(self, plan: Iterable[Program | Step], state: Path) -> None:
        self._plan, self._state = list(plan), state
        self._slots: list[_Slot] = []
        self._width = max(len(item.name) for item in self._plan)
        self._stopping = False
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Start, watch and stop; returns the exit code: 0 after a signal, 1 when something did not start."""
        self._state.write_text(f"{_boot()}\n")
        self._guard = Guard()
        self._catch_signals()
        try:
            for item in self._plan:
                if self._stopping:
                    break
                if isinstance(item, Step):
                    item.action()
                elif item.wanted():
                    self._slots.append(_Slot(item))
                    self._bring_up(self._slots[-1])
            while not self._stopping:
                self._turn(0.5)
                self._restart_what_is_due()
        except EngineUnavailable as error:
            self._stop_all()
            print(error, file=sys.stderr)
            return 1
        except BaseException:
            self._stop_all()
            raise
        self._stop_all()
        return 0

    # Starting

    def _bring_up(self, slot: _Slot) -> None:
        program = slot.program
        for attempt in range(TRIES):
            program.before()
            self._spawn(slot)
            if self._wait_for(slot) or self._stopping:
                return
            output = "\n".join(slot.last)
            if not program.mend(output):
                break
            self._pause(0.1 * 2**attempt)
        slot.due = float("inf")
        sentence = program.explain or (lambda _: f"{program.name} does not start; its last words stand above.")
        raise EngineUnavailable(sentence("\n".join(slot.last)))

    def _spawn(self, slot: _Slot) -> None:
        program = slot.program
        slot.last.clear()
        slot.process = subprocess.Popen(
            program.argv(),
            env={**os.environ, **program.env()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        slot.born, slot.due, slot.code = time.monotonic(), float("inf"), None
        self._guard.watch(slot.process.pid, program.stop_signal, program.grace)
        with self._state.open("a") as file:
            pid = slot.process.pid
            file.write(f"{pid} {int(program.stop_signal)} {program.grace} {_birth(pid)}\n")
        assert slot.process.stdout is not None
        os.set_blocking(slot.process.stdout.fileno(), False)
        self._selector.register(slot.process.stdout, selectors.EVENT_READ, slot)

    def _wait_for(self, slot: _Slot) -> bool:
        """Wait until the program is ready, or, where it runs ``once``, has ended well."""
        end = time.monotonic() + slot.program.patience
        while not self._stopping:
            self._turn(0.05)
            if slot.process is None:
                return slot.program.once and slot.code == 0
            if slot.program.once:
                continue
            if slot.program.ready():
                return True
            if time.monotonic() > end:
                raise EngineUnavailable(f"{slot.program.name} is not ready after {slot.program.patience:.0f} seconds.")
        return False

    def _restart_what_is_due(self) -> None:
        for slot in self._slots:
            if slot.process is None and time.monotonic() >= slot.due and not self._stopping:
                try:
                    slot.program.before()
                    self._spawn(slot)
                except (EngineUnavailable, OSError) as error:
                    self._print("runner", str(error))
                    slot.due = time.monotonic() + LONGEST_WAIT

    # Watching

    def _turn(self, timeout: float) -> None:
        """Pass on what programs print, notice which have ended."""
        for key, _ in self._selector.select(timeout):
            self._read(key)
        for slot in self._slots:
            if slot.process is not None and slot.process.poll() is not None:
                self._bury(slot, slot.process)

    def _read(self, key: selectors.SelectorKey) -> None:
        slot = key.data
        try:
            data = os.read(key.fd, 65536)
        except BlockingIOError:
            return
        if not isinstance(slot, _Slot):
            return
        if not data:
            self._selector.unregister(key.fileobj)
            return
        *lines, slot.rest = (slot.rest + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            slot.last.append(text)
            if slot.program.log is None:
                self._print(slot.program.name, text)
        if slot.program.log is not None and lines:
            with slot.program.log.open("ab") as log:
                log.write(b"\n".join([*lines, b""]))

    def _bury(self, slot: _Slot, process: subprocess.Popen[bytes]) -> None:
        """Note the end of a process, kill what it left of its group, set the time of its restart."""
        for key in [key for key in self._selector.get_map().values() if key.data is slot]:
            self._read(key)
        with suppress(KeyError, ValueError):
            assert process.stdout is not None
            self._selector.unregister(process.stdout)
        if process.stdout is not None:
            process.stdout.close()
        # Children may outlive their parent and go on answering on its port: granian's workers do.
        send(process.pid, signal.SIGKILL, group=True)
        self._guard.forget(process.pid)
        now = time.monotonic()
        slot.process, slot.code = None, process.returncode
        slot.crashes = 0 if now - slot.born > STEADY else slot.crashes + 1
        if slot.program.once:
            return
        slot.due = now + min(0.25 * 2**slot.crashes, LONGEST_WAIT)
        if not self._stopping:
            wait = slot.due - now
            self._print("runner", f"{slot.program.name} ended ({process.returncode}), starts again in {wait:.1f} s")

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._stopping:
            self._turn(0.05)

    def _print(self, name: str, line: str) -> None:
        try:
            print(f"{name:<{self._width}} | {line}", flush=True)
        except OSError:  # nobody reads us any more
            self._stopping = True

    # Stopping

    def _catch_signals(self) -> None:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing)
        self._selector.register(reading, selectors.EVENT_READ, None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._quit)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake the selector

    def _quit(self, *_: object) -> None:
        self._stopping = True

    def _stop_all(self) -> None:
        """Stop programs one by one, last started first."""
        self._stopping = True
        for slot in reversed(self._slots):
            if slot.process is None:
                continue
            send(slot.process.pid, slot.program.stop_signal)
            end = time.monotonic() + slot.program.grace
            while slot.process is not None and time.monotonic() < end:
                self._turn(0.05)
            if slot.process is not None:
                send(slot.process.pid, signal.SIGKILL, group=True)
                slot.process.wait()
                self._turn(0)
        self._state.unlink(missing_ok=True)
        self._guard.dismiss()


def sweep(state: Path) -> int:
    """Stop what the state file of an earlier run lists and still runs; returns how many programs that were."""
    boot, *rows = state.read_text().splitlines() if state.exists() else [""]
    if boot != _boot():
        return 0
    count = 0
    for row in reversed(rows):
        words = row.split()
        if len(words) != 4:
            continue  # the last line of a runner killed while writing it
        pid, birth = int(words[0]), words[3]
        if gone(pid):
            # The number is still taken by the group as long as children live that their parent left behind.
            send(pid, signal.SIGKILL, group=True)
        elif _birth(pid) == birth:
            halt(pid, int(words[1]), float(words[2]))
            count += 1
    return count


def _boot() -> str:
    """Return what names the machine's present run: process numbers mean nothing in another one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def _birth(pid: int) -> str:
    """Return when ``pid`` was started, which tells a process of ours from a stranger that got its number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        started = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
        return started.stdout.strip().replace(" ", "_") or "gone"
