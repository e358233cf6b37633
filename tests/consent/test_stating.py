"""Stating the conditions of a basis: by command, and on the pages of an import."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient

from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.commands import contacts as contacts_command
from app.customers.queries import contacts, imports
from app.customers.services.importing import bases, conditions_of, split_evidence
from app.customers.services.importing.batches import BASES, LEVELS
from consent.commands import consent
from consent.policy.grounds import GROUNDS
from consent.policy.ladder import Basis, Level
from consent.queries import permissions
from tests.consent.conftest import Stage
from tests.factories.accounts import make_staff, sign_in

SAID = ("sale=Order 4711", "similar=shoes", "refusal=box in the checkout")


@pytest.fixture
def speaking(app: Flask) -> Iterator[None]:
    """What ``flask`` gives to its commands."""
    with app.app_context():
        yield


def evidence_of(address: str) -> dict[str, str]:
    with unit_of_work() as session:
        person = contacts.by_address(session, address)
        assert person is not None
        return dict(permissions.entries(session, person.id)[-1].evidence)


def record(*words: str) -> Result:
    given = ["record", "ada@example.com", "--topic", "news", "--level", "opt_out", *words]
    return CliRunner().invoke(consent, given)


def evidence(*texts: str) -> list[str]:
    return [word for text in texts for word in ("--evidence", text)]


@pytest.mark.usefixtures("speaking")
def test_row_45_a_command_says_which_condition_is_missing(stage: Stage) -> None:
    refused = record("--basis", "soft_opt_in", *evidence("list.pdf", SAID[0], SAID[2]))
    assert isinstance(refused.exception, InvalidInput) and "Missing: similar (your own" in str(refused.exception)
    with unit_of_work() as session:
        assert contacts.by_address(session, "ada@example.com") is None  # nothing half-done
    done = record("--basis", "soft_opt_in", *evidence("list.pdf", *SAID))
    assert json.loads(done.stdout)["basis"] == "soft_opt_in", done.output
    kept = evidence_of("ada@example.com")
    assert (kept["evidence"], kept["sale"], kept["similar"]) == ("list.pdf", "Order 4711", "shoes")


@pytest.mark.parametrize("stated", [["--at", "2026-01-31"], ["--evidence", "when=2026-01-31"]])
@pytest.mark.usefixtures("speaking")
def test_row_54_a_command_tells_when_an_implied_permission_ends(stage: Stage, stated: list[str]) -> None:
    words = ["--basis", "implied_inquiry", "--evidence", "inquiry=asked for a quote"]
    refused = record(*words)
    assert isinstance(refused.exception, InvalidInput) and "Missing: when (" in str(refused.exception)
    assert json.loads(record(*words, *stated).stdout)["expires"] == "2026-08-01T00:00:00+00:00"


@pytest.mark.usefixtures("speaking")
def test_a_day_that_is_none_is_refused(stage: Stage) -> None:
    refused = record("--basis", "implied_inquiry", *evidence("inquiry=quote", "when=yesterday"))
    assert isinstance(refused.exception, InvalidInput) and "yesterday is no time" in str(refused.exception)


@pytest.mark.usefixtures("speaking")
def test_an_import_is_refused_before_it_begins_and_keeps_what_was_stated(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("email\nada@example.com\n")
    words = ["import", str(file), "--topic", "news", "--level", "opt_out", "--basis", "soft_opt_in", "--source", "shop"]
    refused = CliRunner().invoke(contacts_command, [*words, *evidence(SAID[0], "list.pdf")])
    assert isinstance(refused.exception, InvalidInput) and "Missing: similar " in str(refused.exception)
    done = CliRunner().invoke(contacts_command, [*words, *evidence(*SAID, "list.pdf")])
    assert '"permitted": 1' in done.stdout, done.output
    assert evidence_of("ada@example.com")["refusal"] == "box in the checkout"


def test_row_45_the_import_page_asks_for_the_conditions_of_the_basis(
    client: FlaskClient, stage: Stage, run_jobs: Callable[[], int]
) -> None:
    make_staff()
    sign_in(client)
    page = client.post("/contacts/imports", data={"file": (io.BytesIO(b"email\nada@example.com\n"), "a.csv")}).location
    assert client.get(page).text.count("What this basis asks for") == len(Basis) - 1
    given = {"column-0": "email", "source": "shop", "topic_id": stage.news, "level": "opt_out", "run": "dry"}
    given |= {"basis": "soft_opt_in", "condition-soft_opt_in-sale": "Order <4711>", "condition-b2b_interest-role": "x"}
    unsaid = client.post(f"{page}/start", data=given)
    assert unsaid.status_code == 422 and "Missing: similar (your own similar goods" in unsaid.text
    assert 'value="Order &lt;4711&gt;"' in unsaid.text
    given |= {"condition-soft_opt_in-similar": "shoes", "condition-soft_opt_in-refusal": "box"}
    assert client.post(f"{page}/start", data=given).status_code == 302
    run_jobs()
    assert "Order &lt;4711&gt;" in client.get(page).text
    client.post(f"{page}/apply")
    run_jobs()
    with unit_of_work() as session:
        assert imports.latest(session)[0].permitted == 1
    kept = evidence_of("ada@example.com")
    assert kept["sale"] == "Order <4711>" and "role" not in kept


def test_evidence_is_free_text_unless_it_names_a_condition(app: Flask) -> None:
    assert split_evidence(["a.pdf", "sale = Order 1", "https://example.com/?proof=1", ""]) == (
        "a.pdf; https://example.com/?proof=1",
        {"sale": "Order 1"},
    )


def test_the_customer_base_knows_the_same_ladder(app: Flask) -> None:
    assert set(BASES) == set(Basis) == set(bases.names())
    assert list(LEVELS) == list(Level)
    for basis in Basis:
        assert tuple(asked.name for asked in conditions_of(basis)) == GROUNDS[basis].conditions
