"""``flask contacts``: what a script sees."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.commands import contacts
from consent.policy.standing import Actor
from consent.queries import topics
from consent.services.suppress import suppress_address
from consent.services.withdraw import withdraw
from tests.factories.consent import make_topic
from tests.factories.customers import make_contact

Flask = Callable[..., Result]


@pytest.fixture
def flask(app) -> Flask:
    """Run ``flask contacts`` in this process, on this test's database."""

    def run(*words: str) -> Result:
        with app.app_context():
            return CliRunner().invoke(contacts, words)

    return run


@pytest.fixture
def topic(db) -> str:
    """The slug of a topic."""
    with unit_of_work() as session:
        return topics.topic(session, make_topic(session, name="News")).slug


def test_import_declares_permits_and_counts(flask, topic, tmp_path, db):
    with unit_of_work() as session:
        gone = make_contact(session, "gone@example.com")
        suppress_address(session, email_key="blocked@example.com", reason="manual")
    terms = ["--topic", topic, "--level", "opt_in", "--basis", "consent", "--source", "Fair", "--evidence", "Box 4"]
    first = tmp_path / "first.csv"
    first.write_text("email\ngone@example.com\n")
    assert flask("import", str(first), *terms).exit_code == 0
    with unit_of_work() as session:
        withdraw(session, gone, None, actor=Actor.SUBSCRIBER)
    people = tmp_path / "people.csv"
    people.write_text(
        "Who,History,Womens,Zip code\na@example.com,142.44,1,01234\nb@example.com,7,0,Rural\n"
        "gone@example.com,1,1,x\nblocked@example.com,1,1,x\nbad,1,1,x\n"
    )
    dry = flask("import", str(people), "--declare", *terms, "--dry-run")
    assert dry.exit_code == 0, dry.stderr
    done = flask("import", str(people), *terms)
    assert done.exit_code == 0, done.stderr
    for answer in (json.loads(dry.stdout), json.loads(done.stdout)):
        assert (answer["rows"], answer["added"], answer["rejected"], answer["permitted"]) == (5, 3, 1, 2), answer
        assert answer["refused"] == {"permission_withdrawn": 1, "suppressed": 1}
    with db.connect() as connection:
        found = connection.scalar(text("SELECT attributes FROM contact WHERE email = 'a@example.com'"))
        granted = connection.scalars(text("SELECT contact_id FROM permission WHERE state = 'granted'")).all()
    assert found == {"history": 142.44, "womens": 1, "zip_code": "01234"}
    assert len(granted) == 2
    assert gone not in granted


def test_usage_errors_end_with_2_and_a_sentence(flask, tmp_path, topic):
    people = tmp_path / "people.csv"
    people.write_text("email,x\na@example.com,1\n")
    assert flask("import", str(tmp_path / "none.csv"), "--source", "x").exit_code == 2
    assert flask("import", str(people)).exit_code == 2
    unmapped = flask("import", str(people), "--map", "nothing=email", "--source", "x")
    assert unmapped.exit_code == 2
    assert "columns: email, x" in unmapped.stderr
    unknown = flask("import", str(people), "--map", "x=size", "--source", "x")
    assert isinstance(unknown.exception, InvalidInput)
    assert "no field is called size" in str(unknown.exception)
    lost = flask("import", str(people), "--topic", "nope", "--level", "opt_in", "--basis", "consent", "--source", "x")
    assert isinstance(lost.exception, InvalidInput)
    assert topic in str(lost.exception)


def test_export_writes_what_a_segment_chooses(flask, db, tmp_path):
    with unit_of_work() as session:
        make_contact(session, "a@example.com", tags=("vip",))
        make_contact(session, "b@example.com")
    everybody = flask("export")
    assert everybody.stdout.splitlines()[0].startswith("email,first_name")
    assert len(everybody.stdout.splitlines()) == 3
    segment = tmp_path / "segment.json"
    segment.write_text(json.dumps({"all": [{"tag": "vip", "op": "has"}]}))
    chosen = flask("export", "--segment", str(segment), "--format", "jsonl")
    assert chosen.exit_code == 0, chosen.stderr
    assert [json.loads(line)["email"] for line in chosen.stdout.splitlines()] == ["a@example.com"]
    segment.write_text("{")
    assert isinstance(flask("export", "--segment", str(segment)).exception, InvalidInput)
