"""A recording relay for the tests of sending."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

import campaigns.tasks  # noqa: F401 - makes the jobs known
from app.core import config
from app.core.config import Settings
from tests.factories.sending import RELAY, RecordingRelay, answers, wait_for


@pytest.fixture
def relay(db: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingRelay]:
    """A recording relay, named by SMTP_URL in this process and in those it starts."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    record, kept = tmp_path / "accepted", tmp_path / "kept"
    kept.mkdir()
    process = subprocess.Popen([sys.executable, str(RELAY), str(port), str(record), str(kept)])
    url = f"smtp://127.0.0.1:{port}"
    monkeypatch.setenv("SMTP_URL", url)
    for name in ("SECRET_KEY", "SUPPRESSION_KEY"):
        monkeypatch.setenv(name, getattr(settings, name.lower()))
    monkeypatch.setattr(config, "_current", settings.model_copy(update={"smtp_url": url}))
    wait_for(lambda: answers(port), "the relay to listen")
    yield RecordingRelay(url, record, kept)
    process.kill()
    process.wait()
