"""The one reminder and the welcome mail of a form."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries.contacts import by_address
from app.mail.compose import SystemMail, SystemSender, compose
from consent.policy.ladder import State
from consent.queries import forms, permissions
from consent.services import forms as service
from consent.services.forms import FormSpec
from consent.services.objections import object_to_marketing
from consent.services.suppress import suppress_address
from consent.tasks.confirmation import remind
from tests.consent.conftest import Mailbox, Stage
from tests.factories import consent as make

SignUp = Callable[..., object]
Run = Callable[[], int]


def configure(**options: bool) -> None:
    columns = ", ".join(f"{name} = {value}" for name, value in options.items())
    with unit_of_work() as session:
        session.execute(text(f"UPDATE form SET {columns}"))


def pass_time(days: float) -> None:
    """Let that many days pass for what was asked: the job table lives by the database's clock."""
    with unit_of_work() as session:
        past = ", ".join(
            f"{name} = {name} - :step" for name in ("created_at", "mailed_at", "reminded_at", "expires_at")
        )
        session.execute(text(f"UPDATE sign_up SET {past}"), {"step": timedelta(days=days)})


def test_row_59_a_reminder_comes_once_after_two_days_and_only_where_the_form_does_so(
    stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Run
) -> None:
    sign_up("ada@example.com")
    run_jobs()
    pass_time(2.1)
    remind.function()
    run_jobs()
    assert len(mailbox.mails) == 1  # not by default
    configure(reminds=True)
    for _ in range(3):
        remind.function()
        run_jobs()
        pass_time(1)
    assert [mail["Subject"].partition(":")[0] for mail in mailbox.mails] == ["Please confirm", "Not confirmed yet"]
    html = mailbox.mails[-1].get_body(("html",))
    assert html is not None and len(re.findall("href=", html.get_content())) == 1  # row 52: it is as neutral
    assert "<img" not in html.get_content() and mailbox.mails[-1]["Auto-Submitted"] == "auto-generated"


def test_the_reminders_button_confirms(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Run
) -> None:
    configure(reminds=True)
    sign_up("ada@example.com")
    run_jobs()
    pass_time(3)
    remind.function()
    run_jobs()
    assert "You are subscribed" in client.post(mailbox.confirm_path()).text


@pytest.mark.parametrize("why", ["confirmed", "suppressed", "objected", "other", "late"])
def test_nobody_is_reminded_who_confirmed_left_or_is_late(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Run, why: str
) -> None:
    configure(reminds=True)
    with unit_of_work() as session:
        known = make.make_contact(session, "ada@example.com")
    sign_up("ada@example.com")
    run_jobs()
    pass_time(2.1 if why != "late" else 6.5)
    if why == "confirmed":
        client.post(mailbox.confirm_path())
    elif why == "other":  # confirmed another request of the same brand meanwhile
        sign_up("ada@example.com", topic=[stage.offers])
        run_jobs()
        client.post(mailbox.confirm_path())
    with unit_of_work() as session:
        if why == "suppressed":
            suppress_address(session, email_key="ada@example.com", reason="complaint")
        elif why == "objected":
            object_to_marketing(session, known, actor=make.Actor.STAFF)
    before = len(mailbox.mails)
    remind.function()
    run_jobs()
    assert len(mailbox.mails) == before


def test_a_reminder_that_was_chosen_is_not_sent_after_the_confirmation(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Run
) -> None:
    configure(reminds=True)
    sign_up("ada@example.com")
    run_jobs()
    pass_time(2.1)
    remind.function()
    client.post(mailbox.confirm_path())
    run_jobs()
    assert len(mailbox.mails) == 1


def test_row_59_reminders_count_in_the_caps(stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Run) -> None:
    configure(reminds=True)
    sign_up("ada@example.com")
    run_jobs()
    pass_time(2.1)
    sign_up("ada+1@example.com")  # the mailbox has just got a mail
    run_jobs()
    remind.function()
    run_jobs()
    assert [mail["To"] for mail in mailbox.mails] == ["ada@example.com", "ada+1@example.com"]


