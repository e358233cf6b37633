"""Killing pumps in the middle of a mailing, and holding the relay's record against the messages."""

from __future__ import annotations

import subprocess
import sys
from random import Random

from sqlalchemy import text

from app.core import config
from app.core.db import unit_of_work
from campaigns.engine.reconcile import reconcile
from campaigns.services.freeze import freeze
from tests.factories.campaigns import Made, make_audience, make_campaign
from tests.factories.sending import RecordingRelay, launch, states, wait_for

PUMP = """
from app.core import config, db
from campaigns.engine.pump import Pump
config.use(config.Settings.from_env())
db.connect(config.current().database_url)
print("ready", flush=True)
Pump({campaign}, seconds=60).run()
"""


def frozen(size: int) -> Made:
    """A launched campaign to ``size`` people, with nothing sent."""
    with unit_of_work() as session:
        campaign = make_campaign(session)
        make_audience(session, campaign.topic_id, size)
    launch(campaign)
    with unit_of_work() as session:
        freeze(session, campaign.id)
    return campaign


def pump_process(campaign: Made) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PUMP.format(campaign=campaign.id)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill_some(campaign: Made, relay: RecordingRelay, rounds: int, chance: Random, each: int) -> None:
    """Let a pump run until ``each`` or so more were accepted, kill it, put things right; again and again."""
    for _ in range(rounds):
        already = len(relay.accepted)
        process = pump_process(campaign)
        target = already + chance.randint(1, each)
        wait_for(lambda: len(relay.accepted) >= target or process.poll() is not None, "some mail to flow", 60)  # noqa: B023
        process.kill()
        process.wait()
        reconcile()
        assert "claimed" not in states(campaign)


def assert_exact(campaign: Made, relay: RecordingRelay, size: int, kills: int) -> None:
    """Everybody is accounted for, and the relay agrees."""
    counts = states(campaign)
    assert sum(counts.values()) == size
    assert set(counts) <= {"sent", "unknown"}
    # At most one message can be past its final dot on each connection.
    assert counts.get("unknown", 0) <= kills * config.current().send_connections
    assert len(relay.recipients) == len(set(relay.recipients)), "somebody got it twice"
    assert len({message.message_id for message in relay.accepted}) == len(relay.accepted)
    accepted = set(relay.recipients)
    with unit_of_work() as session:
        rows = session.execute(
            text(
                "SELECT c.email, m.state FROM message m JOIN contact c ON c.id = m.contact_id WHERE m.campaign_id = :id"
            ),
            {"id": campaign.id},
        ).all()
    assert {email for email, state in rows if state == "sent"} <= accepted, "somebody is missing and shown as sent"
    assert accepted <= {email for email, _ in rows}
