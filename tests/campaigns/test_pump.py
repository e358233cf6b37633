"""From launch to the relay, on real engines and a real SMTP server."""

from __future__ import annotations

from collections.abc import Callable

from app.core.db import unit_of_work
from tests.factories.campaigns import make_audience, make_campaign
from tests.factories.sending import RecordingRelay, launch, states, status


def test_everybody_gets_one_mail(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session)
        make_audience(session, campaign.topic_id, 1200)
    launch(campaign)
    run_jobs()
    assert states(campaign) == {"sent": 1200}
    assert status(campaign) == "finished"
    assert sorted(relay.recipients) == sorted(f"p{n}@example.net" for n in range(1, 1201))
