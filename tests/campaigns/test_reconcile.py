"""After kill -9: nobody twice, nobody missing without being shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import text

from app.core import clock, config
from app.core.db import unit_of_work
from campaigns.engine import hosts, journal
from campaigns.engine.reconcile import lose_hosts, reconcile
from campaigns.policy import MessageAct
from campaigns.services.claim import Claimer, ClaimScope, lanes_with_work
from campaigns.services.write_back import ClaimRef, Result, write_back
from consent.policy.standing import Actor
from consent.services.erase import erase
from tests.conftest import Clock
from tests.factories.campaigns import Made
from tests.factories.crashing import assert_exact, frozen, kill_some
from tests.factories.sending import RecordingRelay, states, status


def test_killed_pumps_send_nothing_twice_and_lose_nobody(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    campaign = frozen(1500)
    kill_some(campaign, relay, 2, Random(1), 300)
    run_jobs()
    assert_exact(campaign, relay, 1500, 2)
    assert status(campaign) == "finished"


def take(campaign: Made, limit: int = 10) -> ClaimRef:
    """Claim some messages as a pump does, without its journal."""
    with unit_of_work() as session:
        row = session.execute(
            text("SELECT topic_id, brand_id, relay_id FROM campaign WHERE id = :id"), {"id": campaign.id}
        ).one()
        host = hosts.seen(session)
        scope = ClaimScope(campaign.id, row.topic_id, row.brand_id, host, frozenset())
        (lane,) = lanes_with_work(session, campaign.id, row.relay_id)
        taken = Claimer(scope).claim(session, lane.id, limit, after=0)
    assert taken.claim is not None
    return taken.claim


def test_a_claim_whose_journal_is_gone_is_unknown(relay: RecordingRelay) -> None:
    campaign = frozen(30)
    take(campaign)
    done = reconcile()
    assert (done.unknown, done.queued) == (10, 0)
    assert states(campaign) == {"unknown": 10, "queued": 20}


def test_a_claim_that_was_never_begun_is_queued_again(relay: RecordingRelay) -> None:
    campaign = frozen(30)
    journal.Journal.create(config.current().var, take(campaign)).release()
    assert reconcile().queued == 10
    assert states(campaign) == {"queued": 30}
    assert reconcile().claims == 0


def test_after_a_restart_of_the_machine_nothing_is_tried_again_blindly(
    relay: RecordingRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = frozen(30)
    journal.Journal.create(config.current().var, take(campaign)).release()
    monkeypatch.setattr(journal, "boot_id", lambda: "another run of the machine")
    assert reconcile().unknown == 10
    assert states(campaign) == {"unknown": 10, "queued": 20}


def test_a_living_owner_is_left_alone(relay: RecordingRelay) -> None:
    campaign = frozen(30)
    held = journal.Journal.create(config.current().var, take(campaign))
    assert reconcile().claims == 0
    assert states(campaign)["claimed"] == 10
    held.delete()


def test_a_claim_that_was_not_committed_can_no_longer_be(relay: RecordingRelay) -> None:
    campaign = frozen(5)
    journal.Journal.create(config.current().var, ClaimRef(4711, campaign.id)).release()
    reconcile()
    with unit_of_work() as session:
        assert session.scalar(text("SELECT closed_at IS NOT NULL FROM claim WHERE id = 4711"))


def test_what_a_lost_host_held_is_unknown_until_its_journal_comes_back(
    relay: RecordingRelay, clock: Clock, run_jobs: Callable[[], int]
) -> None:
    campaign = frozen(30)
    taken = take(campaign)
    held = journal.Journal.create(config.current().var, taken)
    assert lose_hosts().unknown == 0
    clock.forward(timedelta(minutes=20))
    assert lose_hosts().unknown == 10
    assert states(campaign) == {"unknown": 10, "queued": 20}
    # The host was only out of reach: its journal says that none of them was tried.
    held.release()
    assert reconcile().queued == 10
    assert states(campaign) == {"queued": 30}
    run_jobs()
    assert states(campaign) == {"sent": 30}
    assert len(relay.recipients) == len(set(relay.recipients)) == 30


def test_a_journal_that_cannot_be_read_holds_up_no_other(relay: RecordingRelay) -> None:
    campaign = frozen(30)
    journal.Journal.create(config.current().var, take(campaign)).release()
    (journal.folder(config.current().var) / "0.journal").write_bytes(journal._frame(b"{}"))
    assert reconcile().queued == 10
    assert states(campaign) == {"queued": 30}


def test_row_41_what_a_relay_says_of_somebody_just_erased_is_not_kept(relay: RecordingRelay) -> None:
    campaign = frozen(3)
    claim = take(campaign)
    with unit_of_work() as session:
        people = session.scalars(text("SELECT contact_id FROM message ORDER BY contact_id")).all()
        erase(session, people[0], actor=Actor.SUBSCRIBER)
    with unit_of_work() as session:
        refused = [
            Result(person, MessageAct.FAIL, 550, "5.1.1", f"<p{number}@example.net> unknown", "hard", clock.now())
            for number, person in enumerate(people, 1)
        ]
        write_back(session, claim, refused)
    with unit_of_work() as session:
        replies = session.scalars(text("SELECT reply FROM message ORDER BY contact_id")).all()
    assert replies == [None, "<p2@example.net> unknown", "<p3@example.net> unknown"]
