"""A recording relay for the tests of sending."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.core.config import Settings
from tests.factories.sending import RecordingRelay, recording_relay


@pytest.fixture
def relay(db: Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingRelay]:
    """A real SMTP server that records what it accepted."""
    with recording_relay(settings, tmp_path, monkeypatch) as running:
        yield running
