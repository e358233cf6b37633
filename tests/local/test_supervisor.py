"""The supervisor keeps an order, restarts what crashes, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.local.guard import gone
from app.local.supervisor import sweep
from tests.local.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]

# Two programs that note when they start and stop; the second has a child that survives its parent.
RUNNER = """
import sys
from pathlib import Path
from app.local.supervisor import Program, Step, Supervisor

folder = Path(sys.argv[1])
NOTE = "import os,signal,sys,time;f=open(sys.argv[1]+'/notes','a',1);f.write(f'{sys.argv[2]} {os.getpid()} up\\\\n');"
STOP = "signal.signal(signal.SIGTERM,lambda *_:(f.write(f'{sys.argv[2]} {os.getpid()} down\\\\n'),os._exit(0)));"
CHILD = "os.fork() or (signal.signal(signal.SIGTERM, signal.SIG_IGN), f.write(f'child {os.getpid()} up\\\\n'));"

def program(name, extra=""):
    code = NOTE + STOP + extra + "open(sys.argv[1]+'/'+sys.argv[2],'w');time.sleep(600)"
    return Program(
        name,
        argv=lambda: [sys.executable, "-c", code, str(folder), name],
        ready=(folder / name).exists,
        grace=2,
    )

plan = [program("one"), Step("between", lambda: (folder / "between").touch()), program("two", CHILD)]
plan += [Step("ready", lambda: (folder / "ready").touch())]
plan += [Program("three", argv=lambda: ["false"], ready=lambda: False)] if sys.argv[2:] else []
sys.exit(Supervisor(plan, folder / "state").run())
"""


class Run:
    """A supervisor in a process of its own, and what its programs noted."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen([sys.executable, "-c", RUNNER, str(folder), *more], cwd=ROOT)

    def notes(self) -> list[list[str]]:
        file = self.folder / "notes"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    def pids(self, name: str) -> list[int]:
        return [int(pid) for who, pid, what in self.notes() if who == name and what == "up"]

    def wait(self) -> Run:
        wait_until((self.folder / "ready").exists)
        return self

    def guard(self) -> int:
        shown = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True).stdout
        listed = shown.splitlines()
        rows = [row.split(None, 2) for row in listed]
        return next(int(row[0]) for row in rows if row[1] == str(self.process.pid) and "guard.py" in row[2])


@pytest.fixture
def start(tmp_path):
    """Start a supervisor in the test's folder; whatever the test does to it, it ends with the test."""
    started = []

    def start_one(*more: str) -> Run:
        started.append(Run(tmp_path, *more))
        return started[-1]

    yield start_one
    for run in started:
        run.process.terminate()
        run.process.wait(30)


def test_programs_stop_in_the_reverse_order_and_a_signal_is_no_failure(tmp_path, start):
    run = start().wait()
    run.process.send_signal(signal.SIGINT)
    assert run.process.wait(30) == 0
    assert (tmp_path / "between").exists()
    assert [who for who, _, what in run.notes() if what == "down"] == ["two", "one"]
    wait_until(lambda: gone(run.pids("child")[0]))


def test_a_crashed_program_and_its_children_go_and_it_comes_back(tmp_path, start):
    run = start().wait()
    os.kill(run.pids("two")[0], signal.SIGKILL)
    wait_until(lambda: len(run.pids("two")) == 2 and len(run.pids("child")) == 2)
    assert gone(run.pids("child")[0])
    run.process.terminate()
    assert run.process.wait(30) == 0


def test_killing_the_supervisor_orphans_nothing(tmp_path, start):
    run = start().wait()
    run.process.kill()
    run.process.wait()
    pids = [*run.pids("one"), *run.pids("two"), *run.pids("child")]
    wait_until(lambda: all(gone(pid) for pid in pids))
    assert [who for who, _, what in run.notes() if what == "down"] == ["two", "one"]


@pytest.mark.parametrize("also", [[], ["two"]])
def test_what_even_the_guard_could_not_stop_is_swept_by_the_next_run(tmp_path, start, also):
    run = start().wait()
    os.kill(run.guard(), signal.SIGKILL)
    run.process.kill()
    run.process.wait()
    for name in also:
        os.kill(run.pids(name)[0], signal.SIGKILL)
        wait_until(lambda: gone(run.pids(name)[0]))  # noqa: B023 - called at once
    assert not gone(run.pids("one")[0])
    assert sweep(tmp_path / "state") == 2 - len(also)
    pids = [*run.pids("one"), *run.pids("two"), *run.pids("child")]
    wait_until(lambda: all(gone(pid) for pid in pids))


def test_a_program_that_does_not_start_stops_all_and_fails(start):
    run = start("three")
    assert run.process.wait(30) == 1
    assert all(gone(pid) for pid in [*run.pids("one"), *run.pids("two")])
