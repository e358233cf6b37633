"""Steering a campaign from pages and from the command line, and reading a mail on the web."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts.policy import Role
from app.core import config, tokens
from app.core.db import unit_of_work
from app.core.tokens import Purpose
from campaigns.commands import COMMANDS
from campaigns.errors import WrongState
from campaigns.services import control
from campaigns.services.freeze import freeze
from tests.factories.accounts import make_staff, sign_in
from tests.factories.campaigns import Made, make_audience, make_campaign
from tests.factories.crashing import frozen
from tests.factories.sending import RecordingRelay, launch, states, status

campaigns = next(command for command in COMMANDS if command.name == "campaigns")


def command(*args: object) -> dict[str, object]:
    """What a command answers."""
    result = CliRunner().invoke(campaigns, [str(arg) for arg in args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout.splitlines()[-1]))


def drafted(size: int = 3) -> Made:
    with unit_of_work() as session:
        campaign = make_campaign(session)
        make_audience(session, campaign.topic_id, size)
    return campaign


def test_a_campaign_goes_all_the_way_on_the_command_line(relay: RecordingRelay) -> None:
    campaign = drafted(40)
    answer = command("launch", campaign.id, "--wait")
    assert (answer["status"], answer["messages"]) == ("finished", {"sent": 40})
    assert len(relay.recipients) == 40
    why = command("explain", campaign.id, "p1@example.net")
    assert why["state"] == "sent" and why["ledger_entry"]
    assert command("status", campaign.id)["recipients"] == 40


def test_pausing_resuming_and_cancelling(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    campaign = frozen(5)
    assert command("pause", campaign.id)["status"] == "paused"
    run_jobs()
    assert states(campaign) == {"queued": 5}
    assert command("resume", campaign.id)["status"] == "sending"
    run_jobs()
    assert states(campaign) == {"sent": 5}
    with pytest.raises(WrongState), unit_of_work() as session:
        control.cancel(session, campaign.id)


def test_cancelling_leaves_nothing_to_send(relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    campaign = frozen(5)
    assert command("cancel", campaign.id)["messages"] == {"cancelled": 5}
    run_jobs()
    assert (status(campaign), relay.recipients) == ("cancelled", [])


def test_the_web_version_is_the_mail_without_tracking(
    relay: RecordingRelay, client: FlaskClient, run_jobs: Callable[[], int]
) -> None:
    config.use(config.current().model_copy(update={"smtp_url": relay.url}))  # the application was bound without it
    campaign = drafted(1)
    launch(campaign)
    run_jobs()
    with unit_of_work() as session:
        contact_id = session.scalar(text("SELECT contact_id FROM message"))
    token = tokens.sign_message(Purpose.VIEW, campaign.id, contact_id)
    page = client.get(f"/view/{token}")
    assert page.status_code == 200
    assert "Hello Ada1" in page.text and "/o/" not in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    for wrong in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        "nonsense",
        tokens.sign_message(Purpose.ENGAGEMENT, campaign.id, contact_id),
        tokens.sign_message(Purpose.VIEW, campaign.id, contact_id + 1),
    ):
        assert client.get(f"/view/{wrong}").status_code == 404


def test_steering_from_the_pages(relay: RecordingRelay, client: FlaskClient, run_jobs: Callable[[], int]) -> None:
    config.use(config.current().model_copy(update={"smtp_url": relay.url}))
    make_staff()
    sign_in(client)
    campaign = drafted(4)
    home = f"/campaigns/{campaign.id}"
    assert client.post(f"{home}/launch").headers["Location"].endswith(home)
    assert "being launched" in client.get(home).text
    with unit_of_work() as session:
        freeze(session, campaign.id)
    client.post(f"{home}/pause")
    page = client.get(home).text
    assert f'action="{home}/resume"' in page and f'action="{home}/pause"' not in page
    assert client.get(f"{home}/progress?status=sending").headers["HX-Refresh"] == "true"
    client.post(f"{home}/resume")
    fragment = client.get(f"{home}/progress?status=sending").text
    assert 'hx-trigger="every 2s"' in fragment
    run_jobs()
    finished = client.get(home).text
    assert ">100%</span>" in finished and "hx-trigger" not in finished
    assert "cannot be done" in client.post(f"{home}/pause", follow_redirects=True).text


def test_a_draft_that_may_not_be_launched_says_why(client: FlaskClient) -> None:
    make_staff()
    sign_in(client)
    with unit_of_work() as session:
        campaign = make_campaign(session, include=())
    page = client.post(f"/campaigns/{campaign.id}/launch", follow_redirects=True).text
    assert "No segment is chosen" in page
    assert status(campaign) == "draft"


def test_the_page_of_a_person(relay: RecordingRelay, client: FlaskClient, run_jobs: Callable[[], int]) -> None:
    config.use(config.current().model_copy(update={"smtp_url": relay.url}))
    make_staff(Role.VIEWER)
    make_staff(Role.ANALYST)
    sign_in(client, "viewer@example.com")
    campaign = frozen(2)
    run_jobs()
    assert client.get(f"/campaigns/{campaign.id}/explain?contact=1").status_code == 403
    assert "explain" not in client.get(f"/campaigns/{campaign.id}").text
    client.post("/sign-out")
    sign_in(client, "analyst@example.com")
    home = f"/campaigns/{campaign.id}/explain"
    assert "Nobody is chosen" in client.get(home).text
    assert "accepted by the relay" in client.get(f"{home}?address=P1@example.net").text
    assert "Nobody in the customer base" in client.get(f"{home}?address=x@example.org").text
    assert "<html" not in client.get(f"{home}?address=p1@example.net", headers={"HX-Request": "true"}).text
    assert client.post(f"/campaigns/{campaign.id}/cancel").status_code == 403