def welcome_texts(stage: Stage, **texts: str) -> None:
    with unit_of_work() as session:
        known = forms.by_slug(session, stage.form)
        kept = {kind: {"en": known.text(kind, "en")} for kind in forms.KINDS}
        kept |= {kind: {"en": text} for kind, text in texts.items()}
        spec = FormSpec("Home page", stage.brand, (stage.news, stage.offers), welcomes=True, texts=kept)
        service.update(session, known.id, spec)


def test_a_welcome_mail_greets_who_confirmed_and_has_its_ways_out(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Run
) -> None:
    welcome_texts(stage, welcome_subject="Welcome!", welcome_text="Here we are.\n\nSee <b>you</b> soon.")
    sign_up("ada@example.com", topic=[stage.news, stage.offers])
    run_jobs()
    for _ in range(2):
        client.post(mailbox.confirm_path()) if len(mailbox.mails) == 1 else None
        run_jobs()
    assert [mail["Subject"] for mail in mailbox.mails] == ["Please confirm: Maison Exemple", "Welcome!"]
    mail = mailbox.mails[-1]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and "news.maison-exemple" in mail["List-Id"]
    html = mail.get_body(("html",))
    plain = mail.get_body(("plain",))
    assert html is not None and plain is not None
    assert "See &lt;b&gt;you&lt;/b&gt; soon." in html.get_content() and "<img" not in html.get_content()
    assert "/unsubscribe/" in plain.get_content() and "/preferences/" in plain.get_content()
    token = re.search(r"/unsubscribe/([\w=-]+)", mail["List-Unsubscribe"])
    assert token is not None
    assert client.get(f"/preferences/{token[1]}").status_code == 200
    assert client.post(f"/unsubscribe/{token[1]}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with unit_of_work() as session:
        found = by_address(session, "ada@example.com")
        assert found is not None
        states = {key: standing.state for key, standing in permissions.of_contact(session, found.id).items()}
        assert states == {stage.news: State.WITHDRAWN, stage.offers: State.GRANTED}


def test_no_welcome_after_a_withdrawal(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Run
) -> None:
    welcome_texts(stage, welcome_subject="Welcome!", welcome_text="Here we are.")
    sign_up("ada@example.com")
    run_jobs()
    client.post(mailbox.confirm_path())
    with unit_of_work() as session:
        found = by_address(session, "ada@example.com")
        assert found is not None
    client.post(f"/unsubscribe/{stage.permission_token(found.id)}")
    run_jobs()
    assert len(mailbox.mails) == 1


def test_a_welcome_mail_needs_words(stage: Stage) -> None:
    with pytest.raises(InvalidInput, match="subject and a text"):
        welcome_texts(stage)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", ["confirm", "confirm_reminder", "confirm_parent"])
def test_row_52_every_mail_that_asks_is_neutral_and_untracked(name: SystemMail, language: str) -> None:
    sender = SystemSender("news@example.com", "Maison Exemple", "example.com", "Maison Exemple", "1 rue, Paris")
    values = {
        "confirm_url": "https://mail.example/confirm/t",
        "topics": ("News", "Offers"),
        "expires": "soon",
        "asked": "today",
        "minor": "k•••@e•••.com",
    }
    made = compose(
        name,
        language,
        sender=sender,
        to_address="ada@example.com",
        values=values,
        message_id="m",
        now=datetime(2026, 5, 1, tzinfo=UTC),
    )
    mail = message_from_bytes(made.data, policy=policy.default)
    html = mail.get_body(("html",)).get_content()  # type: ignore[attr-defined]
    assert set(re.findall(r'href="([^"]+)"', html)) == {"https://mail.example/confirm/t"}
    assert "<img" not in html and "List-Unsubscribe" not in mail and mail["Auto-Submitted"] == "auto-generated"
    assert "News" in html and "Offers" in html  # one mail for many topics
