"""The printed proof."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.db import unit_of_work
from app.customers.queries.contacts import by_address
from app.customers.services import merging
from app.customers.services.contacts import change_address
from consent.commands import consent
from consent.forms import proof_words
from consent.policy.standing import Actor
from consent.queries import proof
from consent.services import anchors
from consent.services.erase import erase
from consent.services.objections import object_to_marketing
from tests.consent.conftest import Mailbox, Stage
from tests.factories import consent as make

HOSTILE = 'Zoé #panic() *x* _y_ $z$ @ref <a> "q" \\ \\u{41} #read("/etc/passwd") 李雷 שלום مرحبا 👩‍👩‍👧 ' + "a" * 200


def text_of(pdf: bytes, tmp_path: Path) -> str:
    """What a PDF says, by poppler."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not here")
    path = tmp_path / "proof.pdf"
    path.write_bytes(pdf)
    out = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True).stdout
    return out.replace("\u200b", "")


def confirmed(
    sign_up: Callable[..., TestResponse], client: FlaskClient, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> int:
    """Sign up by the form and confirm by the button; return the contact's id."""
    assert sign_up("ada@example.com", tracking="1").status_code < 400
    run_jobs()
    assert client.post(mailbox.confirm_path()).status_code < 400
    with unit_of_work() as session:
        found = by_address(session, "ada@example.com")
        assert found is not None
        return found.id


def test_row_51_the_whole_consent_of_a_double_opt_in_is_printed(
    sign_up: Callable[..., TestResponse],
    client: FlaskClient,
    mailbox: Mailbox,
    run_jobs: Callable[[], int],
    app: Flask,
    tmp_path: Path,
) -> None:
    contact_id = confirmed(sign_up, client, mailbox, run_jobs)
    with app.app_context(), unit_of_work() as session:
        anchors.make(session)
        made = proof.proof(session, contact_id)
        printed = text_of(proof_words.pdf(session, contact_id, "en"), tmp_path)
    events = made["events"]
    assert isinstance(events, list)
    acts = {event["action"]: event for event in events if event["subject"] == "topic"}
    for act in ("request", "confirm"):  # what was asked for, and the click behind the mail
        assert acts[act]["shown"]["text"] and acts[act]["shown"]["version"] == 1
        assert acts[act]["evidence"]["email"] == "ada@example.com" and acts[act]["evidence"]["ip"]
        assert acts[act]["at"].endswith("+00:00")
    flat = " ".join(printed.split())
    for piece in (acts["confirm"]["shown"]["text"], "ada@example.com", "127.0.0.1", "Example SAS", "Latest anchor"):
        assert " ".join(piece.split()) in flat
    squeezed = "".join(printed.split())
    assert made["record_header"]["chain"]["head"] in squeezed  # type: ignore[index]
    for event in events:
        assert event["hash"] in squeezed and event["recorded_at"] in squeezed


def test_row_36_a_proof_reproduces_what_was_said_to_the_second_and_the_version(
    app: Flask, stage: Stage, tmp_path: Path
) -> None:
    with app.app_context(), unit_of_work() as session:
        one = make.make_contact(session, "ada@example.com")
        earlier = datetime(2019, 3, 31, 1, 30, 15, 250000, tzinfo=timezone(timedelta(hours=1)))
        make.grant(session, one, stage.news, at=earlier, evidence={"source": "Fair", "ip": "192.0.2.7"})
        change_address(session, one, "ada@example.org")
        object_to_marketing(session, one, actor=Actor.SUBSCRIBER)
        printed = text_of(proof_words.pdf(session, one, "en"), tmp_path)
        made = proof.proof(session, one)["events"]
    assert isinstance(made, list)
    assert made[0]["at"] == "2019-03-31T00:30:15.250000+00:00"
    assert "2019-03-31 00:30:15 UTC (+00:00)" in printed and made[0]["at"] in printed
    for piece in ("192.0.2.7", "Fair", "Objected to all marketing", "Address corrected", "ada@example.org"):
        assert piece in printed


def test_row_57_record_and_receipt_have_the_sections_of_ts_27560_in_order(app: Flask, stage: Stage) -> None:
    with unit_of_work() as session:
        one = make.permitted_contact(session, stage.news, "ada@example.com")
        made, handed = proof.proof(session, one), proof.receipt(session, one)
    assert list(made) == ["record_header", "processing", "parties", "events"]
    assert {"schema_version", "record_id", "pii_principal_id", "issued_at"} <= set(made["record_header"])  # type: ignore[call-overload]
    (purpose,) = made["processing"]  # type: ignore[misc]
    wanted = {"purpose", "lawful_basis", "pii_information", "collection_method", "retention_period", "jurisdiction"}
    assert wanted | {"withdrawal_method", "privacy_rights", "privacy_notice", "state"} <= set(purpose)
    assert set(made["parties"]) == {"pii_controller", "brands", "pii_principal"}  # type: ignore[call-overload]
    assert list(handed) == ["receipt_header", "consent_record"]
    assert {"schema_version", "receipt_id", "pii_principal_id"} <= set(handed["receipt_header"])  # type: ignore[call-overload]
    record = handed["consent_record"]
    assert isinstance(record, dict) and list(record) == list(made)
    assert all("actor_id" not in event for event in record["events"])


def test_what_people_wrote_is_inert_and_any_script_is_printed(app: Flask, stage: Stage, tmp_path: Path) -> None:
    with app.app_context(), unit_of_work() as session:
        one = make.make_contact(session, "ada@example.com", first_name=HOSTILE[:200])
        make.grant(session, one, stage.news, evidence={"source": HOSTILE, "user_agent": HOSTILE, "#x": HOSTILE})
        for language in proof_words.LANGUAGES:
            printed = text_of(proof_words.pdf(session, one, language), tmp_path)
            for piece in ("#panic()", "*x*", '#read("/etc/passwd")', "Zoé"):
                assert piece in printed
            assert "root:" not in printed


def test_it_is_printed_for_nobody_known_and_for_somebody_erased(app: Flask, stage: Stage, tmp_path: Path) -> None:
    with app.app_context(), unit_of_work() as session:
        new = make.make_contact(session)
        assert "no entry of this person" in text_of(proof_words.pdf(session, new, "en"), tmp_path)
        gone = make.permitted_contact(session, stage.news, "zelda@example.com")
        erase(session, gone, actor=Actor.SUBSCRIBER)
        printed = text_of(proof_words.pdf(session, gone, "fr"), tmp_path)
    assert "zelda" not in printed and "ont été effacées" in printed


def test_the_command_writes_either_form(app: Flask, stage: Stage, tmp_path: Path) -> None:
    with unit_of_work() as session:
        make.permitted_contact(session, stage.news, "ada@example.com")
    path = tmp_path / "proof.pdf"
    with app.app_context():
        given = ["proof", "ada@example.com", "--format", "pdf", "--language", "fr", "--output", str(path)]
        result = CliRunner().invoke(consent, given, catch_exceptions=False)
        assert (result.exit_code, result.stdout) == (0, "")
        assert path.read_bytes().startswith(b"%PDF") and "Preuve" in text_of(path.read_bytes(), tmp_path)
        printed = CliRunner().invoke(consent, given[:4], catch_exceptions=False)
        assert printed.stdout_bytes.startswith(b"%PDF")
        receipt = CliRunner().invoke(consent, ["proof", "ada@example.com", "--receipt"], catch_exceptions=False)
        assert list(json.loads(receipt.stdout)) == ["receipt_header", "consent_record"]
        assert CliRunner().invoke(consent, [*given, "--receipt"]).exit_code == 2


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Merged with contact number"), ("fr", "Fusionné avec le contact")]
)
def test_a_merge_is_printed(app: Flask, stage: Stage, tmp_path: Path, language: str, words: str) -> None:
    with app.app_context(), unit_of_work() as session:
        kept, other = (make.permitted_contact(session, stage.news, f"{name}@example.com") for name in ("ada", "ada.l"))
        merging.merge(session, kept, other)
        printed = " ".join(text_of(proof_words.pdf(session, kept, language), tmp_path).split())
    assert words in printed and f"numéro {other}" in printed.replace("number", "numéro")
