"""A brand with a form, a mailbox to look into, and mails whose footer links can be followed."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session as DbSession
from werkzeug.test import TestResponse

from app.brands.services.set_up import create_sender, ensure_relay
from app.core import clock as core_clock
from app.core import config, tokens
from app.core.config import Settings
from app.core.db import unit_of_work
from consent.policy import bombing, challenge
from consent.services import forms
from consent.services.forms import FormSpec, default_texts
from consent.services.withdraw import MailContext, contexts
from tests.factories import consent as make

CAMPAIGN = 7


@dataclass(frozen=True)
class Stage:
    """What stands before the curtain rises. ``news`` takes confirmed consent, ``offers`` too."""

    brand: int
    news: int
    offers: int
    form: str

    def permission_token(self, contact_id: int) -> str:
        """Return the footer token of a mail about ``news``."""
        return tokens.sign_message(tokens.Purpose.PERMISSION, CAMPAIGN, contact_id)


@pytest.fixture
def stage(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A brand with two topics, a sender and a form, and campaign 7 about the first topic."""
    with unit_of_work() as session:
        brand = make.make_brand(session, "Maison Exemple")
        create_sender(session, brand, name="Maison Exemple", email="news@example.com")
        ensure_relay(session)
        news = make.make_topic(session, brand, "News")
        offers = make.make_topic(session, brand, "Offers")
        spec = FormSpec("Home page", brand, (news, offers), texts=default_texts("Maison Exemple"))
        forms.create(session, spec, slug="home")

    def context(_session: DbSession, campaign_id: int, _contact_id: int) -> MailContext | None:
        return MailContext(brand, news, "en", "October") if campaign_id == CAMPAIGN else None

    monkeypatch.setitem(contexts._entries, "test", context)
    return Stage(brand, news, offers, "home")


class Mailbox:
    """What a real SMTP server has accepted."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.raw.append(bytes(envelope.content or b""))
        made = message_from_bytes(self.raw[-1], policy=policy.default)
        assert isinstance(made, EmailMessage)
        self.mails.append(made)
        return "250 2.0.0 accepted"

    def confirm_path(self) -> str:
        """Return the path of the confirmation link in the latest mail."""
        part = self.mails[-1].get_body(("plain",))
        assert part is not None
        found = re.search(r"https?://[^/\s]+(/confirm/[\w.-]+)", part.get_content())
        assert found is not None
        return found[1]


@pytest.fixture
def mailbox(app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """An SMTP server on this machine that takes everything."""
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    monkeypatch.setattr(config, "_current", settings.model_copy(update={"smtp_url": f"smtp://127.0.0.1:{port}"}))
    yield box
    server.stop()


@pytest.fixture
def sign_up(client: FlaskClient, stage: Stage) -> Callable[..., TestResponse]:
    """Fill in the form as a person does, three seconds after it was shown."""

    def send(email: str, **fields: object) -> TestResponse:
        if "form_token" not in fields:
            fields["form_token"] = shown_token(client, stage.form)
        data = {"language": "en", "email": email, "topic": [stage.news], **fields}
        return client.post(f"/subscribe/{stage.form}", data=data)

    return send


def shown_token(client: FlaskClient, slug: str, *, ago: float = 3, query: str = "", **headers: str) -> str:
    """Return the token of a form as it was shown ``ago`` seconds before now."""
    page = client.get(f"/subscribe/{slug}{'?' if query else ''}{query}", headers=headers).text
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found is not None
    told = tokens.read_timed(tokens.Purpose.FORM, found[1], max_age=60)
    return tokens.sign_timed(tokens.Purpose.FORM, {**told, "t": core_clock.now().timestamp() - ago})


@pytest.fixture
def ours(stage: Stage, site: str) -> str:
    """The origin of the product, on the stage."""
    return site


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a form be sent as fast as the browser types."""
    monkeypatch.setattr(bombing, "FILL_IN", bombing.FILL_IN * 0)


@pytest.fixture
def flooded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form got 80 requests in the last hour that nobody confirmed; work is light here."""
    monkeypatch.setattr(challenge, "BITS", 8)
    with unit_of_work() as session:
        session.execute(
            text(
                "INSERT INTO sign_up (form_id, brand_id, email, address_key, domain, topic_ids, language, nonce, ip,"
                " expires_at) SELECT f.id, f.brand_id, 'v' || n || '@example.net', sha256(n::text::bytea),"
                " 'example.net', f.topic_ids, 'en', 'x', '198.51.100.7', now() + interval '7 days'"
                " FROM form f, generate_series(1, 80) n"
            )
        )
