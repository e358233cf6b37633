"""People who were found to be one: counted once, written to once, whenever the merge comes."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import text

from app.core.db import unit_of_work
from app.core.errors import Conflict
from app.customers.services import exporting, merging
from app.customers.services.exporting import Format
from campaigns.engine.pump import Pump
from campaigns.queries import segments
from campaigns.queries.explain import explain
from campaigns.services import launch as launching
from campaigns.services.freeze import freeze
from tests.factories.campaigns import Made, make_audience, make_campaign
from tests.factories.crashing import frozen
from tests.factories.sending import RecordingRelay, launch, states


@pytest.fixture(autouse=True)
def wired(db: object) -> None:
    """The rooms' steps of a merge are registered, as the factory does."""
    from app.factory import wire

    wire()


def merge(kept: int, folded: int) -> None:
    with unit_of_work() as session:
        merging.merge(session, kept, folded)


def members(campaign: Made) -> list[int]:
    with unit_of_work() as session:
        rows = text("SELECT contact_id FROM message WHERE campaign_id = :id ORDER BY 1")
        return list(session.scalars(rows, {"id": campaign.id}))


def reason(campaign: Made, contact_id: int) -> str | None:
    with unit_of_work() as session:
        rows = text("SELECT reason FROM message WHERE campaign_id = :id AND contact_id = :contact")
        return session.scalar(rows, {"id": campaign.id, "contact": contact_id})


def test_a_merged_person_is_counted_and_exported_once(db: object) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session)
        ids = make_audience(session, campaign.topic_id, 3)
        merging.merge(session, ids[0], ids[2])
        assert segments.count(session, {"all": []}) == 2
        lines = b"".join(exporting.export(session, Format.JSON_LINES)).splitlines()
        assert len(lines) == 2
        merging.undo(session, ids[2])
        assert segments.count(session, {"all": []}) == 3


def test_a_launch_writes_to_a_merged_person_once(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session)
        ids = make_audience(session, campaign.topic_id, 3)
        merging.merge(session, ids[0], ids[2])
    launch(campaign)
    run_jobs()
    assert members(campaign) == ids[:2]
    assert sorted(relay.recipients) == ["p1@example.net", "p2@example.net"]


def test_who_is_merged_after_the_freeze_gets_one_mail(relay: RecordingRelay) -> None:
    campaign = frozen(3)
    first, second, _ = members(campaign)
    merge(second, first)
    Pump(campaign.id).run()
    assert states(campaign) == {"sent": 2, "skipped": 1}
    assert reason(campaign, first) == "merged"
    with unit_of_work() as session:
        entry = explain(session, campaign.id, first).entry
        assert entry is not None and entry.act.action == "merge"


def test_who_got_it_under_the_other_number_gets_no_second_mail(relay: RecordingRelay) -> None:
    """The one who is kept waits in a deferred message while the other got the mail before the merge."""
    campaign = frozen(2)
    kept, other = members(campaign)
    with unit_of_work() as session:
        later = text("UPDATE message SET state = 'deferred', due_at = now() + interval '1 hour' WHERE contact_id = :id")
        session.execute(later, {"id": kept})
    Pump(campaign.id).run()
    assert relay.recipients == ["p2@example.net"]
    merge(kept, other)
    with unit_of_work() as session:
        session.execute(
            text("UPDATE message SET due_at = now() - interval '1 hour' WHERE contact_id = :id"), {"id": kept}
        )
    Pump(campaign.id).run()
    assert relay.recipients == ["p2@example.net"]
    assert reason(campaign, kept) == "merged"


def test_merging_while_a_campaign_is_launching(relay: RecordingRelay) -> None:
    """The merge comes between the freeze's look at the audience and its commit."""
    with unit_of_work() as session:
        campaign = make_campaign(session)
        ids = make_audience(session, campaign.topic_id, 3)
        launching.launch(session, campaign.id)
    with unit_of_work() as session:
        freeze(session, campaign.id)
        merging_ = threading.Thread(target=merge, args=(ids[0], ids[1]))
        merging_.start()
        merging_.join(timeout=30)  # a merge does not wait for a launch
        assert not merging_.is_alive()
    assert members(campaign) == ids
    Pump(campaign.id).run()
    assert sorted(relay.recipients) == ["p1@example.net", "p3@example.net"]


def test_two_who_merge_in_opposite_directions_at_once(db: object) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session)
        one, other = make_audience(session, campaign.topic_id, 2)
    problems: list[Exception] = []
    ready = threading.Barrier(2)

    def at_once(kept: int, folded: int) -> None:
        ready.wait()
        try:
            merge(kept, folded)
        except Conflict as problem:
            problems.append(problem)

    both = [threading.Thread(target=at_once, args=pair) for pair in ((one, other), (other, one))]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(problems) == 1 and "is merged into contact" in str(problems[0])
    with unit_of_work() as session:
        assert session.scalar(text("SELECT count(*) FROM contact_alias WHERE undone_at IS NULL")) == 1
        assert session.scalar(text("SELECT count(*) FROM contact WHERE merged_into IS NOT NULL")) == 1
