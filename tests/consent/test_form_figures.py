"""Seen, sent in, confirmed: counted of people, by source and by day, without anything personal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import redis
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core import clock as core_clock
from app.core import config
from app.core.config import Settings
from app.core.db import unit_of_work
from consent.engine import seen
from consent.queries import form_figures, forms
from consent.services import figures
from consent.services.figures import SOURCES_A_DAY, day_of
from consent.tasks.figures import carry_form_views
from tests.consent.conftest import Mailbox, Stage, shown_token
from tests.factories.accounts import make_staff, sign_in

SignUp = Callable[..., object]
PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


def counted() -> dict[str, tuple[int, int, int]]:
    """Everything counted, by source."""
    carry_form_views.function()
    with unit_of_work() as session:
        rows = session.execute(text("SELECT source, seen, submitted, confirmed FROM form_figure"))
        return {row.source: (row.seen, row.submitted, row.confirmed) for row in rows}


def test_a_form_counts_seen_sent_in_and_confirmed_by_source(
    client: FlaskClient, stage: Stage, mailbox: Mailbox, sign_up: SignUp, run_jobs: Callable[[], int]
) -> None:
    for _ in range(3):
        client.get(f"/subscribe/{stage.form}", headers=PERSON)
    token = shown_token(client, stage.form, query="source=poster", **PERSON)
    sign_up("ada@example.com", form_token=token)
    sign_up("bob@example.com", form_token=token)
    run_jobs()
    client.post(mailbox.confirm_path())
    client.post(mailbox.confirm_path())
    assert counted() == {"": (3, 0, 0), "poster": (1, 2, 1)}
    assert counted() == {"": (3, 0, 0), "poster": (1, 2, 1)}  # carried once


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Googlebot/2.1"},
        {"User-Agent": ""},
        {"User-Agent": "curl/8"},
        {**PERSON, "Sec-Purpose": "prefetch"},
    ],
)
def test_robots_and_prefetched_pages_are_not_counted(
    client: FlaskClient, stage: Stage, headers: dict[str, str]
) -> None:
    client.get(f"/subscribe/{stage.form}", headers=headers)
    client.head(f"/subscribe/{stage.form}", headers=PERSON)
    assert counted() == {}


def test_staff_looking_at_their_own_form_are_not_counted(client: FlaskClient, stage: Stage) -> None:
    make_staff()
    sign_in(client)
    client.get(f"/subscribe/{stage.form}", headers=PERSON)
    assert counted() == {}


def test_a_flood_of_made_up_sources_fills_no_table(client: FlaskClient, stage: Stage) -> None:
    today = day_of(core_clock.now())
    with unit_of_work() as session:
        form_id = forms.by_slug(session, stage.form).id
        for number in range(SOURCES_A_DAY + 20):
            figures.add(session, form_id, today, f"s{number}", seen=1)
        figures.add(session, form_id, today, "s5", seen=1)
    found = counted()
    assert len(found) == SOURCES_A_DAY + 1
    assert found["s5"] == (2, 0, 0) and found["other"] == (20, 0, 0)


def test_seeing_a_form_writes_nothing_to_the_database(
    client: FlaskClient, stage: Stage, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "FIELDS", 3)
    for number in range(10):
        client.get(f"/subscribe/{stage.form}?source=s{number}", headers=PERSON)
    assert valkey.hlen(seen.KEY) == 4  # three told apart, the rest together
    with unit_of_work() as session:
        assert session.execute(text("SELECT count(*) FROM form_figure")).scalar_one() == 0
    assert counted()["other"] == (7, 0, 0)


def test_a_form_is_shown_while_valkey_is_away(
    client: FlaskClient, stage: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    monkeypatch.setattr(config, "_current", away)
    assert client.get(f"/subscribe/{stage.form}", headers=PERSON).status_code == 200


def test_staff_see_the_figures_with_rates_and_their_counts(client: FlaskClient, stage: Stage) -> None:
    today = day_of(core_clock.now())
    with unit_of_work() as session:
        form_id = forms.by_slug(session, stage.form).id
        figures.add(session, form_id, today, "fair", seen=200, submitted=40, confirmed=30)
        figures.add(session, form_id, today - timedelta(days=40), "bygone", seen=9)
        assert form_figures.totals(session, today)[form_id].confirmed == 30
    make_staff()
    sign_in(client)
    page = client.get(f"/forms/{form_id}/figures").text
    assert "20.0%" in page and "75.0%" in page and "fair" in page and "bygone" not in page
    assert "(20%)" in client.get("/forms").text


def test_two_carriers_at_once_count_nothing_twice(client: FlaskClient, stage: Stage) -> None:
    for _ in range(5):
        client.get(f"/subscribe/{stage.form}", headers=PERSON)
    assert seen.carry() + seen.carry() == 5
