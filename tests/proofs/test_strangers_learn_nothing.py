"""A form answers known and unknown addresses in the same time, and a thousand requests bring a victim one mail."""

from __future__ import annotations

import random
from collections.abc import Callable
from time import perf_counter

import pytest
from flask.testing import FlaskClient
from scipy.stats import mannwhitneyu
from sqlalchemy import text

from app.core.db import unit_of_work
from tests.consent.conftest import Mailbox, Stage, mailbox, sign_up, stage  # noqa: F401 - fixtures
from tests.consent.conftest import shown_token as token_of
from tests.factories import consent as make

pytestmark = pytest.mark.proof
ROUNDS = 400


def test_row_62_the_time_of_an_answer_tells_nothing(client: FlaskClient, stage: Stage) -> None:  # noqa: F811
    """Known and unknown take turns at random; neither is faster in more than 60 of 100 pairs."""
    with unit_of_work() as session:
        for number in range(ROUNDS):
            make.permitted_contact(session, stage.news, f"known{number}@example.com")
    token, dice = token_of(client, stage.form), random.Random(62)
    turns = [(kind, number) for number in range(ROUNDS) for kind in ("known", "unknown")]
    dice.shuffle(turns)
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    for at, (kind, number) in enumerate(turns):
        sent = {"form_token": token, "language": "en", "email": f"{kind}{number}@example.com", "topic": [stage.news]}
        where = {"REMOTE_ADDR": f"10.{at >> 8}.{at & 255}.1"}
        began = perf_counter()
        client.post(f"/subscribe/{stage.form}", data=sent, environ_base=where)
        times[kind].append(perf_counter() - began)
        if at % 40 == 39:  # else the form would count as flooded
            with unit_of_work() as session:
                session.execute(text("UPDATE sign_up SET confirmed_at = now()"))
    faster = mannwhitneyu(times["known"], times["unknown"]).statistic / ROUNDS**2
    assert 0.4 < faster < 0.6, faster


def test_row_59_a_thousand_requests_for_one_victim_send_one_mail(
    client: FlaskClient,
    stage: Stage,  # noqa: F811
    mailbox: Mailbox,  # noqa: F811
    run_jobs: Callable[[], int],
) -> None:
    dice, answers = random.Random(59), set()
    for number in range(1000):
        local = "".join(letter + "." * dice.randrange(2) for letter in "victim").strip(".")
        email = f"{local}+{number}@{dice.choice(('gmail.com', 'googlemail.com'))}"
        # As patient as a flooded form wants its visitors, and from another place each time.
        token = token_of(client, stage.form, ago=31 + number / 1000)
        sent = {"form_token": token, "language": "en", "email": email, "topic": [stage.news]}
        where = {"REMOTE_ADDR": f"10.{number >> 8}.{number & 255}.1"}
        answers.add(client.post(f"/subscribe/{stage.form}", data=sent, environ_base=where).status_code)
    run_jobs()
    assert answers == {200} and len(mailbox.mails) == 1
