"""Promise 2: never twice, never silently lost."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from tests.factories.crashing import assert_exact, frozen, kill_some
from tests.factories.sending import RecordingRelay, status

pytestmark = pytest.mark.proof


def test_thirty_kills(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    campaign = frozen(20_000)
    kill_some(campaign, relay, 30, Random(2), 600)
    run_jobs()
    assert_exact(campaign, relay, 20_000, 30)
    assert status(campaign) == "finished"
