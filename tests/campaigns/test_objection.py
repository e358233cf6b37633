"""An objection to marketing is absolute: no path leads around it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from app.core import clock, jobs
from app.core.db import unit_of_work
from app.customers.queries.contacts import by_address
from app.customers.services.contacts import change_address, find_or_create
from app.customers.services.importing import PermissionTerms
from consent.errors import NotAllowed
from consent.policy.ladder import Basis, Level
from consent.policy.standing import Action, Actor, Subject
from consent.services.importing import record
from consent.services.ledger import Entry, append
from consent.services.objections import object_to_marketing
from tests.factories.campaigns import Made, make_campaign
from tests.factories.consent import act, grant, make_topic, permitted_contact
from tests.factories.sending import RecordingRelay, launch

ADA = "ada@example.net"


@pytest.fixture
def ada(app: Flask, relay: RecordingRelay) -> tuple[Made, int]:
    """Somebody who permitted a topic and then objected to all marketing."""
    with unit_of_work() as session:
        campaign = make_campaign(session)
        contact_id = permitted_contact(session, campaign.topic_id, ADA)
        permitted_contact(session, campaign.topic_id, "ben@example.net")
        object_to_marketing(session, contact_id, actor=Actor.SUBSCRIBER)
    return campaign, contact_id


def bring(contact_id: int, topic_id: int) -> dict[str, int]:
    """Import permission for somebody; return whom it refused, by reason."""
    with unit_of_work() as session:
        session.execute(text("CREATE TEMP TABLE brought (contact_id bigint) ON COMMIT DROP"))
        session.execute(text("INSERT INTO brought VALUES (:id)"), {"id": contact_id})
        terms = PermissionTerms(1, topic_id, "confirmed", "consent", "shop", "folder", clock.now(), "en")
        return record(session, terms, "brought").refused


def test_row_42_a_launch_a_later_one_and_one_of_another_brand(
    ada: tuple[Made, int], relay: RecordingRelay, run_jobs: Callable[[], int]
) -> None:
    campaign, contact_id = ada
    launch(campaign)
    run_jobs()
    with unit_of_work() as session:
        other = make_campaign(session, domain="other.example")
        grant(session, contact_id, other.topic_id)  # permitted to the other brand, before or after: it does not count
    launch(other)
    run_jobs()
    assert relay.recipients == ["ben@example.net"]
    with unit_of_work() as session:
        rows = session.execute(text("SELECT DISTINCT reason FROM message WHERE contact_id = :id"), {"id": contact_id})
        assert {row.reason for row in rows} == {"suppressed"}


def test_row_42_a_claim_of_what_was_queued_before(
    app: Flask, relay: RecordingRelay, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session)
        contact_id = permitted_contact(session, campaign.topic_id, ADA)
    launch(campaign)
    with unit_of_work() as session:
        [freeze] = session.scalars(text("SELECT id FROM job WHERE name = 'campaigns.freeze'"))
    jobs.run(freeze)
    with unit_of_work() as session:
        assert session.scalar(text("SELECT state FROM message")) == "queued"
        object_to_marketing(session, contact_id, actor=Actor.SUBSCRIBER)
    run_jobs()
    assert relay.recipients == []


def test_row_42_imports_under_any_spelling(ada: tuple[Made, int]) -> None:
    campaign, contact_id = ada
    assert bring(contact_id, campaign.topic_id) == {"suppressed": 1}
    for spelling in ("ADA@example.net", "Ada@EXAMPLE.NET", " ada@example.net "):
        with unit_of_work() as session:
            assert find_or_create(session, spelling) == contact_id


def test_row_42_a_change_of_address_and_somebody_new_with_the_old_one(ada: tuple[Made, int]) -> None:
    campaign, contact_id = ada
    with unit_of_work() as session:
        change_address(session, contact_id, "ada@example.org")
    assert bring(contact_id, campaign.topic_id) == {"objected": 1}
    with unit_of_work() as session:
        again = find_or_create(session, ADA)
    assert again != contact_id and bring(again, campaign.topic_id) == {"suppressed": 1}


def test_row_42_forms_and_staff(ada: tuple[Made, int], relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    campaign, contact_id = ada
    with unit_of_work() as session:
        other = make_topic(session)
        act(session, contact_id, Action.REQUEST, topic_id=other)  # anybody can type an address into a form
        stated = Entry(
            Subject.TOPIC,
            Action.GRANT,
            Actor.STAFF,
            topic_id=other,
            level=Level.CONFIRMED,
            basis=Basis.CONSENT,
            evidence={"source": "by phone"},
        )
        append(session, contact_id, stated)
        with pytest.raises(NotAllowed):
            append(session, contact_id, Entry(Subject.MARKETING, Action.CONFIRM, Actor.STAFF))
    assert bring(contact_id, other) == {"suppressed": 1}
    launch(campaign)
    run_jobs()
    assert relay.recipients == ["ben@example.net"]
    with unit_of_work() as session:
        person = by_address(session, ADA)
        assert person is not None and person.objected_at is not None
