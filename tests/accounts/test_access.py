"""The access log: every look of staff at personal data leaves a line, and lines are forgotten in time."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import queries
from app.accounts.policy import Look, Role
from app.accounts.queries import AccessFilter, AccessLine
from app.accounts.services import access, audit
from app.accounts.tasks import forget_access
from app.core import jobs
from app.core.db import unit_of_work
from tests.conftest import Clock
from tests.factories.accounts import make_staff, sign_in
from tests.factories.consent import make_contact


def lines(**chosen: int) -> list[AccessLine]:
    with unit_of_work() as session:
        return queries.access(session, AccessFilter(**chosen))


@pytest.fixture
def ada(client: FlaskClient) -> int:
    """A contact; an administrator is signed in."""
    make_staff()
    sign_in(client)
    with unit_of_work() as session:
        return make_contact(session, "ada@example.com", first_name="Ada")


def test_row_43_opening_a_contact_is_written_down(client: FlaskClient, ada: int) -> None:
    assert client.get(f"/contacts/{ada}").status_code == 200
    [line] = lines()
    assert (line.who, line.look, line.contact_ids, line.people) == ("Administrator", Look.OPENED, (ada,), 1)
    assert line.page == "contacts.page" and line.ip == "127.0.0.1"


def test_row_43_a_search_names_who_was_shown_and_not_what_was_typed(client: FlaskClient, ada: int) -> None:
    with unit_of_work() as session:
        make_contact(session, "grace@example.com")
    client.get("/contacts?q=ada@exam")
    [line] = lines()
    assert (line.look, line.contact_ids) == (Look.LISTED, (ada,))
    with unit_of_work() as session:
        assert "ada@" not in str(session.execute(text("SELECT access_entry::text FROM access_entry")).all())


def test_a_list_without_people_leaves_no_line(client: FlaskClient, ada: int) -> None:
    client.get("/contacts?q=nobody")
    assert lines() == []


def test_the_same_look_within_a_minute_is_one_line_and_each_file_is_its_own(
    client: FlaskClient, ada: int, clock: Clock
) -> None:
    for _ in range(3):
        client.get(f"/contacts/{ada}")
    assert len(lines()) == 1
    clock.forward(timedelta(minutes=2))
    client.get(f"/contacts/{ada}")
    assert len(lines()) == 2
    for _ in range(2):
        client.get(f"/contacts/{ada}/permissions/export.json")
    assert [line.look for line in lines()].count(Look.EXPORTED) == 2


def test_row_43_the_log_is_filtered_and_exported(client: FlaskClient, ada: int) -> None:
    with unit_of_work() as session:
        grace = make_contact(session, "grace@example.com")
    make_staff(Role.ANALYST)
    client.get(f"/contacts/{grace}")
    other = client.application.test_client()
    sign_in(other, "analyst@example.com")
    other.get(f"/contacts/{ada}")
    page = client.get("/settings/access?contact=ada@example.com").get_data(as_text=True)
    assert f"contact {ada}" in page and f"contact {grace}" not in page
    rows = list(csv.DictReader(io.StringIO(client.get("/settings/access/access.csv").get_data(as_text=True))))
    assert [(row["who"], row["look"], row["contacts"]) for row in rows] == [
        ("Analyst", "opened", str(ada)),
        ("Administrator", "opened", str(grace)),
    ]
    unknown = client.get("/settings/access?contact=nobody@example.com").get_data(as_text=True)
    assert "Nobody in the customer base has this address." in unknown


def test_a_command_is_written_down_without_a_name(session: Session) -> None:
    audit.acting(audit.Actor())
    access.record(session, Look.EXPORTED, "flask contacts export", subject="base")
    [line] = queries.access(session, AccessFilter())
    assert (line.who, line.subject, line.people) == ("", "base", None)


def test_row_43_lines_are_forgotten_after_their_time(client: FlaskClient, ada: int, clock: Clock) -> None:
    client.get(f"/contacts/{ada}")
    clock.forward(timedelta(days=364))
    sign_in(client)
    client.get(f"/contacts/{ada}")
    forget_access.function()
    assert len(lines()) == 2
    clock.forward(timedelta(days=2))
    forget_access.function()
    assert len(lines()) == 1
    assert jobs.periodics.get("accounts.forget_access") is not None
