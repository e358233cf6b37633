"""Exports of other programs: who left there arrives withdrawn or suppressed, with its day, never permitted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app.core.db import unit_of_work
from app.customers.engine import importing
from app.customers.policy.platforms import recognise
from app.customers.policy.states import Standing, is_nothing, moment, status
from app.customers.policy.values import DateOrder
from app.customers.queries import contacts, imports
from app.customers.services import importing as registries
from app.customers.services.importing import batches
from app.customers.services.importing.batches import Statement
from app.customers.services.importing.source import inspect
from consent.models import PermissionEvent, PermissionEvidence, Suppression
from consent.policy.ladder import Level, State
from consent.queries import permissions
from consent.queries.verify import verify
from consent.services import departures
from consent.services.importing import record
from tests.factories import consent as make

LISTMONK = (
    "uuid,email,name,attributes,status,created_at,updated_at\n"
    'u1,on@example.com,Ona,"{}",enabled,2023-05-01 10:00:00.123456 +0000 UTC,2024-01-01 00:00:00 +0000 UTC\n'
    'u2,off@example.com,Otto,"{}",disabled,2023-05-01 10:00:00 +0000 UTC,2024-01-01 00:00:00 +0000 UTC\n'
    'u3,no@example.com,Nora,"{}",blocklisted,2023-05-01 10:00:00 +0000 UTC,2024-01-01 00:00:00 +0000 UTC\n'
)
BREVO = (
    "CONTACT ID;EMAIL;FIRSTNAME;LASTNAME;EMAIL_MARKETING;ADDED_TIME;MODIFIED_TIME\n"
    "1;on@example.com;Ona;A;Subscribed;01-05-2023 10:00:00;02-05-2023 10:00:00\n"
    "2;off@example.com;Otto;B;Unsubscribed;01-05-2023 10:00:00;02-05-2023 10:00:00\n"
)
PHPLIST = (
    "ID,Email,Is this subscriber confirmed,Is this subscriber blacklisted,Number of bounces,Entered\n"
    "1,on@example.com,1,0,0,2023-05-01 10:00:00\n"
    "2,off@example.com,1,1,0,2023-05-01 10:00:00\n"
    "3,asked@example.com,0,0,0,2023-05-01 10:00:00\n"
)
MAILTRAIN = (
    "cid,email,status,opt_in_ip,created,unsubscribed\n"
    "a,on@example.com,1,192.0.2.7,2023-05-01T10:00:00Z,\n"
    "b,off@example.com,2,,2023-05-01T10:00:00Z,2024-02-03T04:05:06Z\n"
    "c,gone@example.com,3,,2023-05-01T10:00:00Z,\n"
    "d,spam@example.com,4,,2023-05-01T10:00:00Z,\n"
    "e,what@example.com,9,,2023-05-01T10:00:00Z,\n"
)
MAUTIC = (
    "Contact ID,Date Identified,Email,First Name,DNC reason,DNC date\n"
    "1,2023-05-01 10:00,on@example.com,Ona,,\n"
    "2,2023-05-01 10:00,off@example.com,Otto,Unsubscribed,2024-02-03 04:05\n"
    "3,2023-05-01 10:00,gone@example.com,Gus,2,\n"
)
SENDY = (
    "Name,Email,Last activity,Status\n"
    "Ona,on@example.com,,Subscribed\nOtto,off@example.com,,Unsubscribed\n"
    "Gus,gone@example.com,,Bounced\nSpe,spam@example.com,,Marked as spam\nAsk,asked@example.com,,Unconfirmed\n"
)
MAILCHIMP = (
    "Email Address,First Name,MEMBER_RATING,CONFIRM_TIME,CONFIRM_IP,LEID,EUID,UNSUB_TIME,CLEAN_TIME\n"
    "on@example.com,Ona,2,2023-05-01 10:00:00,192.0.2.7,1,a,,\n"
    "off@example.com,Otto,2,2023-05-01 10:00:00,192.0.2.8,2,b,2024-02-03 04:05:06,\n"
    "gone@example.com,Gus,2,2023-05-01 10:00:00,192.0.2.9,3,c,,2024-02-03 04:05:06\n"
)
EXPORTS = {
    "listmonk": LISTMONK,
    "Brevo": BREVO,
    "phpList": PHPLIST,
    "Mailtrain": MAILTRAIN,
    "Mautic": MAUTIC,
    "Sendy": SENDY,
    "Mailchimp": MAILCHIMP,
}


@pytest.fixture
def bring(db, tmp_path: Path):
    """Import a file as it is, with a statement for a topic or without one."""
    registries.sinks.add("permission", record)
    registries.leavers.add("permission", departures.record)

    def run(content: str, topic_id: int | None, **options: object) -> imports.BatchInfo:
        path = tmp_path / "export.csv"
        path.write_text(content)
        level, basis = ("opt_in", "consent") if topic_id else ("", "")
        with unit_of_work() as session:
            batch_id = batches.create(session, inspect(path, tmp_path), "export.csv")
            mapping = imports.batch(session, batch_id).mapping
            statement = Statement(topic_id, level, basis, "the old program")
            batches.prepare(session, batch_id, mapping, statement, **options)
        done = importing.run(batch_id)
        assert done.status == "done", done.error
        return done

    return run


@pytest.fixture
def topic_id(db) -> int:
    with unit_of_work() as session:
        return make.make_topic(session)


def states(topic_id: int) -> dict[str, str]:
    """Each person's standing: name of the address → state of the topic, and reasons of suppression."""
    with unit_of_work() as session:
        rows = session.execute(
            text(
                "SELECT split_part(c.email, '@', 1), concat_ws(' ', p.state, string_agg(s.reason, ' '))"
                " FROM contact c LEFT JOIN permission p ON p.contact_id = c.id AND p.topic_id = :topic"
                " LEFT JOIN suppression s ON s.address_key = c.address_key GROUP BY c.id, p.state"
            ),
            {"topic": topic_id},
        )
        return {row[0]: row[1] for row in rows}


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("listmonk", {"on": "granted", "off": "withdrawn import", "no": "withdrawn import"}),
        ("Brevo", {"on": "granted", "off": "withdrawn"}),
        ("phpList", {"on": "granted", "off": "withdrawn import", "asked": ""}),
        ("Mailtrain", {"on": "granted", "off": "withdrawn", "gone": "hard_bounce", "spam": "withdrawn complaint"}),
        ("Mautic", {"on": "granted", "off": "withdrawn", "gone": "hard_bounce"}),
        (
            "Sendy",
            {"on": "granted", "off": "withdrawn", "gone": "hard_bounce", "spam": "withdrawn complaint", "asked": ""},
        ),
        ("Mailchimp", {"on": "granted", "off": "withdrawn", "gone": "hard_bounce"}),
    ],
)
def test_a_programs_export_keeps_who_left(bring, topic_id, program, expected):
    content = EXPORTS[program]
    assert recognise(content.splitlines()[0].split(";" if ";" in content else ",")).name == program
    done = bring(content, topic_id)
    assert states(topic_id) == expected
    assert (done.permitted, done.rejected) == (1, 1 if program == "Mailtrain" else 0)
    again = bring(content, topic_id)
    assert (again.permitted, states(topic_id)) == (1, expected)
    with unit_of_work() as session:
        assert verify(session).broken is None


