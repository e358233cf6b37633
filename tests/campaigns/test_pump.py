"""From launch to the relay, on real engines and a real SMTP server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from flask import Flask
from sqlalchemy import text

from app.brands.queries import sending
from app.core import clock as core_clock
from app.core import config, tokens
from app.core.db import unit_of_work
from app.core.secrets import address_key
from app.core.tokens import MessageToken, Purpose
from app.customers.services import contacts
from app.mail.dkim import verify
from campaigns.engine.pump import Pump
from campaigns.queries.explain import explain
from campaigns.queries.progress import progress
from campaigns.services import control
from campaigns.services.claim import Claimer, ClaimScope
from campaigns.services.freeze import freeze
from consent.policy.standing import Actor
from consent.services.withdraw import withdraw
from tests.conftest import Clock
from tests.factories.campaigns import Made, make_audience, make_campaign
from tests.factories.consent import grant, permitted_contact, track
from tests.factories.crashing import frozen
from tests.factories.sending import RecordingRelay, launch, states, status, wait_for


def campaign_to(*addresses: str) -> tuple[Made, dict[str, int]]:
    """A draft to people who confirmed; returns it and their ids."""
    with unit_of_work() as session:
        campaign = make_campaign(session)
        return campaign, {
            address: permitted_contact(session, campaign.topic_id, address, first_name="Ada") for address in addresses
        }


def reason(campaign: Made, contact_id: int) -> tuple[str, str | None]:
    """State and reason of one message."""
    with unit_of_work() as session:
        row = session.execute(
            text("SELECT state, reason FROM message WHERE campaign_id = :id AND contact_id = :contact"),
            {"id": campaign.id, "contact": contact_id},
        ).one()
    return row.state, row.reason


def test_everybody_gets_one_mail(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session)
        make_audience(session, campaign.topic_id, 1200)
    launch(campaign)
    run_jobs()
    assert states(campaign) == {"sent": 1200}
    assert status(campaign) == "finished"
    assert sorted(relay.recipients) == sorted(f"p{n}@example.net" for n in range(1, 1201))
    assert list((config.current().var / "journal").iterdir()) == []


def test_a_pump_that_finds_no_work_says_so(relay: RecordingRelay) -> None:
    """Else the next run follows at once, and the campaign never ends: what two pumps did, or a sweep, is done."""
    campaign = frozen(3)
    assert Pump(campaign.id).run().exhausted
    assert states(campaign) == {"sent": 3}
    assert Pump(campaign.id).run().exhausted


def test_a_mail_is_whole(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    campaign, ids = campaign_to("ada@example.net")
    with unit_of_work() as session:
        track(session, ids["ada@example.net"], campaign.brand_id)
    launch(campaign)
    run_jobs()
    raw = relay.message("ada@example.net")
    mail = message_from_bytes(raw, policy=policy.default)
    (accepted,) = relay.accepted
    token, _, domain = accepted.mail_from.partition("@")
    assert tokens.read_return_path(token) == MessageToken(campaign.id, ids["ada@example.net"])
    assert mail["Message-ID"] == f"<{token}@{domain}>"
    assert mail["Subject"] == "News for Ada"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    one_click = mail["List-Unsubscribe"].partition(">")[0].strip("<")
    permission = one_click.rpartition("/")[2]
    assert tokens.read_message(Purpose.PERMISSION, permission) == MessageToken(campaign.id, ids["ada@example.net"])
    for part in ("plain", "html"):
        body = mail.get_body((part,))
        assert body is not None and one_click in body.get_content()
    with unit_of_work() as session:
        sender = session.scalar(text("SELECT sender_id FROM campaign"))
        assert verify(raw, sending.identity(session, sender).dkim_record)


def test_untracked_mail_names_nobody_in_its_links(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    campaign, ids = campaign_to("ada@example.net", "bob@example.net")
    with unit_of_work() as session:
        track(session, ids["ada@example.net"], campaign.brand_id)
    launch(campaign)
    run_jobs()
    html = {}
    for address in ids:
        body = message_from_bytes(relay.message(address), policy=policy.default).get_body(("html",))
        assert body is not None
        html[address] = body.get_content()
    everyone = tokens.sign_message(Purpose.ENGAGEMENT, campaign.id, 0)
    personal = tokens.sign_message(Purpose.ENGAGEMENT, campaign.id, ids["ada@example.net"])
    assert f"/c/{personal}/0" in html["ada@example.net"] and f"/o/{personal}.gif" in html["ada@example.net"]
    assert f"/c/{everyone}/0" in html["bob@example.net"] and "/o/" not in html["bob@example.net"]


def test_row_9_who_unsubscribes_while_it_is_sent_gets_nothing_from_the_next_claim_on(
    app: Flask, relay: RecordingRelay
) -> None:
    campaign = frozen(3)
    scope = ClaimScope(campaign.id, campaign.topic_id, campaign.brand_id, "here", frozenset())
    with unit_of_work() as session:
        people = list(session.scalars(text("SELECT contact_id FROM message ORDER BY contact_id")))
        lane = session.scalar(text("SELECT DISTINCT lane_id FROM message")) or 0
        session.execute(text("UPDATE campaign SET status = 'sending'"))
    with unit_of_work() as session:
        first = Claimer(scope).claim(session, lane, 1, after=0)
    assert [each.contact_id for each in first.recipients] == people[:1]
    one_click = tokens.sign_message(Purpose.PERMISSION, campaign.id, people[1])
    assert app.test_client().post(f"/unsubscribe/{one_click}").status_code == 200
    with unit_of_work() as session:
        second = Claimer(scope).claim(session, lane, 10, after=first.last)
    assert [each.contact_id for each in second.recipients] == people[2:] and second.skipped == 1
    assert reason(campaign, people[1]) == ("skipped", "permission_withdrawn")


def test_who_withdraws_after_the_freeze_gets_nothing(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    campaign = frozen(50)
    with unit_of_work() as session:
        gone = session.scalar(text("SELECT min(contact_id) FROM message"))
        withdraw(session, gone, [campaign.topic_id], actor=Actor.SUBSCRIBER, campaign_id=campaign.id)
    run_jobs()
    assert states(campaign) == {"sent": 49, "skipped": 1}
    assert reason(campaign, gone) == ("skipped", "permission_withdrawn")
    with unit_of_work() as session:
        why = explain(session, campaign.id, gone)
        assert why.entry is not None and why.entry.act.action == "withdraw"
        assert [step.verdict for step in why.steps if step.gate == "permission_withdrawn"] == ["shut"]


def freeze_only(campaign: Made) -> None:
    """Freeze without sending."""
    launch(campaign)
    with unit_of_work() as session:
        freeze(session, campaign.id)


def test_a_new_address_that_they_confirmed_reaches_queued_mail(
    relay: RecordingRelay, run_jobs: Callable[[], int]
) -> None:
    campaign, ids = campaign_to("former@example.net")
    freeze_only(campaign)
    with unit_of_work() as session:
        contacts.change_address(session, ids["former@example.net"], "new@example.net")
        grant(session, ids["former@example.net"], campaign.topic_id)
    run_jobs()
    assert relay.recipients == ["new@example.net"]
    with unit_of_work() as session:
        assert session.scalar(text("SELECT address_key FROM message")) == address_key("new@example.net")


def test_a_new_address_that_nobody_confirmed_gets_nothing(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    campaign, ids = campaign_to("former@example.net")
    freeze_only(campaign)
    with unit_of_work() as session:
        contacts.change_address(session, ids["former@example.net"], "stranger@example.net")
    run_jobs()
    assert relay.recipients == []
    assert reason(campaign, ids["former@example.net"]) == ("skipped", "address_changed")


def test_a_refused_address_fails_and_is_suppressed(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    campaign, ids = campaign_to("refuse1@example.net", "block1@example.net", "fine@example.net")
    launch(campaign)
    run_jobs()
    assert states(campaign) == {"failed": 2, "sent": 1}
    assert status(campaign) == "finished"
    with unit_of_work() as session:
        rows = session.execute(text("SELECT contact_id, bounce_class, smtp_code, enhanced_code FROM message")).all()
        classes = {row.contact_id: (row.bounce_class, row.smtp_code, row.enhanced_code) for row in rows}
        suppressed = session.scalar(text("SELECT count(*) FROM suppression WHERE reason = 'hard_bounce'"))
    assert classes[ids["refuse1@example.net"]] == ("hard", 550, "5.1.1")
    assert classes[ids["block1@example.net"]] == ("block", 550, "5.7.1")
    assert suppressed == 1


def test_a_deferred_message_is_tried_again_with_the_same_message_id(
    relay: RecordingRelay, run_jobs: Callable[[], int], clock: Clock
) -> None:
    campaign, ids = campaign_to("defer1@example.net", "fine@example.net")
    launch(campaign)
    run_jobs()
    assert states(campaign) == {"deferred": 1, "sent": 1}
    assert status(campaign) == "sending"
    with unit_of_work() as session:
        due = session.scalar(text("SELECT due_at FROM message WHERE state = 'deferred'"))
        assert timedelta(minutes=4) < due - core_clock.now() < timedelta(minutes=7)
        contact_id = ids["defer1@example.net"]
        session.execute(
            text("UPDATE contact SET email = 'late@example.net' WHERE id = :id"), {"id": contact_id}
        )  # the relay takes this one
    clock.forward(timedelta(minutes=10))
    Pump(campaign.id).run()
    assert reason(campaign, contact_id) == ("sent", None)
    late = next(message for message in relay.accepted if message.recipient == "late@example.net")
    assert late.message_id.startswith(tokens.sign_return_path(campaign.id, contact_id))


def test_the_last_try_fails(relay: RecordingRelay, clock: Clock) -> None:
    campaign, ids = campaign_to("defer1@example.net")
    freeze_only(campaign)
    for _ in range(9):
        Pump(campaign.id).run()
        clock.forward(timedelta(hours=15))
    assert reason(campaign, ids["defer1@example.net"])[0] == "failed"
    with unit_of_work() as session:
        assert session.scalar(text("SELECT bounce_class FROM message")) == "block"
        assert session.scalar(text("SELECT attempts FROM message")) == 9


@pytest.mark.parametrize(("act", "left"), [(control.pause, "queued"), (control.cancel, "cancelled")])
def test_pause_and_cancel_act_within_two_seconds(
    relay: RecordingRelay, act: Callable[..., None], left: str, run_jobs: Callable[[], int]
) -> None:
    campaign = frozen(60)
    with unit_of_work() as session:  # half a second each, on four connections
        session.execute(text("UPDATE contact SET email = 'slow' || id || '@example.net'"))
    pump = threading.Thread(target=lambda: Pump(campaign.id).run())
    pump.start()
    wait_for(lambda: len(relay.accepted) > 3, "the first mails")
    with unit_of_work() as session:
        act(session, campaign.id)
    acted = time.monotonic()
    pump.join()
    assert time.monotonic() - acted < 2
    run_jobs()
    sent = len(relay.accepted)
    assert states(campaign) == {"sent": sent, left: 60 - sent}
    if left == "queued":
        with unit_of_work() as session:
            control.resume(session, campaign.id)
            assert progress(session, campaign.id).status == "sending"


def test_two_pumps_share_the_work(relay: RecordingRelay) -> None:
    campaign = frozen(1500)
    pumps = [threading.Thread(target=lambda: Pump(campaign.id).run()) for _ in range(2)]
    for pump in pumps:
        pump.start()
    for pump in pumps:
        pump.join()
    assert states(campaign) == {"sent": 1500}
    assert len(set(relay.recipients)) == len(relay.recipients) == 1500


def test_a_relay_that_is_away_loses_nothing(
    relay: RecordingRelay, run_jobs: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = frozen(20)
    settings = config.current()
    monkeypatch.setattr(config, "_current", settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"}))
    run_jobs()
    assert states(campaign) == {"queued": 20}
    with unit_of_work() as session:
        assert "cannot be reached" in (progress(session, campaign.id).problem or "")
    monkeypatch.setattr(config, "_current", settings)
    Pump(campaign.id).run()
    assert states(campaign) == {"sent": 20}
