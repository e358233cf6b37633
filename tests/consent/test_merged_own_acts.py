"""What people do themselves under one number or the other once staff found them to be one person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from app.core import clock as core_clock
from app.core.db import unit_of_work
from app.customers.queries.contacts import contact
from app.customers.services import merging
from campaigns.services.partitions import ensure
from consent.policy.ladder import State
from consent.policy.standing import Actor
from consent.queries import permissions
from consent.queries.gates import gates
from consent.queries.verify import verify
from consent.services.ageing import purge
from consent.services.merging import stand_alone
from consent.services.objections import object_to_marketing
from consent.services.withdraw import withdraw
from tests.conftest import Clock
from tests.consent.conftest import Mailbox, Stage
from tests.factories import consent as make
from tests.factories.campaigns import make_campaign
from tests.factories.tracking import add_message
from tracking.services.record import permitted

SignUp = Callable[..., object]
KEPT, OTHER = "ada@example.com", "ada.l@example.org"


@pytest.fixture
def both(client: FlaskClient, stage: Stage) -> tuple[int, int]:
    """Ada under two addresses; she withdrew the news under the one that is merged into the other."""
    with unit_of_work() as session:
        kept, other = (make.permitted_contact(session, stage.news, address) for address in (KEPT, OTHER))
        withdraw(session, other, [stage.news], actor=Actor.SUBSCRIBER)
        merging.merge(session, kept, other)
        return kept, other


def gate(stage: Stage, contact_id: int) -> str | None:
    with unit_of_work() as session:
        one = select(literal(contact_id).label("contact_id"))
        return session.execute(gates(stage.news, stage.brand, core_clock.now(), one)).one().gate


def test_a_confirmed_sign_up_from_the_folded_mailbox_makes_two_contacts_again(
    stage: Stage,
    both: tuple[int, int],
    client: FlaskClient,
    mailbox: Mailbox,
    sign_up: SignUp,
    run_jobs: Callable[[], int],
) -> None:
    kept, other = both
    assert (gate(stage, kept), gate(stage, other)) == ("permission_withdrawn", "merged")
    sign_up(OTHER)
    run_jobs()
    assert gate(stage, other) == "merged"  # anybody can type an address
    assert "You are subscribed" in client.post(mailbox.confirm_path()).text
    assert (gate(stage, kept), gate(stage, other)) == (None, None)
    with unit_of_work() as session:
        assert contact(session, other).merged_into is None


def test_what_was_refused_while_they_were_one_is_refused_by_both(stage: Stage, client: FlaskClient) -> None:
    with unit_of_work() as session:
        kept, other, third = (
            make.permitted_contact(session, stage.news, address) for address in (KEPT, OTHER, "countess@example.net")
        )
        merging.merge(session, kept, other)
        merging.merge(session, third, kept)
    client.post(f"/unsubscribe/{stage.permission_token(third)}", data={})
    with unit_of_work() as session:
        object_to_marketing(session, other, actor=Actor.SUBSCRIBER)
    with unit_of_work() as session:
        stand_alone(session, other)
        stand_alone(session, third)  # it is not merged
    assert (gate(stage, other), gate(stage, third)) == ("suppressed", "suppressed")
    with unit_of_work() as session:
        found = permissions.of_contact(session, other)[stage.news]
        assert found.state is State.WITHDRAWN
        assert contact(session, third).objected_at is not None
        assert contact(session, kept).merged_into == third and contact(session, other).merged_into is None
        assert verify(session).broken is None


def test_the_preference_page_of_the_kept_address_lifts_what_covers_it(
    stage: Stage, both: tuple[int, int], client: FlaskClient
) -> None:
    kept, other = both
    path = f"/preferences/{stage.permission_token(kept)}"
    page = client.get(path).text
    assert f'value="{stage.news}" checked' not in page  # it is not as if mail came
    done = client.post(path, data={"topic": [stage.news], "shown_off": [stage.news]})
    assert done.status_code == 303
    assert (gate(stage, kept), gate(stage, other)) == (None, "merged")


def test_an_objection_under_the_other_number_is_not_ended_by_the_link_of_a_mail(
    stage: Stage, both: tuple[int, int], client: FlaskClient
) -> None:
    kept, other = both
    with unit_of_work() as session:
        object_to_marketing(session, other, actor=Actor.SUBSCRIBER)
    path = f"/preferences/{stage.permission_token(kept)}"
    refused = client.post(path, data={"topic": [stage.news], "shown_off": [stage.news]})
    assert refused.status_code != 303 and gate(stage, kept) == "suppressed"  # their address is, of which the gate tells
    with unit_of_work() as session:
        make.grant(session, kept, stage.news)  # by a link that was sent to the mailbox just now
    assert gate(stage, kept) is None


def test_leaving_by_an_old_mail_to_the_other_address_covers_both(
    stage: Stage, client: FlaskClient, clock: Clock
) -> None:
    with unit_of_work() as session:
        kept, other = (make.permitted_contact(session, stage.news, address) for address in (KEPT, OTHER))
        merging.merge(session, kept, other)
    assert gate(stage, kept) is None
    assert client.post(f"/unsubscribe/{stage.permission_token(other)}", data={}).status_code in (200, 303)
    assert gate(stage, kept) == "permission_withdrawn"


def test_nobody_is_purged_who_gave_a_sign_under_another_number(session: Session, clock: Clock) -> None:
    topic = make.make_topic(session)
    kept = make.permitted_contact(session, topic)
    clock.forward(timedelta(days=1200))
    other = make.permitted_contact(session, topic)
    merging.merge(session, kept, other)
    clock.forward(timedelta(days=1))

    def due() -> list[int]:
        return list(session.scalars(purge.prospects(core_clock.now(), 36)))

    assert due() == []
    clock.forward(timedelta(days=1200))
    assert due() == [kept]
    purge.purge(session, [kept])
    assert all(contact(session, number).erased_at is not None for number in (kept, other))


@pytest.mark.parametrize("refused", ["kept", "other"])
def test_what_is_refused_under_one_number_is_not_recorded_under_the_other(client: FlaskClient, refused: str) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session)
        ensure(session, campaign.id)
        kept, other = (make.permitted_contact(session, campaign.topic_id, address) for address in (KEPT, OTHER))
        for number in (kept, other):
            make.track(session, number, campaign.brand_id)
            add_message(session, campaign.id, number)
        merging.merge(session, kept, other)
        pairs = {(campaign.id, kept), (campaign.id, other)}
        assert set(permitted(session, pairs)) == pairs
        make.track(session, kept if refused == "kept" else other, campaign.brand_id, granted=False)
        assert permitted(session, pairs) == {}
