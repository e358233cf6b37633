"""What the law asks of every mail of a real campaign: who sends it, from where, and a way out that is safe and free."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import config
from app.core.config import Settings
from app.core.db import unit_of_work
from campaigns.errors import LaunchRefused
from campaigns.services.launch import check
from campaigns.services.launch import launch as launching
from consent.policy.ladder import Basis, Level, State
from consent.policy.standing import Actor
from consent.queries import permissions
from tests.conftest import Clock
from tests.factories.campaigns import make_campaign
from tests.factories.consent import grant, make_contact, make_topic, permitted_contact
from tests.factories.sending import RecordingRelay, launch

ADA = "ada@example.net"


def mail_to(relay: RecordingRelay, address: str) -> EmailMessage:
    made = message_from_bytes(relay.message(address), policy=policy.SMTP)
    assert isinstance(made, EmailMessage)
    return made


def texts(mail: EmailMessage) -> list[str]:
    parts = [mail.get_body((kind,)) for kind in ("html", "plain")]
    return [str(part.get_content()) for part in parts if part is not None]


@pytest.fixture
def sent(app: Flask, relay: RecordingRelay, run_jobs: Callable[[], int]) -> tuple[EmailMessage, int, int]:
    """Ada's mail, her id, and the topic."""
    with unit_of_work() as session:
        campaign = make_campaign(session)
        ada = permitted_contact(session, campaign.topic_id, ADA)
    launch(campaign)
    run_jobs()
    return mail_to(relay, ADA), ada, campaign.topic_id


def test_row_1_the_way_out_is_https_in_production(
    app: Flask, settings: Settings, relay: RecordingRelay, run_jobs: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    safe = config.current().model_copy(update={"base_url": "https://mail.example.com"})
    monkeypatch.setattr(config, "_current", safe)
    with unit_of_work() as session:
        campaign = make_campaign(session)
        permitted_contact(session, campaign.topic_id, ADA)
    launch(campaign)
    run_jobs()
    mail = mail_to(relay, ADA)
    assert str(mail["List-Unsubscribe"]).startswith("<https://mail.example.com/unsubscribe/")
    assert mail.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
    for body in texts(mail):
        assert "http://" not in re.sub(r"http://www\.w3\.org/\S+", "", body)


def test_row_1_without_https_nothing_is_launched(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    here = config.current().model_copy(update={"smtp_url": "smtp://127.0.0.1:1"})
    campaign = make_campaign(session)
    for url, allowed in (("http://mail.example.com", False), ("https://mail.example.com", True)):
        monkeypatch.setattr(config, "_current", here.model_copy(update={"base_url": url}))
        assert any("BASE_URL" in obstacle.text for obstacle in check(session, campaign.id)) is not allowed


def test_row_44_the_sender_is_who_they_say(sent: tuple[EmailMessage, int, int]) -> None:
    """ePrivacy 13(4): no mail that hides in whose name it is sent, and an address to which to say stop."""
    mail, _, _ = sent
    assert str(mail["From"]) == "Example shop <news@example.com>" and len(mail.get_all("From", [])) == 1
    assert mail["Sender"] is None and mail["Subject"]
    assert "mailto:unsubscribe+" in str(mail["List-Unsubscribe"])
    for body in texts(mail):
        assert "Brand" in body and "1 rue de l" in body


def test_row_44_who_gave_no_basis_gets_no_mail(app: Flask, relay: RecordingRelay, run_jobs: Callable[[], int]) -> None:
    with unit_of_work() as session:
        campaign = make_campaign(session)
        permitted_contact(session, campaign.topic_id, ADA)
        make_contact(session, "never@example.net")
        other = make_contact(session, "other@example.net")
        grant(session, other, make_topic(session, campaign.brand_id))  # to something else
        weak = make_contact(session, "weak@example.net")
        grant(session, weak, campaign.topic_id, level=Level.OPT_OUT, basis=Basis.CONSENT, actor=Actor.STAFF)
    launch(campaign)
    run_jobs()
    assert relay.recipients == [ADA]
    with unit_of_work() as session:
        rows = session.execute(text("SELECT c.email, m.reason FROM message m JOIN contact c ON c.id = m.contact_id"))
        assert {row.email.partition("@")[0]: row.reason for row in rows} == {
            "ada": None, "never": "no_permission", "other": "no_permission", "weak": "permission_too_weak"
        }  # fmt: skip


def test_row_53_the_postal_address_stands_in_both_parts(sent: tuple[EmailMessage, int, int]) -> None:
    mail, _, _ = sent
    bodies = texts(mail)
    assert len(bodies) == 2
    for body in bodies:
        assert "1 rue de l" in body and "Paris" in body


@pytest.mark.parametrize("broken", ["brand", "design"])
def test_row_53_without_a_postal_address_nothing_is_launched(
    session: Session, settings: Settings, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr(config, "_current", settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"}))
    bare = "<mjml><mj-body /></mjml>"
    campaign = make_campaign(session, mjml=bare) if broken == "design" else make_campaign(session)
    if broken == "brand":
        session.execute(text("UPDATE brand SET postal_address = ' '"))
    assert any("postal address" in obstacle.text.lower() for obstacle in check(session, campaign.id))
    with pytest.raises(LaunchRefused):
        launching(session, campaign.id)
    assert session.scalar(text("SELECT count(*) FROM message")) == 0


def test_row_53_the_way_out_works_for_more_than_thirty_days_on_one_page_for_nothing(
    client: FlaskClient, sent: tuple[EmailMessage, int, int], clock: Clock
) -> None:
    mail, ada, topic = sent
    found = re.search(r"https?://[^/\s]+(/unsubscribe/[\w=-]+)", texts(mail)[1])
    assert found is not None
    clock.forward(timedelta(days=31))
    page = client.get(found[1])
    assert page.status_code == 200
    # One page and one button: no sign-in, no address to type, nothing to pay, nothing that must be chosen first.
    form = re.search(r'<form method="post"[^>]*>(.*?)</form>', page.text, re.S)
    assert form is not None and not re.search(r'type="(?:email|password|text)"|required|<select', form[1])
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[1]))
    assert client.post(found[1], data=hidden).status_code == 200
    with unit_of_work() as session:
        assert permissions.of_contact(session, ada)[topic].state is State.WITHDRAWN
