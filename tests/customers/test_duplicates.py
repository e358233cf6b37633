"""Contacts who may be one person, and what else the look over the base finds."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.db import unit_of_work
from app.core.errors import NotFound
from app.customers.policy.duplicates import phone_fields, phone_number, postcode_fields
from app.customers.queries import quality as queries
from app.customers.services import merging
from app.customers.services.quality import counting, duplicates
from tests.factories.accounts import make_staff, sign_in
from tests.factories.customers import make_contact, make_field

# Nobody writes there: the tests look at how addresses are spelt.
GOOGLE, MISTYPED, THROWAWAY = ("gmail.com", "googlemail.com"), "orangee.fr", "mailinator.com"


@pytest.fixture(autouse=True)
def wired(settings: object) -> None:
    """The rooms' checks are registered, as the factory does."""
    from app.factory import wire

    wire()


def found(session: Session) -> dict[tuple[int, int], tuple[str, ...]]:
    duplicates.find(session)
    return {(pair.low.id, pair.high.id): pair.kinds for pair in queries.pairs(session)[0]}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (f"j.doe@{GOOGLE[0]}", f"jdoe+news@{GOOGLE[1]}", True),
        ("jane+shop@example.com", "jane@example.com", True),
        ("j.doe@example.com", "jdoe@example.com", False),
        ("+a@example.com", "+b@example.com", False),
        ("jane@example.com", "jane@example.org", False),
    ],
)
def test_the_same_mailbox_in_other_letters(session: Session, one: str, other: str, same: bool) -> None:
    pair = make_contact(session, one), make_contact(session, other)
    assert found(session) == ({pair: ("address",)} if same else {})


def test_the_same_telephone_number(session: Session) -> None:
    make_field(session, "mobile_phone")
    one = make_contact(session, country="FR", mobile_phone="06 12 34 56 78")
    other = make_contact(session, mobile_phone="+33 (0)6 12.34.56.78")
    make_contact(session, country="GB", mobile_phone="06 12 34 56 78")
    make_contact(session, mobile_phone="call me")
    make_contact(session, mobile_phone="call me")
    assert found(session) == {(one, other): ("phone",)}


def test_the_same_name_and_postcode(session: Session) -> None:
    make_field(session, "postal_code")
    one = make_contact(session, first_name="Ada", last_name="Lovelace", postal_code="SW1A 1AA")
    other = make_contact(session, first_name="ADA", last_name="lovelace", postal_code="sw1a1aa")
    make_contact(session, first_name="Ada", last_name="Lovelace", postal_code="SW1A 2AA")
    make_contact(session, last_name="Lovelace", postal_code="SW1A 1AA")
    assert found(session) == {(one, other): ("name",)}


def test_a_crowd_with_one_number_is_no_person(session: Session) -> None:
    make_field(session, "phone")
    for _ in range(21):
        make_contact(session, phone="+33 6 12 34 56 78")
    assert found(session) == {}


def test_what_is_told_apart_stays_so_and_what_is_mended_disappears(session: Session) -> None:
    one, other = make_contact(session, "jane@example.com"), make_contact(session, "jane+a@example.com")
    third = make_contact(session, "jane+b@example.com")
    assert found(session) == {(one, other): ("address",), (one, third): ("address",)}
    duplicates.dismiss(session, other, one)
    with pytest.raises(NotFound):
        duplicates.dismiss(session, other, third)
    assert found(session) == {(one, third): ("address",)}
    merging.merge(session, one, third)
    assert queries.pairs(session)[0] == []
    assert found(session) == {}
    merging.undo(session, third)
    assert found(session) == {(one, third): ("address",)}


def test_fields_are_known_by_their_names() -> None:
    names = ["phone", "mobile_number", "microphone", "code_postal", "zip", "postcode", "zipper", "post_code", "code"]
    assert phone_fields(names) == ["phone", "mobile_number"]
    assert postcode_fields(names) == ["code_postal", "zip", "postcode", "post_code"]
    assert phone_number("0612345678", None) is None
    assert phone_number("+44 20 7946 0018", None) == "+442079460018"


def test_every_check_finds_whom_it_is_about(session: Session) -> None:
    make_contact(session, "ada@example.com", first_name="Ada", language="en", country="FR", source="shop")
    wrong = {
        "mistyped": make_contact(session, f"ada@{MISTYPED}", first_name="Ada", language="en", country="FR", source="x"),
        "disposable": make_contact(
            session, f"ada@{THROWAWAY}", first_name="Ada", language="en", country="FR", source="x"
        ),
        "roles": make_contact(session, "info@example.com", first_name="Ada", language="en", country="FR", source="x"),
        "no_name": make_contact(session, "b@example.com", language="en", country="FR", source="x"),
        "no_language": make_contact(session, "c@example.com", first_name="Ada", country="FR", source="x"),
        "no_country": make_contact(session, "d@example.com", first_name="Ada", language="en", source="x"),
        "no_source": make_contact(session, "e@example.com", first_name="Ada", language="en", country="FR"),
        "unreachable": make_contact(session, "f@example.com", first_name="A", language="en", country="FR", source="x"),
    }
    session.execute(
        text("UPDATE contact SET email = 'f@intranet', email_key = 'f@intranet' WHERE id = :id"),
        {"id": wrong["unreachable"]},
    )
    for name in counting.names(session):
        counting.count(session, name)
    figures = queries.figures(session)
    for name, contact_id in wrong.items():
        assert figures[name].people == 1, name
        assert list(session.scalars(counting.found(session, name))) == [contact_id], name
    assert figures["no_address"].people == figures["never_engaged"].people == 0
    assert {name for name, _ in counting.found_by(session, "en")} == set(wrong)


def test_the_page_counts_in_the_background(client: FlaskClient, run_jobs: Callable[[], int]) -> None:
    make_staff()
    sign_in(client)
    with unit_of_work() as session:
        one, other = make_contact(session, "jane@example.com"), make_contact(session, "jane+a@example.com")
    assert "Nobody has looked yet" in client.get("/contacts/quality").text
    client.post("/contacts/quality/count")
    client.post("/contacts/quality/count")
    assert "hx-trigger" in client.get("/contacts/quality").text
    assert run_jobs() == 1
    page = client.get("/contacts/quality").text
    assert "/contacts/duplicates" in page and "/contacts?quality=no_name" in page
    assert "jane+a@example.com" in client.get("/contacts?quality=no_name").text
    assert f"/contacts/{one}/merge/{other}" in client.get("/contacts/duplicates?kind=address").text
    assert f"/contacts/{one}/merge/{other}" not in client.get("/contacts/duplicates?kind=phone").text
    assert "may be the same person" in client.get(f"/contacts/{one}").text
    assert f"/contacts/{other}/merge/{one}" in client.get(f"/contacts/{other}/merge").text
    client.post(f"/contacts/duplicates/{one}/{other}/dismiss")
    assert f"/contacts/{one}/merge/{other}" not in client.get("/contacts/duplicates").text
    with unit_of_work() as session:
        definition = queries.figures(session)["no_name"].definition
    made = client.post("/segments/new", data={"name": "No name", "definition": json.dumps(definition)})
    assert made.status_code == 302
