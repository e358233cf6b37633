"""A relay that records what it accepted, and the running of campaigns against it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

import campaigns.tasks  # noqa: F401 - makes the jobs known
from app.core import config
from app.core.config import Settings
from app.core.db import unit_of_work
from campaigns.services import launch as launching
from tests.factories.campaigns import Made

RELAY = Path(__file__).with_name("relay.py")


@dataclass(frozen=True)
class Accepted:
    """One message that the relay accepted."""

    recipient: str
    mail_from: str
    message_id: str


@dataclass(frozen=True)
class RecordingRelay:
    """A real SMTP server in its own process."""

    url: str
    record: Path
    kept: Path

    @property
    def accepted(self) -> list[Accepted]:
        """What it accepted so far, in order."""
        lines = self.record.read_text().splitlines() if self.record.exists() else []
        return [Accepted(*line.split("\t")) for line in lines]

    @property
    def recipients(self) -> list[str]:
        """The addresses of what it accepted."""
        return [message.recipient for message in self.accepted]

    def message(self, recipient: str) -> bytes:
        """The message it accepted for this address."""
        return (self.kept / f"{recipient}.eml").read_bytes()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """Wait until ``condition`` holds."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def launch(campaign: Made) -> None:
    """Launch a campaign; ``run_jobs`` then freezes and sends it."""
    with unit_of_work() as session:
        launching.launch(session, campaign.id)


def states(campaign: Made) -> dict[str, int]:
    """Count a campaign's messages by state."""
    with unit_of_work() as session:
        rows = session.execute(
            text("SELECT state, count(*) FROM message WHERE campaign_id = :id GROUP BY state"), {"id": campaign.id}
        )
        return {row.state: row.count for row in rows}


def status(campaign: Made) -> str:
    """A campaign's status."""
    with unit_of_work() as session:
        return str(session.scalar(text("SELECT status FROM campaign WHERE id = :id"), {"id": campaign.id}))


@contextmanager
def relay_process(folder: Path) -> Iterator[RecordingRelay]:
    """A recording relay that keeps what it accepts in ``folder``."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    record, kept = folder / "accepted", folder / "kept"
    kept.mkdir(parents=True)
    process = subprocess.Popen([sys.executable, str(RELAY), str(port), str(record), str(kept)])
    try:
        wait_for(lambda: answers(port), "the relay to listen")
        yield RecordingRelay(f"smtp://127.0.0.1:{port}", record, kept)
    finally:
        process.kill()
        process.wait()


@contextmanager
def recording_relay(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingRelay]:
    """A recording relay, named by SMTP_URL in this process and in those it starts."""
    with relay_process(folder) as relay:
        monkeypatch.setenv("SMTP_URL", relay.url)
        for name in ("SECRET_KEY", "SUPPRESSION_KEY"):
            monkeypatch.setenv(name, getattr(settings, name.lower()))
        monkeypatch.setattr(config, "_current", settings.model_copy(update={"smtp_url": relay.url}))
        yield relay