def test_the_days_are_kept(bring, topic_id):
    bring(MAILTRAIN, topic_id)
    with unit_of_work() as session:
        on, off = (contacts.by_address(session, f"{name}@example.com").id for name in ("on", "off"))
        granted, withdrawn = (permissions.of_contact(session, person)[topic_id] for person in (on, off))
        proof = session.get_one(PermissionEvidence, granted.event_id).detail
    assert granted.since == datetime(2023, 5, 1, 10, tzinfo=UTC)
    assert (withdrawn.state, withdrawn.since) == (State.WITHDRAWN, datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC))
    assert (proof["ip"], proof["source"]) == ("192.0.2.7", "the old program")


def test_without_a_topic_who_left_is_suppressed_whole(bring, topic_id):
    bring(MAILTRAIN, None)
    assert states(topic_id) == {"on": "", "off": "import", "gone": "hard_bounce", "spam": "complaint"}
    done = bring("email\noff@example.com\nspam@example.com\ngone@example.com\n", topic_id)
    assert (done.permitted, sum(done.refused.values())) == (0, 3)


def test_what_somebody_did_here_later_weighs_more(bring, topic_id):
    with unit_of_work() as session:
        person = make.make_contact(session, "off@example.com")
        make.grant(session, person, topic_id, level=Level.CONFIRMED)
    bring(MAILTRAIN, topic_id)
    assert states(topic_id)["off"] == "granted"
    bring(SENDY, topic_id)  # which tells no day
    assert states(topic_id)["off"] == "withdrawn"


def test_a_dry_run_writes_nobody_down(bring, topic_id):
    done = bring(MAILTRAIN, topic_id, dry_run=True)
    assert (done.permitted, done.refused) == (1, {"file_left": 1, "file_bounced": 1, "file_complained": 1})
    with unit_of_work() as session:
        assert session.scalars(select(PermissionEvent)).all() == session.scalars(select(Suppression)).all() == []


@pytest.mark.parametrize("cell", ["", "0", "No", "0000-00-00 00:00:00", "NULL", "\\N", "false", "-"])
def test_what_stands_for_nothing(cell):
    assert is_nothing(cell)


@pytest.mark.parametrize("cell", ["1", "yes", "2024-01-01", "x", "some day"])
def test_anything_else_means_that_they_left(cell):
    assert not is_nothing(cell)


@pytest.mark.parametrize(
    ("cell", "at"),
    [
        ("2024-02-03", "2024-02-03T00:00:00"),
        ("2024-02-03 04:05:06 +0100 CET", "2024-02-03T03:05:06"),
        ("2024-02-03T04:05:06.789Z", "2024-02-03T04:05:06"),
        ("1706933106", "2024-02-03T04:05:06"),
        ("31/12/2023 23:59", "2023-12-31T23:59:00"),
        ("03/02/2024", None),
        ("soon", None),
        ("2024-02-31", None),
        ("99999999999999", None),
    ],
)
def test_moments(cell, at):
    found = moment(cell, DateOrder.CLEAR)
    assert found == (datetime.fromisoformat(at).replace(tzinfo=UTC) if at else None)


def test_status_words_are_read_and_others_refused():
    assert status("Désabonné", {}) is Standing.LEFT
    assert status("hard bounce", {}) is Standing.BOUNCED
    with pytest.raises(Exception, match="not known"):
        status("gold", {})
