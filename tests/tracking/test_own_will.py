"""STANDARDS 40, 46 and 47 across rooms: what people say on their own pages holds for mails under way and sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core import tokens
from app.core.config import Settings
from app.core.db import unit_of_work
from app.core.tokens import Purpose
from app.customers.queries.contacts import contact
from campaigns.services.freeze import freeze
from consent.services import address
from consent.services.confirm import Visit
from tests.factories.campaigns import Made, make_campaign
from tests.factories.consent import permitted_contact, track
from tests.factories.sending import RecordingRelay, launch, recording_relay
from tracking.engine import drainer


@pytest.fixture
def relay(app: Flask, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingRelay]:
    """A real SMTP server that records what it accepted."""
    with recording_relay(settings, tmp_path, monkeypatch) as running:
        yield running


@pytest.fixture
def mailing(app: Flask) -> tuple[Made, int, int]:
    """A draft to Ada, who permits measuring, and Bob, who does not."""
    with unit_of_work() as session:
        campaign = make_campaign(session)
        ada, bob = (permitted_contact(session, campaign.topic_id, f"{name}@example.net") for name in ("ada", "bob"))
        track(session, ada, campaign.brand_id)
        return campaign, ada, bob


def html_of(relay: RecordingRelay, address_: str) -> str:
    body = message_from_bytes(relay.message(address_), policy=policy.default).get_body(("html",))
    assert body is not None
    return str(body.get_content())


def recorded() -> int:
    with unit_of_work() as session:
        return int(session.scalar(text("SELECT count(*) FROM event WHERE contact_id IS NOT NULL")) or 0)


def path_in(html: str, kind: str) -> str:
    found = re.search(rf"https?://[^/\"]+(/{kind}/[\w.-]+(?:/\d+)?)", html)
    assert found is not None, kind
    return found[1]


def test_row_46_without_their_permission_no_pixel_and_links_of_everybody(
    client: FlaskClient, mailing: tuple[Made, int, int], relay: RecordingRelay, run_jobs: Callable[[], int]
) -> None:
    campaign, _, bob = mailing
    launch(campaign)
    run_jobs()
    html = html_of(relay, "bob@example.net")
    everybody = tokens.sign_message(Purpose.ENGAGEMENT, campaign.id, 0)
    assert "/o/" not in html and f"/c/{everybody}/" in html
    assert tokens.sign_message(Purpose.ENGAGEMENT, campaign.id, bob) not in html
    assert "/o/" in html_of(relay, "ada@example.net")
    # Asked apart from the mail, and one click from every mail, also where nothing is measured.
    for who in ("ada@example.net", "bob@example.net"):
        page = client.get(path_in(html_of(relay, who), "preferences")).text
        assert page.count('name="tracking"') == 1 and page.count('name="topic"') == 1


def test_row_47_withdrawing_it_silences_pixels_already_sent(
    client: FlaskClient, mailing: tuple[Made, int, int], relay: RecordingRelay, run_jobs: Callable[[], int]
) -> None:
    campaign, _, _ = mailing
    launch(campaign)
    run_jobs()
    html = html_of(relay, "ada@example.net")
    pixel, link, page = path_in(html, "o") + ".gif", path_in(html, "c"), path_in(html, "preferences")
    pixel = pixel.replace(".gif.gif", ".gif")
    drain = drainer.build()
    assert client.get(pixel).status_code == 200 and client.get(link).status_code == 302
    drain.drain()
    assert recorded() == 2
    assert client.post(page, data={"shown_tracking": "yes"}).status_code == 303
    again = client.get(pixel)
    assert (again.status_code, again.mimetype) == (200, "image/gif")
    assert client.get(link).status_code == 302  # the link still leads where it leads
    drain.drain()
    assert recorded() == 2
    assert "shown_tracking" in client.get(page).text


def test_row_40_a_corrected_address_reaches_mail_already_queued(
    mailing: tuple[Made, int, int], relay: RecordingRelay, run_jobs: Callable[[], int]
) -> None:
    campaign, ada, _ = mailing
    launch(campaign)
    with unit_of_work() as session:
        freeze(session, campaign.id)
    with unit_of_work() as session:
        person = contact(session, ada)
        change = address.request(session, person, campaign.brand_id, "ada.new@example.net", "en")
        assert change is not None
        address.confirm(session, address.token_for(change), Visit("203.0.113.9", "Firefox", "/address"), "At this one.")
    run_jobs()
    assert sorted(relay.recipients) == ["ada.new@example.net", "bob@example.net"]


def test_a_pause_in_mid_campaign_holds_from_the_next_claim(
    client: FlaskClient, mailing: tuple[Made, int, int], relay: RecordingRelay, run_jobs: Callable[[], int]
) -> None:
    campaign, ada, _ = mailing
    launch(campaign)
    with unit_of_work() as session:
        freeze(session, campaign.id)
    token = tokens.sign_message(Purpose.PERMISSION, campaign.id, ada)
    assert client.post(f"/preferences/{token}", data={"act": "pause", "for": "1"}).status_code == 303
    run_jobs()
    assert relay.recipients == ["bob@example.net"]
    with unit_of_work() as session:
        why = session.execute(text("SELECT state, reason FROM message WHERE contact_id = :id"), {"id": ada}).one()
        assert tuple(why) == ("skipped", "paused")
