"""People who signed on paper: by the ledger's own rules, with the scan as evidence."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.accounts.policy import Role
from app.core import config
from app.core.config import Settings
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries.contacts import by_address
from consent.policy import paper
from consent.policy.ladder import Level, State
from consent.policy.standing import Actor
from consent.queries import forms, permissions, proof
from consent.services.erase import erase
from tests.consent.conftest import Mailbox, Stage
from tests.factories import consent as make
from tests.factories.accounts import make_staff, sign_in

PDF = b"%PDF-1.7\n1 0 obj << >> endobj\ntrailer << >>\n%%EOF\n"
Bring = Callable[..., TestResponse]


@pytest.fixture
def staff(client: FlaskClient, stage: Stage) -> FlaskClient:
    make_staff()
    sign_in(client)
    return client


@pytest.fixture
def bring(staff: FlaskClient, stage: Stage) -> Bring:
    """Bring in a list as staff do."""

    def send(people: str, *, scan: bytes = PDF, **changes: object) -> TestResponse:
        with unit_of_work() as session:
            form_id = forms.by_slug(session, stage.form).id
        data = {
            "topic_ids": [stage.news],
            "signed_on": "2026-05-01",
            "place": "Lyon fair",
            "language": "en",
            "words": "Yes, write to me.",
            "people": people,
            "confirms": "y",
            "scan": (io.BytesIO(scan), "list.exe"),
            **changes,
        }
        return staff.post(f"/forms/paper/new/{form_id}", data={k: v for k, v in data.items() if v is not None})

    return send


def test_each_person_gets_a_confirmation_mail_and_the_paper_is_evidence(
    staff: FlaskClient, stage: Stage, bring: Bring, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    assert bring("email;first;last\nada@example.com;Ada;Lovelace\nbob@example.com").status_code == 302
    run_jobs()
    assert sorted(mail["To"] for mail in mailbox.mails) == ["ada@example.com", "bob@example.com"]
    mailbox.mails.sort(key=lambda mail: mail["To"], reverse=True)
    staff.post(mailbox.confirm_path())
    with unit_of_work() as session:
        found = by_address(session, "ada@example.com")
        assert found is not None and found.name == "Ada Lovelace"
        assert permissions.of_contact(session, found.id)[stage.news].level is Level.CONFIRMED
        last = permissions.entries(session, found.id)[-1]
        assert last.wording == "Yes, write to me." and last.evidence["paper_place"] == "Lyon fair"
        assert last.evidence["paper_scan_sha256"] == hashlib.sha256(PDF).hexdigest()
        assert last.evidence["paper_signed_on"] == "2026-05-01" and last.evidence["source"] == "paper Lyon fair"
        assert by_address(session, "bob@example.com") is None


def test_without_the_mail_the_signature_is_the_consent_at_its_own_level_and_day(
    staff: FlaskClient, stage: Stage, bring: Bring, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    bring("ada@example.com, Ada", confirms=None)
    run_jobs()
    assert mailbox.mails == []
    with unit_of_work() as session:
        found = by_address(session, "ada@example.com")
        assert found is not None
        standing = permissions.of_contact(session, found.id)[stage.news]
        assert (standing.state, standing.level) == (State.GRANTED, Level.OPT_IN)
        assert standing.since is not None and standing.since.date().isoformat() == "2026-05-01"
        events = proof.proof(session, found.id)["events"]
        assert isinstance(events, list) and events[0]["actor"] == "staff"


def test_paper_never_lifts_a_withdrawal_and_says_whom_it_left_out(
    staff: FlaskClient, stage: Stage, bring: Bring
) -> None:
    with unit_of_work() as session:
        gone = make.permitted_contact(session, stage.news, "left@example.com")
        make.act(session, gone, make.Action.WITHDRAW, topic_id=stage.news)
    page = bring("left@example.com\nada@example.com\nnot an address", confirms=None)
    assert page.status_code == 200 and "Only the person can permit it again" in page.text
    assert "not an address" in page.text and "1 person was taken" in page.text
    with unit_of_work() as session:
        assert permissions.of_contact(session, gone)[stage.news].state is State.WITHDRAWN
        assert session.execute(text("SELECT people FROM access_entry WHERE look = 'imported'")).scalar_one() == 2


@pytest.mark.parametrize("scan", [b"", b"MZ\x90\x00", b"<html><script>", b"GIF89a" + bytes(50), b"<svg xmlns='x'/>"])
def test_a_scan_is_what_its_bytes_say(bring: Bring, scan: bytes) -> None:
    refused = bring("ada@example.com", scan=scan)
    assert refused.status_code == 422
    with unit_of_work() as session:
        assert session.execute(text("SELECT count(*) FROM sign_up")).scalar_one() == 0


def test_a_scan_that_is_too_large_is_refused(bring: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consent.engine.scans.LARGEST", 20)
    assert "larger than" in bring("ada@example.com").text


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"topic_ids": []}, "what people signed for"),
        ({"place": " "}, "where it was signed"),
        ({"words": " "}, "words that stood on the paper"),
        ({"signed_on": "2999-01-01"}, "has not come yet"),
        ({"people": ""}, "one person a line"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_taken(bring: Bring, changes: dict[str, object], why: str) -> None:
    given = {"people": "ada@example.com", **changes}
    refused = bring(**given)
    assert refused.status_code == 422, refused.text
    with unit_of_work() as session:
        assert session.execute(text("SELECT count(*) FROM paper_list")).scalar_one() == 0
    if why not in ("where it was signed", "words that stood on the paper"):  # those are also refused as empty
        assert why in refused.text


def test_the_scan_comes_back_to_staff_alone_as_a_file_and_every_look_is_noted(
    client: FlaskClient, stage: Stage, bring: Bring
) -> None:
    bring("ada@example.com")
    page = client.get("/forms/paper/1")
    assert hashlib.sha256(PDF).hexdigest() in page.text and "ada@" not in page.text
    scan = client.get("/forms/paper/1/scan")
    assert scan.data == PDF and scan.mimetype == "application/pdf"
    assert scan.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in scan.headers["Content-Security-Policy"] and scan.headers["X-Content-Type-Options"] == "nosniff"
    with unit_of_work() as session:
        noted = session.execute(text("SELECT subject, subject_id FROM access_entry WHERE look = 'exported'")).one()
        assert tuple(noted) == ("paper", 1)
    kept = next((config.current().var / "scans").rglob(hashlib.sha256(PDF).hexdigest()))
    assert kept.stat().st_mode & 0o077 == 0
    kept.write_bytes(b"%PDF-1.7 changed")
    assert client.get("/forms/paper/1/scan").status_code == 404  # no longer what was signed
    client.post("/sign-out")
    assert client.get("/forms/paper/1/scan").status_code == 302


def test_an_analyst_brings_nothing_in(client: FlaskClient, stage: Stage) -> None:
    make_staff(Role.ANALYST)
    sign_in(client, "analyst@example.com")
    assert client.get("/forms/paper").status_code == 200
    assert client.get("/forms/paper/new/1").status_code == 403


def test_row_41_a_list_on_paper_does_not_bring_back_who_was_erased(
    bring: Bring, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    with unit_of_work() as session:
        erase(session, make.make_contact(session, "ada@example.com"), actor=Actor.SUBSCRIBER)
    page = bring("Ada@example.com, Ada", confirms="")
    assert "data was erased" in page.text
    with unit_of_work() as session:
        assert by_address(session, "ada@example.com") is None
    bring("Ada@example.com, Ada", confirms="y")  # who confirms, comes back by their own act
    run_jobs()
    assert [mail["To"] for mail in mailbox.mails] == ["Ada@example.com"]


def test_a_csv_file_may_hold_the_people(bring: Bring, run_jobs: Callable[[], int], mailbox: Mailbox) -> None:
    table = "\ufeffemail,first_name\r\nada@example.com,Ada\r\n".encode()
    bring("bob@example.com", table=(io.BytesIO(table), "people.csv"))
    run_jobs()
    assert len(mailbox.mails) == 2
    assert "UTF-8" in bring("", table=(io.BytesIO(b"\xff\xfe\x00a"), "people.csv")).text


@given(st.text(max_size=400))
def test_whatever_is_pasted_is_read_or_refused_with_its_line(settings: Settings, pasted: str) -> None:
    try:
        people, unread = paper.read(pasted)
    except InvalidInput as error:
        assert error.field == "people"
        return
    keys = [person.address.address_key for person in people]
    assert len(keys) == len(set(keys))
    assert all(1 <= one.line <= len(pasted.splitlines()) and one.why for one in unread)


def test_a_list_that_is_too_long_is_refused_whole(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="in parts"):
        paper.read("\n".join(f"p{n}@example.com" for n in range(paper.MOST + 1)))


def test_mails_that_the_caps_kept_back_are_sent_when_they_may(
    staff: FlaskClient, stage: Stage, bring: Bring, mailbox: Mailbox, run_jobs: Callable[[], int]
) -> None:
    bring("ada+a@example.com\nada+b@example.com")
    run_jobs()
    assert len(mailbox.mails) == 1
    assert "1 of 2 sent, 0 confirmed" in staff.get("/forms/paper/1").text
    staff.post("/forms/paper/1/send")
    run_jobs()
    assert len(mailbox.mails) == 1
    with unit_of_work() as session:
        session.execute(text("UPDATE sign_up SET mailed_at = mailed_at - interval '13 hours'"))
    staff.post("/forms/paper/1/send")
    run_jobs()
    assert len(mailbox.mails) == 2
    assert "Send the others" not in staff.get("/forms/paper/1").text


def erased(staff: FlaskClient, address: str) -> str:
    with unit_of_work() as session:
        found = by_address(session, address)
    assert found is not None
    return staff.post(f"/contacts/{found.id}/permissions/erase", follow_redirects=True).text


def test_an_erased_persons_line_is_to_be_covered_on_the_scan(staff: FlaskClient, bring: Bring) -> None:
    bring("email;first\nbob@example.com\nada@example.com;Ada\neve@example.com", confirms=None)
    old = config.current().var / "scans" / (digest := hashlib.sha256(PDF).hexdigest())[:2] / digest
    assert "still shows somebody" not in staff.get("/requests").text and old.exists()
    assert "cover their line on the scan" in erased(staff, "ada@example.com")
    erased(staff, "eve@example.com")
    assert "Lyon fair" in staff.get("/requests").text and "scan to be covered" in staff.get("/forms/paper").text
    assert "Lines 2, 3 of the list" in staff.get("/forms/paper/1").text
    for wrong in (PDF, b"<html>", b""):
        staff.post("/forms/paper/1/scan", data={"scan": (io.BytesIO(wrong), "x.pdf")})
        assert "Lines 2, 3 of the list" in staff.get("/forms/paper/1").text and old.exists()
    covered = PDF + b"% covered"
    staff.post("/forms/paper/1/scan", data={"scan": (io.BytesIO(covered), "x.pdf")})
    assert not old.exists() and staff.get("/forms/paper/1/scan").data == covered
    page = staff.get("/forms/paper/1").text
    assert "Covered on" in page and digest in page and hashlib.sha256(covered).hexdigest() in page
    assert "still shows somebody" not in staff.get("/requests").text
    staff.post("/forms/paper/1/scan/delete")
    assert staff.get("/forms/paper/1/scan").status_code == 404 and "Deleted on" in staff.get("/forms/paper/1").text
    erased(staff, "bob@example.com")
    assert "still shows somebody" not in staff.get("/requests").text


def test_a_request_that_nobody_confirmed_counts_too(staff: FlaskClient, bring: Bring) -> None:
    with unit_of_work() as session:
        one = make.make_contact(session, "ada@example.com")
    bring("bob@example.com\nada@example.com")
    with unit_of_work() as session:
        erase(session, one, actor=Actor.SUBSCRIBER)
    assert "Line 2 of the list" in staff.get("/forms/paper/1").text


def test_a_scan_that_another_list_keeps_stays(staff: FlaskClient, bring: Bring) -> None:
    bring("ada@example.com", confirms=None)
    bring("bob@example.com", confirms=None)
    staff.post("/forms/paper/1/scan/delete")
    assert staff.get("/forms/paper/2/scan").data == PDF
    staff.post("/forms/paper/2/scan/delete")
    assert [path for path in (config.current().var / "scans").rglob("*") if path.is_file()] == []


def test_only_administrators_touch_a_scan(client: FlaskClient, bring: Bring) -> None:
    bring("ada@example.com", confirms=None)
    make_staff(Role.MARKETER)
    sign_in(client, "marketer@example.com")
    assert client.post("/forms/paper/1/scan/delete").status_code == 403
    assert client.post("/forms/paper/1/scan", data={"scan": (io.BytesIO(PDF + b"x"), "x.pdf")}).status_code == 403
    assert "Delete the scan" not in client.get("/forms/paper/1").text
