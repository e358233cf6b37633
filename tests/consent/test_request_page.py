"""``/request``: for people without a link or a mailbox. The same answer for everybody, and nothing done unverified."""

from __future__ import annotations

import statistics
import time
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.accounts.views.limits import limiter
from app.core import clock as core_clock
from app.core import tokens
from app.core.db import unit_of_work
from app.customers.queries.contacts import contact
from consent.policy.requests import Channel, Kind, State
from consent.queries import requests
from consent.queries.requests import RequestInfo
from consent.services.requests import filing
from consent.views.form_page import HONEYPOT
from tests.consent.conftest import Stage
from tests.factories import consent as make
from tests.factories.accounts import make_staff, sign_in

GIVEN = {"kind": "objection", "name": "Ada Lovelace", "email": "ada@example.com", "phone": "+44 20 7946 0000"}


def send(client: FlaskClient, **fields: str) -> TestResponse:
    shown = core_clock.now().timestamp() - 3
    token = tokens.sign_timed(tokens.Purpose.REQUEST, {"t": shown})
    return client.post("/request", data={"form_token": token, **GIVEN, **fields})


def filed() -> list[RequestInfo]:
    with unit_of_work() as session:
        return requests.page_of(session)


@pytest.fixture(autouse=True)
def unlimited(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit by place is tested apart."""
    monkeypatch.setattr(limiter, "enabled", False)


def test_a_request_lands_in_the_queue_and_changes_nothing(client: FlaskClient, stage: Stage) -> None:
    with unit_of_work() as session:
        person = make.make_contact(session, "ada@example.com")
    assert send(client, wish="Letters\r\nonly\x07").status_code == 200
    [found] = filed()
    assert (found.kind, found.channel, found.state) == (Kind.OBJECTION, Channel.PAGE, State.RECEIVED)
    assert (found.wish, found.contact_id) == ("Letters\nonly", None)
    with unit_of_work() as session:
        assert contact(session, person).objected_at is None


def test_a_dead_mailbox_keeps_nobody_from_control(client: FlaskClient, stage: Stage) -> None:
    """From the public page over the call back to the objection itself."""
    with unit_of_work() as session:
        person = make.permitted_contact(session, stage.news, "ada@example.com")
    send(client)
    make_staff()
    sign_in(client)
    path = f"/requests/{filed()[0].id}"
    client.post(f"{path}/identify", data={"contact": person})
    client.post(f"{path}/verify", data={"how": "called_back", "note": "on the number of her account"})
    client.post(f"{path}/object")
    client.post(f"{path}/complete", data={"outcome": "told on the telephone"})
    with unit_of_work() as session:
        assert contact(session, person).objected_at is not None
    assert filed() == []


def test_known_and_unknown_addresses_get_the_same_answer_in_the_same_time(client: FlaskClient, stage: Stage) -> None:
    with unit_of_work() as session:
        make.permitted_contact(session, stage.news, "ada@example.com")
    bodies, times = {}, {"ada@example.com": [], "nobody@example.com": []}
    for address in list(times) * 8:
        began = time.perf_counter()
        answer = send(client, email=address)
        times[address].append(time.perf_counter() - began)
        bodies[address] = (answer.status_code, answer.get_data(as_text=True))
    assert bodies["ada@example.com"] == bodies["nobody@example.com"]
    known, unknown = (statistics.median(found) for found in times.values())
    assert known < 3 * unknown and unknown < 3 * known


def test_the_queue_cannot_be_flooded_about_one_address(client: FlaskClient, stage: Stage) -> None:
    answers = {send(client).get_data(as_text=True) for _ in range(filing.ADDRESS_REQUESTS + 3)}
    assert len(answers) == 1 and len(filed()) == filing.ADDRESS_REQUESTS


def test_one_place_may_ask_ten_times_an_hour(
    client: FlaskClient, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limiter, "enabled", True)
    assert [send(client, email=f"p{n}@example.com").status_code for n in range(11)] == [200] * 10 + [429]


def test_robots_are_thanked_and_not_heard(client: FlaskClient, stage: Stage) -> None:
    trapped = send(client, **{HONEYPOT: "https://spam.example"})
    assert trapped.status_code == 200 and filed() == []
    assert trapped.get_data() == send(client).get_data()
    assert client.post("/request", data=GIVEN).status_code == 422  # the form was never shown
    old = tokens.sign_timed(tokens.Purpose.REQUEST, {"t": (core_clock.now() - timedelta(days=2)).timestamp()})
    assert client.post("/request", data={**GIVEN, "form_token": old}).status_code == 422
    form = tokens.sign_timed(tokens.Purpose.FORM, {"f": 1, "t": core_clock.now().timestamp() - 3})
    assert client.post("/request", data={**GIVEN, "form_token": form}).status_code == 422


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "Tell us your name"),
        ({"email": ""}, "Give the address that we write to"),
        ({"email": "ada@"}, "not a valid e-mail address"),
        ({"phone": ""}, "Tell us how to reach you"),
        ({"kind": "everything"}, "Choose what you would like"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_lost(
    client: FlaskClient, stage: Stage, fields: dict[str, str], said: str
) -> None:
    answer = send(client, **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and said in page and filed() == []
    assert all(
        value.replace("+", "&#43;") in page or value in page for name, value in GIVEN.items() if name not in fields
    )


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_sets_no_cookie_and_changes_nothing_by_looking(
    client: FlaskClient, stage: Stage, language: str
) -> None:
    client.application.config["WTF_CSRF_ENABLED"] = True
    for method in ("GET", "HEAD"):
        answer = client.open("/request", method=method, headers={"Accept-Language": language})
        assert answer.status_code == 200 and "Set-Cookie" not in answer.headers
    assert "Set-Cookie" not in send(client).headers
    page = client.get("/request", headers={"Accept-Language": language}).get_data(as_text=True)
    assert ("Ask about your data" if language == "en" else "données") in page
    with unit_of_work() as session:
        assert session.scalar(text("SELECT count(*) FROM privacy_request")) == 1


def test_a_full_day_is_said_and_not_kept_quiet(
    client: FlaskClient, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing, "DAY_REQUESTS", 1)
    assert send(client, email="p1@example.com").status_code == 200
    full = send(client, email="p2@example.com")
    assert full.status_code == 429 and "Please write to us" in full.get_data(as_text=True) and len(filed()) == 1
