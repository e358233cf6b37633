"""The register of processing: made from what is configured, completed by hand, exported in three ways."""

from __future__ import annotations

import csv
import io
import json

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from app.brands.models import Relay
from app.brands.queries import sending
from app.brands.services.set_up import describe_relay
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.core.secrets import seal
from app.customers.services import fields
from consent.commands.group import consent
from consent.policy.register import Text, missing
from consent.queries.register import register
from consent.services.register import set_texts
from tests.consent.conftest import Stage
from tests.factories.accounts import make_staff, sign_in


@pytest.fixture
def relay(client: FlaskClient, stage: Stage) -> int:
    """A relay in the United States; an administrator is signed in."""
    with unit_of_work() as session:
        made = Relay(brand_id=stage.brand, name="Far away", url=seal(b"smtp+starttls://u:secret@relay.example:587"))
        session.add(made)
        session.flush()
        relay_id = made.id
    make_staff()
    sign_in(client)
    return relay_id


def test_row_77_the_register_names_each_relay_with_its_country(client: FlaskClient, stage: Stage, relay: int) -> None:
    answer = client.post(
        f"/settings/senders/relays/{relay}",
        data={f"relay-{relay}-operator": "Relay Inc.", f"relay-{relay}-country": "US"},
    )
    assert answer.status_code == 302
    made = client.get("/settings/register/register.json").get_json()
    found = {row["name"]: row for row in made["recipients"]}
    assert len(made["recipients"]) == 2  # the deployment's own, and this one
    assert found["relay.example:587"] == {
        "name": "relay.example:587",
        "operator": "Relay Inc.",
        "country": "US",
        "serves": "Maison Exemple",
        "local": False,
        "third_country": True,
    }
    text = client.get("/settings/register/register.html").get_data(as_text=True)
    assert "relay.example:587" in text and "United States" in text
    rows = list(csv.reader(io.StringIO(client.get("/settings/register/register.csv").get_data(as_text=True))))
    assert ["recipient", "relay.example:587", "country", "US"] in rows
    assert "secret" not in json.dumps(made) + text + str(rows)


def test_row_43_the_register_holds_what_article_30_asks_for(client: FlaskClient, stage: Stage, relay: int) -> None:
    with unit_of_work() as session:
        fields.declare(session, "shoe_size", "number", {"en": "Shoe size"})
    made = client.get("/settings/register/register.json").get_json()
    assert made["controller"]["name"] == "Example SAS" and made["controller"]["contact"] == "dpo@example.com"  # (a)
    news = next(row for row in made["activities"] if row["name"] == "News · Maison Exemple")
    assert news["purpose"] == "offers and products" and "consent" in news["bases"]  # (b)
    assert "Shoe size" in news["data"] and "e-mail address" in news["data"]  # (c)
    assert {row["what"] for row in made["periods"]} >= {"Access log", "Requests of data subjects: who asked"}  # (f)
    assert "hash-chained" in made["security"]  # (g)


def test_row_77_what_is_missing_is_asked_for(client: FlaskClient, stage: Stage, relay: int) -> None:
    with unit_of_work() as session:
        assert any("relay.example" in gap for gap in missing(register(session, "en")))
        describe_relay(session, relay, operator="Relay Inc.", country="US")
        assert ["safeguards" in gap for gap in missing(register(session, "en")) if "relay.example" in gap] == [True]
        set_texts(session, {Text.SAFEGUARDS: "Standard contractual clauses of 2 May"})
        assert not [gap for gap in missing(register(session, "en")) if "relay.example" in gap]
    page = client.get("/settings/register").get_data(as_text=True)
    assert "Standard contractual clauses of 2 May" in page


def test_texts_are_kept_and_blank_ones_give_way(client: FlaskClient, stage: Stage, relay: int) -> None:
    client.post("/settings/register", data={"security": "A locked door", "officer": "Grace Hopper"})
    made = client.get("/settings/register/register.json").get_json()
    assert (made["security"], made["officer"]) == ("A locked door", "Grace Hopper")
    client.post("/settings/register", data={"security": ""})
    assert "Argon2" in client.get("/settings/register/register.json").get_json()["security"]


def test_a_relay_on_this_machine_is_no_recipient(stage: Stage, relay: int) -> None:
    with unit_of_work() as session:
        session.add(Relay(name="here", url=seal(b"smtp://127.0.0.1:2525")))
        session.flush()
        here = next(row for row in sending.relays(session) if row.name == "here")
        assert here.local and not any("127.0.0.1" in gap for gap in missing(register(session, "en")))
        with pytest.raises(InvalidInput):
            describe_relay(session, relay, operator="", country="Atlantis")


def test_row_43_the_command_prints_it(stage: Stage, relay: int) -> None:
    done = CliRunner().invoke(consent, ["register"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["register"] == "GDPR 30(1)"
    assert "In which country is the relay" in done.stderr
