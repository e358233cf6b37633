"""What tests of tracking share with those of campaigns: a relay that keeps what it accepts; and mail that comes in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from app.core import config
from app.core.db import unit_of_work
from tests.campaigns.conftest import relay
from tests.factories.campaigns import Made, make_audience, make_campaign
from tests.factories.sending import RecordingRelay, launch

__all__ = ["relay"]


@pytest.fixture
def maildir(app: Flask) -> Path:
    folder = Path(config.current().inbound_maildir)
    (folder / "new").mkdir(parents=True)
    return folder


@pytest.fixture
def campaign(maildir: Path, relay: RecordingRelay, run_jobs: Callable[[], int]) -> Made:
    """A campaign that was sent to two people."""
    with unit_of_work() as session:
        made = make_campaign(session)
        make_audience(session, made.topic_id, 2)
    launch(made)
    run_jobs()
    return made
