"""Row 76: a statement of age where the brand asks for it; below it no mail without the parent’s consent on record."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.core.db import unit_of_work
from app.customers.queries.contacts import by_address
from consent.policy import minors
from consent.policy.ladder import State
from consent.queries import permissions
from consent.services.erase import erase
from tests.consent.conftest import Mailbox, Stage
from tests.factories import consent as make
from tests.factories.accounts import make_staff, sign_in

SignUp = Callable[..., object]
Run = Callable[[], int]


@pytest.fixture
def asking(stage: Stage) -> None:
    """The form asks for the French age of consent."""
    with unit_of_work() as session:
        session.execute(text("UPDATE form SET age_country = 'FR'"))


@pytest.mark.parametrize(
    ("country", "age"), [("FR", 15), ("DE", 16), ("IT", 14), ("GB", 13), ("ES", 14), ("BE", 13), ("XX", 16)]
)
def test_row_76_the_age_of_consent_is_each_countrys_own(country: str, age: int) -> None:
    assert minors.age(country) == age


def test_row_76_every_age_is_what_the_regulation_allows() -> None:
    assert all(13 <= age <= 16 for age in minors.AGES.values())


def test_row_76_nobody_is_asked_unless_the_brand_wants_it(client: FlaskClient, stage: Stage) -> None:
    assert 'name="age"' not in client.get(f"/subscribe/{stage.form}").text


def test_row_76_who_is_old_enough_confirms_as_usual_and_the_statement_is_kept(
    client: FlaskClient, stage: Stage, asking: None, mailbox: Mailbox, sign_up: SignUp, run_jobs: Run
) -> None:
    page = client.get(f"/subscribe/{stage.form}").text
    assert "I am 15 or older" in page and "checked" not in page
    assert sign_up("ada@example.com").status_code == 422
    assert sign_up("ada@example.com", age="enough").status_code == 200
    run_jobs()
    client.post(mailbox.confirm_path())
    with unit_of_work() as session:
        found = by_address(session, "ada@example.com")
        assert found is not None
        evidence = permissions.entries(session, found.id)[-1].evidence
    assert evidence["age_statement"] == "15 or older (FR)" and "parent_email" not in evidence


def test_row_76_below_it_the_parent_is_asked_first_and_is_on_record(
    client: FlaskClient, stage: Stage, asking: None, mailbox: Mailbox, sign_up: SignUp, run_jobs: Run
) -> None:
    sent = sign_up("kid@example.com", age="younger", parent="mum@example.org", tracking="yes")
    assert sent.status_code == 200
    run_jobs()
    assert [mail["To"] for mail in mailbox.mails] == ["mum@example.org"]
    body = mailbox.mails[0].get_body(("plain",))
    assert body is not None and "k•••@e•••.com" in body.get_content() and "kid@" not in body.get_content()
    path = mailbox.confirm_path()
    page = client.get(path).text
    assert "Do you agree?" in page and "parental responsibility" in page and "News" in page
    with unit_of_work() as session:
        assert by_address(session, "kid@example.com") is None
    assert "that is noted" in client.post(path).text
    client.post(path)  # a second press asks nobody again
    run_jobs()
    assert [mail["To"] for mail in mailbox.mails] == ["mum@example.org", "kid@example.com"]
    client.post(mailbox.confirm_path(), headers={"User-Agent": "Firefox"})
    with unit_of_work() as session:
        found = by_address(session, "kid@example.com")
        assert found is not None and by_address(session, "mum@example.org") is None
        assert permissions.of_contact(session, found.id)[stage.news].state is State.GRANTED
        for entry in permissions.entries(session, found.id):
            assert entry.evidence["age_statement"] == "15 not yet (FR)"
            assert entry.evidence["parent_email"] == "mum@example.org" and entry.evidence["parent_at"]
            assert "parental responsibility" in entry.evidence["parent_statement"]


def test_row_76_a_parent_who_does_nothing_lets_nobody_be_written_to(
    stage: Stage, asking: None, mailbox: Mailbox, sign_up: SignUp, run_jobs: Run
) -> None:
    sign_up("kid@example.com", age="younger", parent="mum@example.org")
    with unit_of_work() as session:
        session.execute(text("UPDATE form SET reminds = true"))
    run_jobs()
    run_jobs()
    assert [mail["To"] for mail in mailbox.mails] == ["mum@example.org"]


@pytest.mark.parametrize("parent", ["", "no address", "kid@example.com", "KID+mum@example.com"])
def test_row_76_a_parent_has_an_address_of_their_own(stage: Stage, asking: None, sign_up: SignUp, parent: str) -> None:
    answer = sign_up("kid@example.com", age="younger", parent=parent)
    assert answer.status_code == 422 and 'id="parent-error"' in answer.text


def test_row_76_a_parents_own_request_and_their_childs_stay_apart(
    client: FlaskClient, stage: Stage, asking: None, mailbox: Mailbox, sign_up: SignUp, run_jobs: Run
) -> None:
    sign_up("mum@example.org", age="enough")
    sign_up("kid@example.com", age="younger", parent="mum@example.org", topic=[stage.offers])
    run_jobs()
    page = client.get(mailbox.confirm_path()).text
    assert 'name="also"' not in page and "Offers" not in page


def test_row_59_the_parents_field_bombs_nobody(
    stage: Stage, asking: None, mailbox: Mailbox, sign_up: SignUp, run_jobs: Run
) -> None:
    for number in range(12):
        sign_up(f"kid{number}@example.com", age="younger", parent=f"victim+{number}@example.org")
    run_jobs()
    assert len(mailbox.mails) == 1


def test_row_41_erasing_a_child_forgets_what_their_parent_was_asked(
    stage: Stage, asking: None, sign_up: SignUp
) -> None:
    with unit_of_work() as session:
        known = make.make_contact(session, "kid@example.com")
    sign_up("kid@example.com", age="younger", parent="mum@example.org")
    with unit_of_work() as session:
        erase(session, known, actor=make.Actor.STAFF)
        assert session.execute(text("SELECT count(*) FROM sign_up")).scalar_one() == 0


def test_staff_choose_the_country_whose_age_is_asked(client: FlaskClient, stage: Stage) -> None:
    make_staff()
    sign_in(client)
    page = client.get("/forms/new").text
    assert re.search(r'<option value="FR">France: 15', page) and "do not ask" in page
    given = {"name": "Teens", "topic_ids": [stage.news], "active": "y", "title_en": "T", "consent_en": "C"}
    assert client.post("/forms/new", data={**given, "age_country": "FR"}).status_code == 302
    assert client.post("/forms/new", data={**given, "age_country": "XX"}).status_code == 422
    assert "I am 15 or older" in client.get("/subscribe/teens").text
    assert client.get("/embed/teens").json["age"]["enough"] == "I am 15 or older"
