from __future__ import annotations

import re
import time
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts import queries
from app.accounts.policy import Role
from app.accounts.services import passwords, staff
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from tests.factories.accounts import PASSWORD, make_staff, sign_in


def test_who_is_not_signed_in_is_led_to_the_door_and_back(client: FlaskClient) -> None:
    make_staff()
    led = client.get("/account?x=1")
    assert led.status_code == 302
    assert led.location == "/sign-in?next=/account?x%3D1"
    back = client.post(
        led.location, data={"email": "administrator@example.com", "password": PASSWORD, "next": "/account?x=1"}
    )
    assert back.location == "/account?x=1"
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/\t/evil.example",  # browsers drop the tab
        "/\n/evil.example",
        "/x\\..\\evil.example",
    ],
)
def test_the_door_leads_nowhere_else(client: FlaskClient, target: str) -> None:
    make_staff()
    data = {"email": "administrator@example.com", "password": PASSWORD, "next": target}
    assert client.post("/sign-in", data=data).location == "/"


def test_an_unknown_address_and_a_wrong_password_look_the_same(client: FlaskClient) -> None:
    make_staff()
    answers = [
        client.post("/sign-in", data={"email": email, "password": "not the right one"}).get_data(as_text=True)
        for email in ("administrator@example.com", "stranger@example.com")
    ]
    answers = [re.sub(r'"X-CSRFToken": "[^"]+"|name="csrf_token"[^>]+', "", answer) for answer in answers]
    assert answers[0] == answers[1].replace("stranger@", "administrator@")
    assert "do not belong together" in answers[0]


def test_an_unknown_address_takes_as_long_as_a_wrong_password(client: FlaskClient) -> None:
    make_staff()
    passwords.matches("x", None)

    def seconds(email: str) -> float:
        with unit_of_work() as session:
            began = time.perf_counter()
            with pytest.raises(Exception, match="do not belong together"):
                staff.sign_in(session, email, "not the right one")
            return time.perf_counter() - began

    known, unknown = (
        median(seconds(email) for _ in range(5)) for email in ("administrator@example.com", "no@example.com")
    )
    assert unknown > known / 2


def test_a_closed_account_is_out_at_once(client: FlaskClient) -> None:
    make_staff()
    closed = make_staff(Role.MARKETER)
    assert sign_in(client, "marketer@example.com") == 302
    with unit_of_work() as session:
        staff.deactivate(session, closed)
    assert client.get("/account").status_code == 302
    assert sign_in(client, "marketer@example.com") == 422


def test_a_session_ends_after_twelve_idle_hours(client: FlaskClient, clock: Any) -> None:
    make_staff()
    sign_in(client)
    for _ in range(3):
        clock.forward(timedelta(hours=11))
        assert client.get("/account").status_code == 200
    clock.forward(timedelta(hours=12))
    assert client.get("/account").status_code == 302


def test_a_page_that_polls_keeps_nobody_signed_in(client: FlaskClient, clock: Any) -> None:
    make_staff()
    sign_in(client)
    clock.forward(timedelta(hours=8))
    assert client.get("/account", headers={"HX-Request": "true"}).status_code == 200
    clock.forward(timedelta(hours=8))
    polled = client.get("/account", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/account"})
    assert polled.status_code == 401
    assert polled.headers["HX-Redirect"] == "/sign-in?next=/account"


def test_signing_in_keeps_nothing_of_the_session_before(client: FlaskClient) -> None:
    make_staff()
    with client.session_transaction() as before:
        before["planted"] = "by somebody else"
    sign_in(client)
    with client.session_transaction() as after:
        assert "planted" not in after


def test_signing_out(client: FlaskClient) -> None:
    make_staff()
    sign_in(client)
    client.post("/sign-out")
    assert client.get("/account").status_code == 302


def test_signing_out_everywhere_ends_other_sessions(app: Flask) -> None:
    make_staff()
    here, there = app.test_client(), app.test_client()
    sign_in(here)
    sign_in(there)
    here.post("/account/sign-out-everywhere")
    assert there.get("/account").status_code == 302


def test_too_many_tries_are_stopped_kindly_for_this_address_alone(client: FlaskClient) -> None:
    make_staff()
    assert [sign_in(client, password="wrong") for _ in range(5)] == [422] * 5
    stopped = client.post("/sign-in", data={"email": "administrator@example.com", "password": PASSWORD})
    assert stopped.status_code == 429
    assert "Wait a quarter of an hour" in stopped.get_data(as_text=True)
    assert sign_in(client, "somebody.else@example.com") == 422


def test_tries_that_succeed_do_not_count(client: FlaskClient) -> None:
    make_staff()
    assert [sign_in(client) for _ in range(7)] == [302] * 7


def test_a_password_link_works_once(client: FlaskClient) -> None:
    with unit_of_work() as session:
        invited = staff.invite(session, "New@Example.com", "New Colleague", Role.ANALYST)
        token = staff.password_link_token(session, invited)
    chosen = {"password": "four small words here", "again": "four small words here"}
    assert "new@example.com" in client.get(f"/set-password/{token}").get_data(as_text=True)
    assert client.post(f"/set-password/{token}", data=chosen).status_code == 302
    assert client.get("/account").status_code == 200
    assert client.get(f"/set-password/{token}").status_code == 404
    assert client.post(f"/set-password/{token}", data=chosen).status_code == 404


def test_a_password_link_lives_three_days(client: FlaskClient) -> None:
    staff_id = make_staff()
    with unit_of_work() as session:
        token = staff.password_link_token(session, staff_id)
    assert client.get(f"/set-password/{token}").status_code == 200
    assert client.get(f"/set-password/{token}x").status_code == 404


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaa", "ana.moreau2026!", "x" * 201])
def test_weak_passwords_are_refused(app: Flask, password: str) -> None:
    with app.test_request_context(), pytest.raises(InvalidInput):
        passwords.check_strength(password, email="ana.moreau@example.com", name="Ana Moreau")


def test_changing_the_password_ends_other_sessions(app: Flask) -> None:
    make_staff()
    here, there = app.test_client(), app.test_client()
    sign_in(here)
    sign_in(there)
    data = {"present": PASSWORD, "password": "another four small words", "again": "another four small words"}
    assert here.post("/account/password", data={**data, "present": "wrong"}).status_code == 422
    assert here.post("/account/password", data=data).status_code == 302
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    assert sign_in(there, password="another four small words") == 302


def test_signing_in_is_on_the_trail(client: FlaskClient) -> None:
    staff_id = make_staff()
    sign_in(client)
    with unit_of_work() as session:
        line = queries.audit(session)[0]
    assert (line.who, line.action, line.subject_id, line.ip) == ("Administrator", "signed in", staff_id, "127.0.0.1")
