"""Pausing a brand's mail until a day, and saying why one leaves."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.accounts.policy import Role
from app.core import clock as core_clock
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries.contacts import contact, contact_table
from consent.forms.names import LEAVING_NAMES
from consent.policy import leaving as leaving_policy
from consent.policy import pausing
from consent.policy.standing import Action, Actor, decide
from consent.queries import leaving, pauses, permissions, topics
from consent.queries.gates import gates
from consent.queries.verify import verify
from consent.services.erase import erase
from consent.services.leaving import detach
from consent.services.pause import pause, resume
from tests.conftest import Clock
from tests.consent.conftest import CAMPAIGN, Mailbox, Stage
from tests.factories import consent as make
from tests.factories.accounts import make_staff, sign_in


@pytest.fixture
def ada(stage: Stage) -> int:
    """Somebody who permits both topics."""
    with unit_of_work() as session:
        contact_id = make.permitted_contact(session, stage.news, "ada@example.com")
        make.grant(session, contact_id, stage.offers)
    return contact_id


def gate(session: Session, contact_id: int, topic_id: int) -> tuple[str | None, int | None]:
    """Return what SQL says, after checking that the ledger alone says the same."""
    topic = topics.topic(session, topic_id)
    table = contact_table()
    people = select(table.c.id.label("contact_id")).where(table.c.id == contact_id)
    row = session.execute(gates(topic_id, topic.brand_id, core_clock.now(), people)).one()
    key = contact(session, contact_id).address_key
    decided = decide(permissions.history(session, contact_id), topic.terms, "eu", core_clock.now(), key)
    assert (row.gate, row.event_id) == (decided.gate, decided.event_id)
    return row.gate, row.event_id


def test_a_pause_shuts_one_brands_mail_and_ends_by_itself(session: Session, clock: Clock) -> None:
    brand = make.make_brand(session)
    topic, elsewhere = make.make_topic(session, brand), make.make_topic(session)
    one = make.permitted_contact(session, topic)
    make.grant(session, one, elsewhere)
    pause(session, one, brand, core_clock.now() + timedelta(days=30), actor=Actor.SUBSCRIBER)
    entry = permissions.entries(session, one)[-1]
    assert entry.act.action is Action.PAUSE and gate(session, one, topic) == ("paused", entry.id)
    assert gate(session, one, elsewhere)[0] is None
    clock.forward(timedelta(days=31))
    assert gate(session, one, topic)[0] is None and pauses.of_contact(session, one) == {}
    assert verify(session).broken is None


def test_a_later_pause_replaces_an_earlier_one_and_resuming_ends_it(session: Session) -> None:
    brand = make.make_brand(session)
    topic = make.make_topic(session, brand)
    one = make.permitted_contact(session, topic)
    soon, late = (core_clock.now() + timedelta(days=days) for days in (10, 90))
    for until in (late, soon, soon):
        pause(session, one, brand, until, actor=Actor.SUBSCRIBER)
    assert pauses.paused_until(session, one, brand) == soon
    resume(session, one, brand, actor=Actor.SUBSCRIBER)
    resume(session, one, brand, actor=Actor.SUBSCRIBER)
    assert gate(session, one, topic)[0] is None
    acts = [entry.act.action for entry in permissions.entries(session, one)][1:]
    assert acts == [Action.PAUSE, Action.PAUSE, Action.RESUME]


@pytest.mark.parametrize(
    ("tampering", "what"),
    [
        ("UPDATE pause SET until = until + interval '1 day'", "is not what the ledger says"),
        ("DELETE FROM pause", "is not what the ledger says"),
        ("UPDATE pause SET brand_id = brand_id + 1", "is not what the ledger says"),
        ("INSERT INTO pause SELECT contact_id, brand_id + 1, until, since, event_id FROM pause", "does not know"),
    ],
)
def test_a_pause_that_the_ledger_does_not_say_is_found(session: Session, tampering: str, what: str) -> None:
    brand = make.make_brand(session)
    one = make.permitted_contact(session, make.make_topic(session, brand))
    pause(session, one, brand, core_clock.now() + timedelta(days=30), actor=Actor.SUBSCRIBER)
    assert verify(session).broken is None
    session.execute(text(tampering))
    broken = verify(session).broken
    assert broken is not None and broken.contact_id == one and what in broken.what


def test_what_is_missing_comes_before_the_pause(session: Session) -> None:
    brand = make.make_brand(session)
    topic = make.make_topic(session, brand)
    one = make.make_contact(session)
    pause(session, one, brand, core_clock.now() + timedelta(days=10), actor=Actor.SUBSCRIBER)
    assert gate(session, one, topic)[0] == "no_permission"


@given(today=st.dates(date(2000, 1, 1), date(2200, 1, 1)), months=st.sampled_from(pausing.MONTHS))
def test_months_later_is_the_same_day_or_the_months_last(today: date, months: int) -> None:
    found = pausing.first_day(str(months), "", today)
    assert (found.year * 12 + found.month) - (today.year * 12 + today.month) == months
    assert found.day == today.day or ((found + timedelta(days=1)).day == 1 and found.day < today.day)


@pytest.mark.parametrize("day", ["", "soon", "2026-06-01", "2026-05-31", "2027-06-03", "2026-13-01", "9999-12-31"])
def test_a_pause_is_from_tomorrow_on_and_within_a_year(day: str) -> None:
    with pytest.raises(InvalidInput):
        pausing.first_day("date", day, date(2026, 6, 1))


def test_it_begins_again_at_midnight_of_the_brand() -> None:
    assert pausing.begin(date(2026, 6, 2), "Europe/Paris") == datetime(2026, 6, 1, 22, tzinfo=UTC)


def test_the_page_pauses_and_says_until_when(client: FlaskClient, stage: Stage, ada: int) -> None:
    path = f"/preferences/{stage.permission_token(ada)}"
    assert "Only a break?" in client.get(path).text
    answer = client.post(path, data={"act": "pause", "for": "3"})
    page = client.get(answer.location).text
    assert "A pause: you get no e-mails from Maison Exemple until" in page and "Only a break?" not in page
    with unit_of_work() as session:
        until = pauses.paused_until(session, ada, stage.brand)
        assert until is not None and until - core_clock.now() > timedelta(days=85)
        assert permissions.entries(session, ada)[-1].campaign_id == CAMPAIGN
    page = client.get(client.post(path, data={"act": "resume"}).location).text
    assert "The pause is over" in page and "Only a break?" in page


def test_a_day_that_cannot_be_is_told_and_nothing_is_written(client: FlaskClient, stage: Stage, ada: int) -> None:
    path = f"/preferences/{stage.permission_token(ada)}"
    for day in ("", "2020-01-01", "2999-01-01"):
        answer = client.post(path, data={"act": "pause", "for": "date", "until": day})
        assert answer.status_code == 422 and 'role="alert"' in answer.text
    with unit_of_work() as session:
        assert pauses.of_contact(session, ada) == {}


def test_signing_up_anew_ends_the_pause(
    client: FlaskClient,
    stage: Stage,
    ada: int,
    sign_up: Callable[..., object],
    mailbox: Mailbox,
    run_jobs: Callable[[], int],
) -> None:
    client.post(f"/preferences/{stage.permission_token(ada)}", data={"act": "pause", "for": "3"})
    sign_up("ada@example.com")
    run_jobs()
    client.post(mailbox.confirm_path())
    with unit_of_work() as session:
        assert pauses.of_contact(session, ada) == {}
        assert Action.RESUME in [entry.act.action for entry in permissions.entries(session, ada)]


# Why people leave


def said(session: Session) -> list[tuple[object, ...]]:
    return [tuple(row) for row in session.execute(text("SELECT contact_id, reason, comment FROM leaving_reason"))]


def test_every_reason_has_words() -> None:
    assert tuple(LEAVING_NAMES) == leaving_policy.REASONS


def test_one_click_after_the_fact_says_why(client: FlaskClient, stage: Stage, ada: int) -> None:
    path = f"/unsubscribe/{stage.permission_token(ada)}"
    page = client.post(path, data={"page": "1"}).text
    assert "May we ask why?" in page and f'action="{path}/reason"' in page
    undo = re.search(r'name="undo" value="([^"]+)"', page)
    assert undo is not None
    thanks = client.post(f"{path}/reason", data={"reason": "too_many", "undo": undo[1]}).text
    assert "Thank you" in thanks and undo[1] in thanks
    client.post(f"{path}/reason", data={"reason": "too_many", "comment": " Thrice a week! "})
    with unit_of_work() as session:
        assert said(session) == [(ada, "too_many", "Thrice a week!")]
        found = leaving.why_they_left(session, core_clock.now() - timedelta(days=1))
        assert found.counts == (("too_many", 1),) and found.comments[0].text == "Thrice a week!"
    client.post(f"{path}/undo", data={"undo": undo[1]})
    with unit_of_work() as session:
        assert said(session) == []


def test_nothing_is_kept_of_who_did_not_leave_or_of_reasons_that_are_not_offered(
    client: FlaskClient, stage: Stage, ada: int
) -> None:
    path = f"/unsubscribe/{stage.permission_token(ada)}"
    assert client.post(f"{path}/reason", data={"reason": "too_many"}).status_code == 200
    client.post(path, data={"page": "1"})
    for reason in ("", "spite", "'; DROP TABLE contact"):
        assert client.post(f"{path}/reason", data={"reason": reason}).status_code == 200
    with unit_of_work() as session:
        assert said(session) == []


def test_only_the_count_stays_after_a_year_and_after_erasure(
    client: FlaskClient, stage: Stage, ada: int, clock: Clock
) -> None:
    with unit_of_work() as session:
        bob = make.permitted_contact(session, stage.news, "bob@example.com")
    for who in (ada, bob):
        path = f"/unsubscribe/{stage.permission_token(who)}"
        client.post(path, data={"page": "1"})
        client.post(f"{path}/reason", data={"reason": "other", "comment": "It is me"})
    with unit_of_work() as session:
        erase(session, ada, actor=Actor.STAFF)
        assert (None, "other", "") in said(session)
    clock.forward(timedelta(days=366))
    with unit_of_work() as session:
        assert detach(session) == 1 and said(session) == [(None, "other", "")] * 2


def test_staff_begin_and_end_a_pause_on_request(client: FlaskClient, stage: Stage, ada: int) -> None:
    make_staff()
    sign_in(client)
    page = client.get(f"/contacts/{ada}").text
    assert f'action="/contacts/{ada}/permissions/pause"' in page and "permissions/resume" not in page
    path, day = f"/contacts/{ada}/permissions", core_clock.now().date() + timedelta(days=40)
    for wrong in ("", "tomorrow", "2020-01-01", f"{day.year + 2}-01-01"):
        assert client.post(f"{path}/pause", data={"brand": stage.brand, "until": wrong}).status_code == 422
    assert client.post(f"{path}/pause", data={"brand": 404, "until": f"{day}"}).status_code == 404
    assert client.post(f"{path}/pause", data={"brand": stage.brand, "until": f"{day}"}).status_code == 302
    with unit_of_work() as session:
        assert gate(session, ada, stage.news)[0] == "paused"
        entry = permissions.entries(session, ada)[-1]
        assert (entry.act.action, entry.act.actor) == (Action.PAUSE, Actor.STAFF) and entry.actor_id
    page = client.get(f"/contacts/{ada}").text
    said = f"{day.day} {day:%b} {day.year}"
    assert f"no mail by this brand until {said}" in page and f"Paused mails: Maison Exemple, until {said}" in page
    assert client.post(f"{path}/resume", data={"brand": stage.brand}).status_code == 302
    with unit_of_work() as session:
        assert gate(session, ada, stage.news)[0] is None
        assert permissions.entries(session, ada)[-1].act.action is Action.RESUME and verify(session).broken is None


def test_analysts_pause_nobody(client: FlaskClient, stage: Stage, ada: int) -> None:
    make_staff(Role.ANALYST)
    sign_in(client, "analyst@example.com")
    assert client.post(f"/contacts/{ada}/permissions/pause", data={"brand": stage.brand}).status_code == 403
    assert "permissions/pause" not in client.get(f"/contacts/{ada}").text
