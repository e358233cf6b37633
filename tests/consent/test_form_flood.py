"""Sign-up bombing, and what a flooded form asks for; strangers learn nothing by it (rows 59 and 62)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text

from app.core.db import unit_of_work
from consent.policy import challenge
from consent.services import forms as service
from consent.services.forms import FormSpec, default_texts
from consent.services.suppress import suppress_address
from tests.consent.conftest import Mailbox, Stage, shown_token
from tests.factories import consent as make

SignUp = Callable[..., object]
GMAIL, GOOGLEMAIL = "gmail.com", "googlemail.com"


def solve(token: str) -> str:
    return next(str(n) for n in count() if challenge.worked(token, str(n)))


def requests_of(email: str) -> int:
    with unit_of_work() as session:
        return int(
            session.execute(text("SELECT count(*) FROM sign_up WHERE email = :email"), {"email": email}).scalar_one()
        )


@pytest.mark.parametrize(
    ("requests", "confirmed", "answer"), [(59, 0, False), (60, 0, True), (60, 15, False), (500, 100, True)]
)
def test_a_flood_shows_by_what_nobody_confirms(requests: int, confirmed: int, answer: bool) -> None:
    assert challenge.flooded(requests, confirmed) is answer


@given(token=st.text(max_size=80), number=st.integers(0, 10**12 - 1), bits=st.integers(1, 12))
def test_work_is_what_the_browser_understands_by_it(token: str, number: int, bits: int) -> None:
    digest = hashlib.sha256(f"{token}:{number}".encode("utf-8", "surrogatepass")).digest()
    first = "".join(f"{byte:08b}" for byte in digest)
    assert challenge.worked(token, str(number), bits) is first.startswith("0" * bits)


@pytest.mark.parametrize("number", ["", "-1", "1e3", " 1", "9" * 13, "x"])
def test_work_that_is_no_number_counts_for_nothing(number: str) -> None:
    assert challenge.worked("token", number, 0) is False


def test_a_flooded_form_asks_for_work_that_counts_once(
    client: FlaskClient, stage: Stage, sign_up: SignUp, flooded: None
) -> None:
    token = shown_token(client, stage.form)
    assert 'data-work="8"' in client.get(f"/subscribe/{stage.form}").text
    assert client.get(f"/embed/{stage.form}").json["work"] == 8
    refused = sign_up("ada@example.com", form_token=token)
    assert refused.status_code == 422 and "Wait 27 seconds" in refused.text and token in refused.text
    answer = solve(token)
    assert sign_up("ada@example.com", form_token=token, work=answer).status_code == 200
    assert sign_up("bob@example.com", form_token=token, work=answer).status_code == 422
    assert (requests_of("ada@example.com"), requests_of("bob@example.com")) == (1, 0)


def test_without_script_a_flooded_form_lets_a_person_wait(
    client: FlaskClient, stage: Stage, sign_up: SignUp, flooded: None
) -> None:
    for number in range(5):  # from one place a few, not many
        token = shown_token(client, stage.form, ago=31)
        assert sign_up(f"person{number}@example.com", form_token=token).status_code == 200
    assert [requests_of(f"person{number}@example.com") for number in range(5)] == [1, 1, 1, 0, 0]


def test_a_form_that_people_confirm_asks_for_nothing(client: FlaskClient, stage: Stage, flooded: None) -> None:
    with unit_of_work() as session:
        session.execute(text("UPDATE sign_up SET confirmed_at = now() WHERE id % 2 = 0"))
    assert "data-work" not in client.get(f"/subscribe/{stage.form}").text


def test_row_59_changing_the_address_within_one_line_is_one_place(
    client: FlaskClient, stage: Stage, sign_up: SignUp
) -> None:
    token = shown_token(client, stage.form)
    sent = {"form_token": token, "language": "en", "topic": [stage.news]}
    for number in range(40):
        where = {"REMOTE_ADDR": f"2001:db8::{number:x}"}
        client.post(f"/subscribe/{stage.form}", data={**sent, "email": f"p{number}@example.com"}, environ_base=where)
    with unit_of_work() as session:
        assert session.execute(text("SELECT count(*) FROM sign_up")).scalar_one() == 30


def test_row_59_over_all_forms_and_spellings_a_victim_gets_one_mail(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        spec = FormSpec("Other", stage.brand, (stage.offers,), texts=default_texts("Maison Exemple"))
        service.create(session, spec, slug="other")
    spelled = (f"vic.tim@{GMAIL}", f"V.I.C.T.I.M@{GMAIL}", f"victim+a@{GMAIL}", f"victim+b@{GOOGLEMAIL}")
    for number, (email, slug) in enumerate((email, slug) for email in spelled for slug in ("home", "other")):
        sent = {"form_token": shown_token(client, slug), "language": "en", "email": email, "topic": [stage.news]}
        where = {"REMOTE_ADDR": f"198.51.100.{number}"}
        assert client.post(f"/subscribe/{slug}", data=sent, environ_base=where).status_code == 200
    run_jobs()
    assert len(mailbox.mails) == 1


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The SQL that is sent meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("path", ["/subscribe/home", "/embed/home"])
def test_row_62_a_form_does_the_same_for_known_and_unknown_addresses(
    client: FlaskClient, db: Engine, stage: Stage, sign_up: SignUp, path: str
) -> None:
    with unit_of_work() as session:
        make.permitted_contact(session, stage.news, "known@example.com")
        gone = make.permitted_contact(session, stage.news, "left@example.com")
        make.act(session, gone, make.Action.WITHDRAW, topic_id=stage.news)
        suppress_address(session, email_key="bounced@example.com", reason="hard_bounce")
    token = shown_token(client, stage.form)
    seen = set()
    for name in ("warm", "known", "left", "bounced", "unknown"):
        sent = {"form_token": token, "language": "en", "email": f"{name}@example.com", "topic": [stage.news]}
        with statements(db) as sql:
            answer = client.post(path, data=sent)
        if name != "warm":  # the first one keeps the notice's version
            headers = {key: value for key, value in answer.headers if key != "X-Request-Id"}
            seen.add((answer.status_code, answer.text, str(headers), tuple(sql)))
    assert len(seen) == 1
